//! Our own parsers, as functions that take any bytes and panic when something is wrong with what comes out.
//!
//! The targets in `fuzz/` feed them forever, `tests/tests/parsers.rs` with the inputs in `tests/corpus` and seeded
//! changes of these. An input that ever failed is kept there.

use rr_formats::Limits as FormatLimits;
use rr_load::cad::wire::Message;
use rr_load::stl::StlLoader;
use rr_load::{CadLoader, Confidence, Import, Limits, LoadContext, Loader, Source};
use std::path::Path;

/// A parser by name.
pub struct Parser {
    /// Name of the target in `fuzz/` and of the folder in `tests/corpus`.
    pub name: &'static str,
    /// Panics when the parser is wrong.
    pub run: fn(&[u8]),
}

/// Every parser that we wrote ourselves and that reads what others wrote.
pub const ALL: [Parser; 5] = [
    Parser { name: "stl", run: stl },
    Parser { name: "wire", run: wire },
    Parser { name: "gltf", run: gltf },
    Parser { name: "mend", run: mend },
    Parser { name: "sniff", run: sniff },
];

/// Enough for every input worth trying, and too few to be slow.
const MAX_TRIANGLES: u64 = 1 << 20;

fn hold(import: &Import) {
    if let Err(reason) = import.model.check() {
        panic!("the model breaks its contract: {reason}");
    }
}

/// STL, binary and ASCII, whichever the bytes look like, and both.
pub fn stl(bytes: &[u8]) {
    let context =
        LoadContext { limits: Limits { max_triangles: MAX_TRIANGLES, ..Limits::default() }, ..LoadContext::default() };
    let source = Source::from_bytes("fuzz.stl", bytes.to_vec());
    if let Ok(import) = StlLoader.load(&source, &context) {
        hold(&import);
    }
}

/// Frames of the import helper: what was read is written and read again.
pub fn wire(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(message)) = Message::read_from(&mut rest) {
        if let Message::Part(part) = &message {
            assert_eq!(part.mesh.check(), Ok(()), "a part breaks its contract");
        }
        let mut again = Vec::new();
        assert!(message.write_to(&mut again).is_ok(), "what was read cannot be written");
        let once_more = Message::read_from(&mut again.as_slice());
        // Numbers that are none differ from themselves.
        if once_more.as_ref().ok() != Some(&Some(message)) {
            let Ok(Some(message)) = once_more else { panic!("what was written cannot be read") };
            let mut third = Vec::new();
            assert!(message.write_to(&mut third).is_ok_and(|()| third == again), "it changes on the way");
        }
    }
}

/// glTF: the container, accessors, the scene; no files beside it are there.
pub fn gltf(bytes: &[u8]) {
    let limits = FormatLimits { max_triangles: MAX_TRIANGLES, max_placements: 10_000 };
    if let Ok(document) = rr_formats::read_gltf(bytes, Path::new("/nowhere/fuzz.gltf"), &limits) {
        hold(&Import { model: document.model, ..Import::default() });
    }
}

/// The repair of IGES and STEP files: a file that was mended needs no mending.
pub fn mend(bytes: &[u8]) {
    let _ = rr_load::cad::mended(&CadLoader::IGES, bytes);
    if let Some(mended) = rr_load::cad::mended(&CadLoader::STEP, bytes) {
        assert_eq!(rr_load::cad::mended(&CadLoader::STEP, &mended), None, "it must be mended once more");
    }
}

/// Recognition of formats, which sees every file first.
pub fn sniff(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(rr_load::SNIFF_BYTES)];
    for loader in rr_load::loaders() {
        let _: Confidence = loader.sniff(head, bytes.len() as u64);
    }
    let _ = rr_load::find_loader(Path::new("model"), head, bytes.len() as u64);
}
