//! A test double of NVIDIA's driver libraries, for tests only: no part of the product links it.
//!
//! [`Double::load`] compiles `nvenc_double.c` and its parts against NVIDIA's own header ([`headers`]) and loads it; [`Double::folder`] holds it under
//! the names of the driver's libraries, for programs that are started with `LD_LIBRARY_PATH`. The C file says what it
//! checks and which misfortunes it plays. Its state belongs to the process, so a [`Double`] is held by one test at a
//! time.

#![expect(unsafe_code, reason = "functions of the C library")]

use libloading::Library;
use std::ffi::{CString, c_char, c_int};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const SOURCES: [(&str, &str); 6] = [
    ("nvenc_double.c", include_str!("../nvenc_double.c")),
    ("nvenc_double_av1.c", include_str!("../nvenc_double_av1.c")),
    ("nvenc_double_av1.h", include_str!("../nvenc_double_av1.h")),
    ("nvenc_double_hevc.c", include_str!("../nvenc_double_hevc.c")),
    ("nvenc_double_hevc.h", include_str!("../nvenc_double_hevc.h")),
    // It names the version of NVIDIA's header.
    ("Cargo.toml", include_str!("../Cargo.toml")),
];
/// The crate that carries the header, and where.
const HEADER_CRATE: &str = "nvidia-video-codec-sdk";
const HEADER_FOLDER: &str = "src/sys/headers";
const NAMES: [&str; 2] = ["libcuda.so.1", "libnvidia-encode.so.1"];

/// The double, with its settings as they are at first, for as long as the test holds it.
#[derive(Debug)]
pub struct Double {
    _alone: MutexGuard<'static, ()>,
}

/// What is open in the double, and what it did since the last reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// CUDA contexts that are open.
    pub contexts: i32,
    /// Sessions that are open.
    pub sessions: i32,
    /// Buffers that are there.
    pub buffers: i32,
    /// Pictures encoded.
    pub pictures: i32,
    /// Changes of a running encoder.
    pub reconfigured: i32,
    /// Memory and semaphores of other interfaces that are imported.
    pub imports: i32,
    /// Pictures encoded where they lay on the card.
    pub shared: i32,
}

struct Functions {
    set: unsafe extern "C" fn(*const c_char, *const c_char),
    reset: unsafe extern "C" fn(),
    faults: unsafe extern "C" fn(*mut c_char, usize) -> c_int,
    counts: unsafe extern "C" fn(*mut c_int),
}

impl Double {
    /// Builds it when it has not been built, and resets it. Waits until no other test of this process holds it.
    pub fn load() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: takes no arguments.
        unsafe { (functions().reset)() };
        Self { _alone: alone }
    }

    /// The CUDA library.
    pub fn cuda(&self) -> PathBuf {
        Self::folder().join(NAMES[0])
    }

    /// The encoder's library.
    pub fn nvenc(&self) -> PathBuf {
        Self::folder().join(NAMES[1])
    }

    /// The folder with both, by the driver's names.
    pub fn folder() -> &'static Path {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        FOLDER.get_or_init(build)
    }

    /// Tells it what to play, such as `set("NVENC_DOUBLE_MAX_SESSIONS", "2")`. An empty value ends it.
    pub fn set(&self, name: &str, value: &str) {
        let (name, value) = (c_string(name), c_string(value));
        // SAFETY: two strings, which the function copies.
        unsafe { (functions().set)(name.as_ptr(), value.as_ptr()) };
    }

    /// As it was at first, but for what is open.
    pub fn restart(&self) {
        // SAFETY: takes no arguments.
        unsafe { (functions().reset)() };
    }

    /// Every misuse since the last reset, a line each.
    pub fn faults(&self) -> String {
        let mut text = vec![0u8; 4096];
        // SAFETY: writes at most as many bytes, with a zero at the end.
        unsafe { (functions().faults)(text.as_mut_ptr().cast(), text.len()) };
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        String::from_utf8_lossy(&text[..end]).into_owned()
    }

    /// What is open, and what was done.
    pub fn counts(&self) -> Counts {
        let mut counts = [0; 7];
        // SAFETY: writes seven numbers.
        unsafe { (functions().counts)(counts.as_mut_ptr()) };
        let [contexts, sessions, buffers, pictures, reconfigured, imports, shared] = counts;
        Counts { contexts, sessions, buffers, pictures, reconfigured, imports, shared }
    }
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn c_string(text: &str) -> CString {
    CString::new(text).expect("a text without zeros")
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn functions() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        // SAFETY: our own library, which does nothing when it is opened.
        let library = unsafe { Library::new(Double::folder().join(NAMES[0])) }.expect("the double opens");
        let library = Box::leak(Box::new(library));
        // SAFETY: the types are those of the C file; the library stays open.
        unsafe {
            Functions {
                set: *library.get(b"nvenc_double_set\0").expect("a function of the double"),
                reset: *library.get(b"nvenc_double_reset\0").expect("a function of the double"),
                faults: *library.get(b"nvenc_double_faults\0").expect("a function of the double"),
                counts: *library.get(b"nvenc_double_counts\0").expect("a function of the double"),
            }
        }
    })
}

