//! Habits that a program can check.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// Files that git tracks with one of these endings.
fn tracked(endings: &[&str]) -> Vec<PathBuf> {
    let out = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(out.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&out.stderr));
    let names = String::from_utf8(out.stdout).unwrap();
    let ours = names.split('\0').filter(|n| endings.iter().any(|e| n.ends_with(e)));
    ours.map(|n| root().join(n)).filter(|p| p.exists()).collect()
}

#[test]
fn files_hold_one_subject() {
    const LIMIT: usize = 900;
    for path in tracked(&[".rs", ".ts", ".wgsl", ".cc", ".mjs"]) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let generated = path.to_string_lossy().contains(".gen.");
        assert!(generated || lines <= LIMIT, "{} has {lines} lines: what is it really about?", path.display());
    }
}

#[test]
fn rust_modules_say_why_they_exist() {
    for path in tracked(&[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
        assert!(first.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

#[test]
fn unsafe_code_says_why_it_is_safe() {
    // What a generator writes it answers for.
    for path in tracked(&[".rs"]).iter().filter(|p| !p.to_string_lossy().contains(".gen.")) {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = code.contains(concat!("unsafe", " {")) || code.contains(concat!("unsafe", " impl"));
            let explained = lines[i.saturating_sub(6)..=i].iter().any(|l| l.contains("SAFETY:"));
            assert!(!opens || explained, "{}:{}: unsafe without // SAFETY:", path.display(), i + 1);
        }
    }
}

#[test]
fn nothing_is_left_half_done() {
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("todo", "!("), concat!("#[ign", "ore")];
    for path in tracked(&[".rs", ".ts", ".wgsl", ".cc", ".hh", ".mjs", ".sh"]) {
        let text = fs::read_to_string(&path).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

#[test]
fn package_locks_name_no_hosts() {
    for path in tracked(&["package-lock.json", ".npmrc", "Cargo.lock"]) {
        let text = fs::read_to_string(&path).unwrap();
        let foreign = text.lines().find(|l| l.contains("://") && l.contains("resolved") || l.contains("registry="));
        assert_eq!(foreign, None, "{} names a host", path.display());
    }
}
