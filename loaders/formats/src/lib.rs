//! Readers of mesh formats that have a library in Rust: glTF 2.0, OBJ and PLY.
//!
//! The libraries are written for files that mean well: counts in a header become allocations, and some checks end in a
//! panic. So only the import helper links this crate, a process with limits of its own. What a file refers to beside
//! itself is opened by `Surroundings` only, and that never leaves the folder of the file.

mod gltf;
mod obj;
mod ply;
mod polygon;
mod surface;
mod surroundings;
mod texture;

use rr_scene::{Assembly, Unit};
use std::path::Path;

/// A format of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// glTF 2.0 (ISO/IEC 12113:2022), as JSON with buffers beside it or as one binary file.
    Gltf,
    /// Wavefront OBJ with its material library.
    Obj,
    /// Polygon File Format (Stanford), ASCII and binary.
    Ply,
}

/// What a file holds, in its own coordinates and axes.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// Parts and placements.
    pub model: Assembly,
    /// The unit, where the format has one.
    pub unit: Option<Unit>,
    /// What was wrong, and what was done about it.
    pub warnings: Vec<String>,
    /// Files that it names beside itself, whether they are there or not.
    pub beside: Vec<String>,
}

/// Bounds on what one file may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Triangles of all parts together.
    pub max_triangles: u64,
    /// Placements.
    pub max_placements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_triangles: 64_000_000, max_placements: 1_000_000 }
    }
}

/// Why a file gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The file, or one beside it, cannot be opened.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The content is not what the format allows.
    #[error("{0}")]
    Malformed(String),
    /// It needs something that this reader does not have.
    #[error("{0}")]
    Unsupported(String),
    /// A limit was met.
    #[error("more than {0} triangles")]
    TooLarge(u64),
}

/// Reads a file as far as it can be read.
pub fn read(format: Format, file: &Path, limits: &Limits) -> Result<Document, FormatError> {
    match format {
        Format::Gltf => read_gltf(&std::fs::read(file)?, file, limits),
        Format::Obj => obj::read(file, limits),
        Format::Ply => ply::read(file, limits),
    }
}

/// Reads glTF that is in memory; what it names lies beside `file`.
pub fn read_gltf(bytes: &[u8], file: &Path, limits: &Limits) -> Result<Document, FormatError> {
    gltf::read(bytes, file, limits)
}

fn malformed(reason: impl Into<String>) -> FormatError {
    FormatError::Malformed(reason.into())
}
