//! One small model in every format, written by the tests themselves: two boxes of 1 x 2 x 3 units, 5 units apart.
#![allow(dead_code, reason = "each test file uses its share")]

pub mod brep;
pub mod gltf;
pub mod meshes;
pub mod step;

use rr_scene::{Unit, UpAxis};
use std::path::{Path, PathBuf};

pub const RED: [u8; 4] = [255, 0, 0, 255];
pub const GREEN: [u8; 4] = [0, 255, 0, 255];
pub const BLUE: [u8; 4] = [0, 0, 255, 255];

/// What a reader must find.
#[derive(Clone)]
pub struct Expect {
    pub triangles: usize,
    pub lines: usize,
    pub instances: usize,
    /// In metres, in the axes of the file.
    pub size_m: [f64; 3],
    pub unit: Unit,
    pub declared: bool,
    pub up: UpAxis,
    pub colours: Vec<[u8; 4]>,
    /// Those of the instances, sorted.
    pub names: Vec<&'static str>,
    pub variant: &'static str,
}

/// A model and what is in it.
pub struct Sample {
    pub format: &'static str,
    /// Name and content; the first is the model, the others lie beside it.
    pub files: Vec<(String, Vec<u8>)>,
    pub expect: Expect,
}

impl Sample {
    /// Writes the files into a folder and gives the path of the model.
    pub fn write(&self, folder: &Path) -> PathBuf {
        for (name, bytes) in &self.files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        folder.join(&self.files[0].0)
    }
}

/// Two boxes of 12 triangles in a format that says nothing but geometry.
pub fn plain() -> Expect {
    Expect {
        triangles: 24,
        lines: 0,
        instances: 2,
        size_m: [0.006, 0.002, 0.003],
        unit: Unit::Mm,
        declared: false,
        up: UpAxis::Z,
        colours: Vec::new(),
        names: vec!["", ""],
        variant: "",
    }
}

/// Every sample.
pub fn all() -> Vec<Sample> {
    let mut all = vec![meshes::stl_text(), meshes::stl_binary(), iges()];
    all.extend([step::sample(), step::inches(), step::deep(), brep::sample(), brep::binary()]);
    all.extend([
        meshes::obj(),
        meshes::ply("ascii"),
        meshes::ply("binary_little_endian"),
        meshes::ply("binary_big_endian"),
    ]);
    all.extend([gltf::json(), gltf::binary(), gltf::quantized()]);
    all
}

/// The IGES file of the other tests: its shapes are others.
fn iges() -> Sample {
    let files = vec![("posts.igs".to_owned(), crate::common::subfigures().into_bytes())];
    let expect = Expect {
        triangles: 0,
        lines: 1,
        instances: 4,
        size_m: [0.21, 0.025, 0.01],
        unit: Unit::Mm,
        declared: true,
        colours: vec![[255, 128, 0, 255], RED, BLUE],
        names: Vec::new(),
        ..plain()
    };
    Sample { format: "iges", files, expect }
}

/// Corners of a box with its lowest at `x`.
pub fn corners(x: f32) -> [[f32; 3]; 8] {
    std::array::from_fn(|i| {
        let at = |bit: usize, size: f32| if i >> bit & 1 == 1 { size } else { 0.0 };
        [x + at(0, 1.0), at(1, 2.0), at(2, 3.0)]
    })
}

/// The faces of a box, counter-clockwise seen from outside; the last is the top.
pub const QUADS: [[usize; 4]; 6] = [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];

/// The same as triangles.
pub fn triangles() -> Vec<[usize; 3]> {
    QUADS.iter().flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]]).collect()
}
