//! What the tests share: where the model files are, how a file is loaded, and a writer of small IGES files.
#![allow(dead_code, reason = "each test file uses its share")]

pub mod directory;

use rr_load::{ImportOptions, Limits, LoadContext, LoadError, Read};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder of IGES files, or `None` with a line that says so.
pub fn models() -> Option<PathBuf> {
    let found = std::env::var_os("RR_MODELS").map(PathBuf::from).or_else(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().map(|dir| dir.join("../shared/models")).find(|dir| dir.is_dir())
    });
    if found.is_none() {
        eprintln!("skipped: no model files (set RR_MODELS)");
    }
    found.map(|dir| dir.join("iges"))
}

/// IGES files of the folder; those that are damaged on purpose begin with `bad_`.
pub fn files(bad: bool) -> Vec<PathBuf> {
    let Some(dir) = models() else { return Vec::new() };
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("bad_") == bad);
    files.sort();
    files
}

/// A context with the helper that was built for this test.
pub fn context() -> LoadContext {
    LoadContext { import_helper: Some(env!("CARGO_BIN_EXE_rr-import").into()), ..LoadContext::default() }
}

/// A context with tight limits.
pub fn limited(time: Duration, memory_mib: u64) -> LoadContext {
    let limits = Limits { helper_time: time, helper_memory_bytes: memory_mib << 20, ..Limits::default() };
    LoadContext { limits, ..context() }
}

pub fn load(path: &Path) -> Read {
    load_with(path, &context()).unwrap_or_else(|e| panic!("{e}"))
}

pub fn load_with(path: &Path, context: &LoadContext) -> Result<Read, LoadError> {
    rr_load::read(path, &ImportOptions::default(), context)
}

/// Writes IGES files entity by entity (IGES 5.3, 2.2).
#[derive(Default)]
pub struct IgesWriter {
    directory: String,
    parameters: String,
    parameter_lines: usize,
    entities: usize,
}

/// Fields of the directory entry that are not 0.
#[derive(Default, Clone, Copy)]
pub struct Entry {
    pub form: i32,
    pub matrix: i32,
    /// 1 to 8, or minus the number of a colour definition.
    pub colour: i32,
    pub status: u32,
    pub label: &'static str,
}

impl IgesWriter {
    /// Adds an entity and gives its directory number. `parameters` are those after the type number.
    pub fn add(&mut self, kind: i32, entry: Entry, parameters: &str) -> i32 {
        let number = i32::try_from(2 * self.entities + 1).unwrap();
        self.entities += 1;
        let text = format!("{kind},{parameters};");
        let first = self.parameter_lines + 1;
        for chunk in text.as_bytes().chunks(64) {
            self.parameter_lines += 1;
            let chunk = std::str::from_utf8(chunk).unwrap();
            writeln!(self.parameters, "{chunk:<64}{number:>8}P{:>7}", self.parameter_lines).unwrap();
        }
        let count = self.parameter_lines + 1 - first;
        let Entry { form, matrix, colour, status, label } = entry;
        writeln!(
            self.directory,
            "{kind:>8}{first:>8}{:>8}{:>8}{:>8}{:>8}{matrix:>8}{:>8}{status:>08}D{number:>7}",
            0, 0, 0, 0, 0
        )
        .unwrap();
        writeln!(
            self.directory,
            "{kind:>8}{:>8}{colour:>8}{count:>8}{form:>8}{:>8}{:>8}{label:>8}{:>8}D{:>7}",
            0,
            "",
            "",
            0,
            number + 1
        )
        .unwrap();
        number
    }

    /// A line between two points.
    pub fn line(&mut self, entry: Entry, from: [f64; 3], to: [f64; 3]) -> i32 {
        let [a, b, c] = from;
        let [d, e, f] = to;
        self.add(110, entry, &format!("{a:.6},{b:.6},{c:.6},{d:.6},{e:.6},{f:.6}"))
    }

    /// The side of a cylinder around the z axis: a surface of revolution.
    pub fn tube(&mut self, entry: Entry, radius: f64, height: f64) -> i32 {
        let inner = Entry { status: 10000, ..Entry::default() };
        let axis = self.line(inner, [0.0; 3], [0.0, 0.0, height]);
        let side = self.line(inner, [radius, 0.0, 0.0], [radius, 0.0, height]);
        self.add(120, entry, &format!("{axis},{side},0.0,{:.15}", std::f64::consts::TAU))
    }

    /// The whole file. `unit` is the unit flag and the unit name, such as `2,2HMM`.
    pub fn finish(&self, unit: &str) -> String {
        let mut text = format!("{:<72}S{:>7}\n", "Written by a test.", 1);
        let global = format!(
            "1H,,1H;,4Htest,8Htest.igs,4Htest,4Htest,32,38,6,308,15,4Htest,1.0,{unit},1,0.1,15H20250101.000000,1E-6,\
             1000.0,,,11,0,;"
        );
        let mut lines = 0;
        for chunk in global.as_bytes().chunks(72) {
            lines += 1;
            writeln!(text, "{:<72}G{lines:>7}", std::str::from_utf8(chunk).unwrap()).unwrap();
        }
        let (directory, parameters) = (&self.directory, &self.parameters);
        let counts = format!("S{:>7}G{lines:>7}D{:>7}P{:>7}", 1, 2 * self.entities, self.parameter_lines);
        format!("{text}{directory}{parameters}{counts:<72}T{:>7}\n", 1)
    }
}

/// Three placements of a subfigure with two tubes, in a named group, and a coloured line.
pub fn subfigures() -> String {
    let mut file = IgesWriter::default();
    let inner = Entry { status: 10000, ..Entry::default() };
    let orange = file.add(314, Entry { status: 200, ..Entry::default() }, "100.0,50.0,0.0,6HORANGE");
    let thin = file.tube(Entry { colour: -orange, ..inner }, 2.0, 10.0);
    let thick = file.tube(Entry { colour: 4, ..inner }, 5.0, 3.0);
    let post = file.add(308, Entry { status: 10200, ..Entry::default() }, &format!("0,4HPost,2,{thin},{thick}"));
    let placed: Vec<i32> =
        [0.0, 100.0, 200.0].iter().map(|x| file.add(408, inner, &format!("{post},{x:.1},20.0,0.0,1.0"))).collect();
    let name = file.add(406, Entry { form: 15, ..inner }, "1,5HFence");
    let [a, b, c] = placed[..] else { unreachable!() };
    file.add(402, Entry { form: 7, ..Entry::default() }, &format!("3,{a},{b},{c},0,1,{name}"));
    file.line(Entry { colour: 2, ..Entry::default() }, [0.0; 3], [200.0, 0.0, 0.0]);
    file.finish("2,2HMM")
}
