//! The model file: what comes back is what went in, and nothing damaged comes back.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic and tells what it skips")]

mod common;

use glam::{Affine3A, Vec3};
use rr_load::{Import, model_file};
use rr_scene::{ColourRange, Instance, Mesh, Model, Part, Rgba8, Unit};

fn import() -> Import {
    let mesh = Mesh {
        positions: vec![[0.0, 0.5, -1.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.5]],
        normals: vec![[0.0, 0.0, 1.0]; 3],
        indices: vec![0, 1, 2, 2, 1, 0],
        colours: vec![ColourRange { first_triangle: 1, triangle_count: 1, colour: Rgba8([1, 2, 3, 4]) }],
        edges: vec![[0.0; 3], [1.0; 3]],
        lines: vec![[2.0; 3], [3.0; 3], [4.0; 3], [5.0; 3]],
    };
    let parts = vec![Part { name: "größer".to_owned(), mesh }, Part { name: String::new(), mesh: Mesh::default() }];
    let instance = |part, colour| Instance {
        part,
        name: format!("instance {part}"),
        model_from_part: Affine3A::from_translation(Vec3::new(1.0, 2.0, 3.0)),
        colour,
    };
    let instances = vec![instance(0, Some(Rgba8([9, 8, 7, 6]))), instance(1, None), instance(0, None)];
    Import {
        model: Model { parts, instances },
        coordinates: Unit::Mm,
        declared_unit: Some(Unit::Inch),
        variant: "5.3".to_owned(),
        warnings: vec!["one".to_owned(), "and another".to_owned()],
    }
}

fn written(import: &Import) -> Vec<u8> {
    let mut bytes = Vec::new();
    model_file::write(import, &mut bytes).unwrap();
    bytes
}

/// The same body with a checksum that fits, as an attacker would make it.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() - 56) as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let checksum = blake3::hash(&bytes[56..]);
    bytes[24..56].copy_from_slice(checksum.as_bytes());
    bytes
}

#[test]
fn what_is_written_comes_back() {
    for import in [import(), Import::default()] {
        assert_eq!(model_file::read(&written(&import)), Ok(import));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    let bytes = written(&import());
    for length in 0..bytes.len() {
        assert!(model_file::read(&bytes[..length]).is_err(), "cut to {length}");
    }
    for at in (0..bytes.len()).filter(|at| !(12..16).contains(at)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(model_file::read(&damaged).is_err(), "byte {at}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(model_file::read(&longer).is_err());
}

#[test]
fn another_version_is_told() {
    let mut bytes = written(&import());
    bytes[8] = 99;
    assert_eq!(model_file::read(&bytes), Err(model_file::ReadError::Version(99)));
    assert_eq!(model_file::read(b"ISO-10303-21;"), Err(model_file::ReadError::Magic));
}

#[test]
fn a_well_sealed_lie_is_refused_or_a_sound_model() {
    let bytes = written(&import());
    // Every word of the body as a huge count, a large one, and a small one.
    for at in (56..bytes.len() - 3).step_by(4) {
        for value in [u32::MAX, 0x7FFF_FFFF, 1 << 20, 7, 0] {
            let mut lie = bytes.clone();
            lie[at..at + 4].copy_from_slice(&value.to_le_bytes());
            if let Ok(import) = model_file::read(&sealed(lie)) {
                import.model.check().unwrap();
            }
        }
    }
    let mut random = common::Random(5);
    for round in 0..2000 {
        let mut lie = bytes[56..].to_vec();
        for _ in 0..=random.below(4) {
            common::mutate(&mut lie, &mut random);
        }
        lie.splice(0..0, bytes[..56].iter().copied());
        if let Ok(import) = model_file::read(&sealed(lie)) {
            import.model.check().unwrap_or_else(|e| panic!("round {round}: {e}"));
        }
    }
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = model_file::write(&import(), &mut Full(100)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
