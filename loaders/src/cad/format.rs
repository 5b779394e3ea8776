//! The formats that the import helper reads: how each is recognised, and what is worth telling about its flavour.

use crate::{CadLoader, Confidence};
use rr_scene::UpAxis;

impl CadLoader {
    /// IGES 5.3 (US PRO/IPO-100-1996).
    pub const IGES: Self = Self { format: "iges", extensions: &["igs", "iges"], sniff: iges, ..Self::PLAIN };
    /// STEP (ISO 10303-21) with the application protocols 203, 214 and 242.
    pub const STEP: Self =
        Self { format: "step", extensions: &["step", "stp", "p21"], sniff: step, variant: step_schema, ..Self::PLAIN };
    /// The boundary representation of OpenCASCADE, as text and binary.
    pub const BREP: Self =
        Self { format: "brep", extensions: &["brep", "brp"], sniff: brep, variant: brep_variant, ..Self::PLAIN };
    /// glTF 2.0 (ISO/IEC 12113:2022).
    pub const GLTF: Self =
        Self { format: "gltf", extensions: &["glb", "gltf"], sniff: gltf, variant: gltf_variant, up: Some(UpAxis::Y) };
    /// Wavefront OBJ.
    pub const OBJ: Self = Self { format: "obj", extensions: &["obj"], sniff: obj, ..Self::PLAIN };
    /// Polygon File Format.
    pub const PLY: Self = Self { format: "ply", extensions: &["ply"], sniff: ply, variant: ply_variant, ..Self::PLAIN };

    const PLAIN: Self =
        Self { format: "", extensions: &[], sniff: |_| Confidence::No, variant: |_| String::new(), up: None };
}

fn iges(head: &[u8]) -> Confidence {
    // IGES 5.3, 2.2.4: lines of 80 columns, the first is of the start section: `S` in column 73, then its number.
    let first = head.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
    match first.get(72..80) {
        Some([b'S', number @ ..]) if number.iter().all(|b| b.is_ascii_digit() || *b == b' ') => Confidence::Certain,
        _ => Confidence::No,
    }
}

fn step(head: &[u8]) -> Confidence {
    // ISO 10303-21, 5.3.
    if head.trim_ascii_start().starts_with(b"ISO-10303-21;") { Confidence::Certain } else { Confidence::No }
}

/// The first schema that the header names, such as `AUTOMOTIVE_DESIGN`.
fn step_schema(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let schema = text.split_once("FILE_SCHEMA").and_then(|(_, rest)| rest.split('\'').nth(1)).unwrap_or_default();
    let name = schema.split([' ', '{']).next().unwrap_or_default();
    let is_name = name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name { name.to_ascii_uppercase() } else { String::new() }
}

fn brep(head: &[u8]) -> Confidence {
    let start = &head[..head.len().min(256)];
    let has = |mark: &[u8]| start.windows(mark.len()).any(|w| w == mark);
    let is_text = start.starts_with(b"DBRep_DrawableShape") || has(b"CASCADE Topology V");
    if is_text || has(b"Open CASCADE Topology V") { Confidence::Certain } else { Confidence::No }
}

fn brep_variant(head: &[u8]) -> String {
    let start = &head[..head.len().min(256)];
    let is_binary = start.windows(21).any(|w| w == b"Open CASCADE Topology");
    (if is_binary { "binary" } else { "ASCII" }).to_owned()
}

fn gltf(head: &[u8]) -> Confidence {
    if head.starts_with(b"glTF") {
        return Confidence::Certain;
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let names = |word: &[u8]| text.windows(word.len()).any(|w| w == word);
    let is_json = text.starts_with(b"{");
    let is_gltf = [&b"\"asset\""[..], b"\"meshes\"", b"\"bufferViews\"", b"\"accessors\""].iter().any(|w| names(w));
    if is_json && is_gltf { Confidence::Likely } else { Confidence::No }
}

fn gltf_variant(head: &[u8]) -> String {
    (if head.starts_with(b"glTF") { "binary" } else { "JSON" }).to_owned()
}

fn obj(head: &[u8]) -> Confidence {
    // Statements that hardly any other text begins its lines with, followed by what belongs there.
    let statement = |line: &[u8]| {
        let mut words = line.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty());
        let number = |w: Option<&[u8]>| {
            w.and_then(|w| std::str::from_utf8(w).ok()).is_some_and(|w| w.trim().parse::<f64>().is_ok())
        };
        match words.next() {
            Some(b"v" | b"vn") => number(words.next()) && number(words.next()) && number(words.next()),
            Some(b"mtllib" | b"usemtl") => words.next().is_some(),
            _ => false,
        }
    };
    let lines = head.split(|b| matches!(b, b'\n' | b'\r'));
    if lines.filter(|line| statement(line)).take(2).count() == 2 { Confidence::Likely } else { Confidence::No }
}

fn ply(head: &[u8]) -> Confidence {
    if head.starts_with(b"ply\n") || head.starts_with(b"ply\r") { Confidence::Certain } else { Confidence::No }
}

fn ply_variant(head: &[u8]) -> String {
    let line = head.split(|b| matches!(b, b'\n' | b'\r')).find_map(|line| line.strip_prefix(b"format "));
    match line.unwrap_or_default().trim_ascii_start() {
        line if line.starts_with(b"ascii") => "ASCII",
        line if line.starts_with(b"binary_little_endian") => "binary, little endian",
        line if line.starts_with(b"binary_big_endian") => "binary, big endian",
        _ => "",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_knows_its_own_and_no_other() {
        let heads: [(&str, &[u8]); 10] = [
            ("step", b"ISO-10303-21;\nHEADER;"),
            ("brep", b"DBRep_DrawableShape\n\nCASCADE Topology V1, (c) Matra-Datavision"),
            ("brep", b"\nOpen CASCADE Topology V4, (c) Open Cascade"),
            ("gltf", b"glTF\x02\0\0\0"),
            ("gltf", b" {\"asset\": {\"version\": \"2.0\"}}"),
            ("obj", b"# made by hand\nmtllib a.mtl\nv 0 0 0\nv 1 0 0"),
            ("ply", b"ply\nformat ascii 1.0"),
            ("", b"{\"format\": \"something else\"}"),
            ("", b"v is a letter\nand so is u\n"),
            ("", b""),
        ];
        let all = [CadLoader::IGES, CadLoader::STEP, CadLoader::BREP, CadLoader::GLTF, CadLoader::OBJ, CadLoader::PLY];
        for (format, head) in heads {
            for loader in &all {
                let knows = (loader.sniff)(head) > Confidence::No;
                assert_eq!(knows, loader.format == format, "{} and {}", loader.format, String::from_utf8_lossy(head));
            }
        }
    }

    #[test]
    fn flavours_are_named() {
        assert_eq!(step_schema(b"FILE_SCHEMA (('AUTOMOTIVE_DESIGN { 1 0 }'));"), "AUTOMOTIVE_DESIGN");
        assert_eq!(step_schema(b"FILE_SCHEMA(('\x1b[2J'))"), "");
        assert_eq!(ply_variant(b"ply\r\nformat binary_little_endian 1.0\r\n"), "binary, little endian");
    }
}
