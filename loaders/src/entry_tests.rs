//! What comes back is what went in, and nothing damaged comes back.

use super::*;
use crate::{CancelToken, Import, LoadContext, Source};
use glam::Vec3;
use rr_scene::{Assembly, ColourRange, Instance, Mesh, Model, Part};
use std::sync::Arc;

fn content() -> Content {
    let mesh = Mesh {
        positions: vec![[0.0, 0.5, -1.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.5]],
        normals: vec![[0.0, 0.0, 1.0]; 3],
        indices: vec![0, 1, 2, 2, 1, 0],
        colours: vec![ColourRange { first_triangle: 1, triangle_count: 1, colour: Rgba8([1, 2, 3, 4]) }],
        edges: vec![[0.0; 3], [1.0; 3]],
        lines: vec![[2.0; 3], [3.0; 3], [4.0; 3], [5.0; 3]],
    };
    let lines = Mesh { lines: vec![[2.0; 3], [3.0; 3]], ..Mesh::default() };
    let parts = vec![Part { name: "größer".to_owned(), mesh }, Part { name: String::new(), mesh: lines }];
    let instance = |part, colour| Instance {
        part,
        name: format!("instance {part}"),
        model_from_part: Affine3A::from_translation(Vec3::new(1.0, 2.0, 3.0)),
        colour,
    };
    let instances = vec![instance(0, Some(Rgba8([9, 8, 7, 6]))), instance(1, None), instance(0, None)];
    let import = Import {
        model: Assembly { parts, instances },
        coordinates: Unit::Mm,
        declared_unit: Some(Unit::Inch),
        variant: "5.3".to_owned(),
        warnings: vec!["one".to_owned(), "and another".to_owned()],
        beside: vec!["colours.mtl".to_owned()],
    };
    Content::of(&import, &Source::from_bytes("a", Vec::new()), &LoadContext::default()).unwrap()
}

/// With coarser versions, and its second shape as its stand-in.
fn refined() -> Content {
    let mut content = content();
    let model = Model { pieces: content.pieces.clone(), stand_in: OnceLock::new() };
    crate::refine(&model, &CancelToken::new());
    let level = Level { first: 0, count: 3, error: 0.5 };
    let levels = Levels { indices: vec![0, 1, 2], levels: vec![level], is_solid: true };
    let mut shape = Shape::of(&Mesh {
        positions: vec![[0.0; 3], [1.0; 3], [0.0, 1.0, 0.0]],
        indices: vec![0, 1, 2],
        ..Mesh::default()
    });
    shape.levels = OnceLock::from(levels);
    shape.hash = hash_of(&shape);
    content.stand_in = Some(Arc::new(shape));
    content.is_refined = true;
    content
}

fn written(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(content, &mut bytes).unwrap();
    bytes
}

fn read_all(bytes: &[u8]) -> Result<Content, ReadError> {
    read(&mut &*bytes, bytes.len() as u64, &ShapeStore::default())
}

/// The same with a length and a checksum that fit, as an attacker would make them.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let u64_at = |bytes: &[u8], at: usize| -> usize {
        bytes.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap()) as usize)
    };
    let records = 64usize.saturating_add(u64_at(&bytes, 56).saturating_add(7) & !7);
    let count = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let places = (0..count.min(100))
        .map(|i| u64_at(&bytes, records.saturating_add(i * size_of::<Record>() + 112)))
        .fold(0usize, usize::saturating_add);
    let end = records
        .saturating_add(count.saturating_mul(size_of::<Record>()))
        .saturating_add(places.saturating_mul(size_of::<PlaceRecord>()))
        .clamp(56, bytes.len());
    let length = (bytes.len() - 56) as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let checksum = blake3::hash(&bytes[56..end]);
    bytes[24..56].copy_from_slice(checksum.as_bytes());
    bytes
}

fn check(content: &Content) {
    for piece in &content.pieces {
        piece.shape.check().unwrap();
        assert!(piece.places.iter().all(|p| p.model_from_part.is_finite()));
    }
    content.stand_in.iter().for_each(|s| s.check().unwrap());
}

#[test]
fn what_is_written_comes_back() {
    for content in [content(), refined()] {
        let bytes = written(&content);
        assert_eq!(sealed(bytes.clone()), bytes, "the tests below seal as the writer does");
        let back = read_all(&bytes).unwrap();
        assert_eq!(back, content);
        for (a, b) in back.pieces.iter().zip(&content.pieces) {
            assert_eq!((&a.shape.corners, &a.shape.edges), (&b.shape.corners, &b.shape.edges));
            assert_eq!(a.shape.bounds, b.shape.bounds);
        }
    }
}

#[test]
fn shapes_in_use_are_not_read_again() {
    let bytes = written(&refined());
    let store = ShapeStore::default();
    let first = read(&mut &*bytes, bytes.len() as u64, &store).unwrap();
    let second = read(&mut &*bytes, bytes.len() as u64, &store).unwrap();
    for (a, b) in first.pieces.iter().zip(&second.pieces) {
        assert!(Arc::ptr_eq(&a.shape, &b.shape));
    }
    assert_eq!(first, second);
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    let bytes = written(&refined());
    for length in 0..bytes.len() {
        assert!(read_all(&bytes[..length]).is_err(), "cut to {length}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(read_all(&damaged).is_err(), "byte {at}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(read_all(&longer).is_err());
}

#[test]
fn another_version_is_told() {
    let mut bytes = written(&content());
    bytes[8] = 99;
    assert!(matches!(read_all(&bytes), Err(ReadError::Version(99))));
    bytes[0] = b'I';
    assert!(matches!(read_all(&bytes), Err(ReadError::Magic)));
}

#[test]
fn a_well_sealed_lie_is_refused_or_a_sound_model() {
    let bytes = written(&refined());
    // Every word of the head as a huge count, a large one, and a small one.
    let mut read_anything = 0;
    for at in (12..bytes.len() - 3).step_by(4) {
        for value in [u32::MAX, 0x7FFF_FFFF, 1 << 20, 7, 0] {
            let mut lie = bytes.clone();
            lie[at..at + 4].copy_from_slice(&value.to_le_bytes());
            if let Ok(content) = read_all(&sealed(lie)) {
                read_anything += 1;
                check(&content);
            }
        }
    }
    assert!(read_anything > 0, "the seals do not fit");
    let mut seed = 5u32;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % n
    };
    for _ in 0..3000 {
        let mut lie = bytes.clone();
        for _ in 0..=below(4) {
            let at = 12 + below(lie.len() - 12);
            match below(4) {
                0 => lie.truncate(at.max(64)),
                1 => lie.insert(at.max(24), below(256) as u8),
                _ => lie[at] = [0, 1, 0x7F, 0x80, 0xFF][below(5)],
            }
        }
        if let Ok(content) = read_all(&sealed(lie)) {
            check(&content);
        }
    }
}

#[test]
fn a_shape_that_contradicts_itself_is_refused_though_its_hash_fits() {
    let mut lie = content();
    let mut shape = Shape::of(&Mesh { lines: vec![[0.0; 3], [1.0; 3]], ..Mesh::default() });
    shape.indices = vec![0, 1, 2];
    shape.hash = hash_of(&shape);
    lie.pieces[0].shape = Arc::new(shape);
    assert!(matches!(read_all(&written(&lie)), Err(ReadError::Content(_))));
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = write(&content(), &mut Full(100)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
