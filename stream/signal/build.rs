//! Lists the files of the built viewer page for `assets.rs` to embed, or puts a page in their place that says how to
//! build it.

#![allow(clippy::print_stdout, reason = "that is how a build script talks to cargo")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let viewer_dir = manifest_dir.join("../../web-viewer");
    let dist = viewer_dir.join("dist");
    println!("cargo:rerun-if-env-changed=RR_REQUIRE_VIEWER");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=placeholder.html");

    let mut code =
        String::from("/// The viewer page that this build was made with.\npub static VIEWER_ASSETS: &[Asset] = &[\n");
    let built = dist.join("index.html").is_file();
    if built {
        println!("cargo:rerun-if-changed={}", dist.display());
        let dist = dist.canonicalize()?;
        let mut files = Vec::new();
        list(&dist, &mut files)?;
        files.sort();
        for file in &files {
            entry(&mut code, &url_path(&dist, file), file);
        }
    } else {
        // A watch on `dist` itself would rebuild this crate every time for as long as it is missing.
        println!("cargo:rerun-if-changed={}", viewer_dir.display());
        let message = "web-viewer/dist is missing: this build has no viewer page; `make web` builds it";
        if env::var("RR_REQUIRE_VIEWER").is_ok_and(|value| value == "1") {
            writeln!(code, "];\ncompile_error!({message:?});\nstatic _UNUSED: &[Asset] = &[")
                .map_err(io::Error::other)?;
        } else {
            println!("cargo:warning={message}");
        }
        entry(&mut code, "index.html", &manifest_dir.join("placeholder.html"));
    }
    code.push_str("];\n\n/// Whether [`VIEWER_ASSETS`] is the viewer and not a page that says that it is missing.\n");
    writeln!(code, "pub const HAS_VIEWER: bool = {built};").map_err(io::Error::other)?;
    fs::write(out_dir.join("viewer_assets.rs"), code)
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for found in fs::read_dir(dir)? {
        let path = found?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "map") {
            // Source maps are for whoever builds the page.
            files.push(path);
        }
    }
    Ok(())
}

fn url_path(dist: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(dist).unwrap_or(file);
    relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn entry(code: &mut String, path: &str, file: &Path) {
    let content_type = content_type(path);
    let hashed = is_hashed(path);
    // Writing to a string cannot fail.
    let _ = writeln!(
        code,
        "    Asset {{ path: {path:?}, content_type: {content_type:?}, bytes: include_bytes!({file:?}), hashed: {hashed} }},"
    );
}

/// Vite names such files `assets/<name>-<8 characters of hash>.<extension>`.
fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("assets/") else { return false };
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let Some(at) = stem.len().checked_sub(9) else { return false };
    stem.as_bytes()[at] == b'-'
        && stem.as_bytes()[at + 1..].iter().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