/// The folder with NVIDIA's `nvEncodeAPI.h` of the version that the bindings have. It lies in a crate that this one names and
/// nobody builds; cargo is asked where, and fetches it when nobody did before.
#[expect(clippy::expect_used, clippy::panic, reason = "a helper of tests")]
pub fn headers() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let out = metadata.output().expect("cargo");
    assert!(out.status.success(), "NVIDIA's header is not found: {}", String::from_utf8_lossy(&out.stderr));
    let all: serde_json::Value = serde_json::from_slice(&out.stdout).expect("cargo writes JSON");
    let named = |package: &&serde_json::Value| package["name"] == HEADER_CRATE;
    let package = all["packages"].as_array().and_then(|packages| packages.iter().find(named));
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let Some(folder) = manifest.and_then(|manifest| Path::new(manifest).parent()) else {
        panic!("{HEADER_CRATE} is not among the packages of the workspace");
    };
    folder.join(HEADER_FOLDER)
}

/// Compiles it into the folder of the programs, once for each version of the source.
#[expect(clippy::expect_used, clippy::panic, reason = "a helper of tests")]
fn build() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    SOURCES.hash(&mut hasher);
    let program = std::env::current_exe().expect("the test's own path");
    let home = program.parent().expect("a folder").join(format!("nvenc-double-{:x}", hasher.finish()));
    if home.join(NAMES[1]).exists() {
        return home;
    }
    // Tests of other processes may do the same at this moment: whoever is first wins.
    let draft = home.with_extension(std::process::id().to_string());
    std::fs::create_dir_all(&draft).expect("a folder for the double");
    let library = draft.join(NAMES[0]);
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-label", "-o"]);
    cc.arg(&library).arg("-I").arg(headers());
    for (name, text) in SOURCES {
        let source = draft.join(name);
        std::fs::write(&source, text).expect("the source is written");
        if name.ends_with(".c") {
            cc.arg(source);
        }
    }
    cc.args(["-lopenh264", "-lpthread", "-ldl", "-lm"]);
    let out = cc.output().expect("a C compiler");
    let complaint = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "are libffmpeg-nvenc-dev, libopenh264-dev, libx265-dev and libaom-dev installed? (tools/install.sh test)\n{complaint}"
    );
    // One library under two names: its state is one.
    std::fs::hard_link(&library, draft.join(NAMES[1])).expect("the second name");
    if std::fs::rename(&draft, &home).is_err() {
        let _ = std::fs::remove_dir_all(&draft);
    }
    if !home.join(NAMES[1]).exists() {
        panic!("the double was not built");
    }
    home
}
