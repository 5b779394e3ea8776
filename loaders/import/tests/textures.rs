//! Colours from images, images that mean no good, and what cannot be shown and says so.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;
mod samples;

use common::{context, load_with};
use rr_load::Read;
use samples::gltf::{container, textured, three_fields};
use samples::{BLUE, GREEN, RED};
use serde_json::json;
use std::path::Path;

fn load(dir: &Path, name: &str, bytes: &[u8]) -> Result<Read, String> {
    std::fs::write(dir.join(name), bytes).unwrap();
    load_with(&dir.join(name), &context()).map_err(|e| e.to_string())
}

/// Colours of the triangles in their order; none where one has none.
fn colours(read: &Read) -> Vec<Option<[u8; 4]>> {
    let mesh = &read.assembly.parts[0].mesh;
    let mut all = vec![None; mesh.triangle_count()];
    for run in &mesh.colours {
        all[run.first_triangle as usize..][..run.triangle_count as usize].fill(Some(run.colour.0));
    }
    all
}

#[test]
fn each_triangle_has_the_colour_that_the_image_has_there() {
    let dir = tempfile::tempdir().unwrap();
    let image = three_fields(300, 20);
    std::fs::write(dir.path().join("three fields.png"), &image).unwrap();
    let beside = textured(&json!({ "uri": "three%20fields.png" }), &[]);
    let inside = textured(&json!({ "bufferView": 3, "mimeType": "image/png" }), &image);
    for (name, bytes) in [("beside.glb", beside), ("inside.glb", inside)] {
        let read = load(dir.path(), name, &bytes).unwrap();
        assert_eq!(read.report.warnings, [""; 0], "{name}");
        let found = colours(&read);
        assert_eq!(found[..6], [RED, RED, GREEN, GREEN, BLUE, BLUE].map(Some), "{name}");
        // All of the image on two triangles: a mean of the three, in linear light.
        assert!(found[6..].iter().flatten().all(|c| c[..3].iter().filter(|v| **v > 60).count() >= 2), "{found:?}");
    }
}

/// 16x16 pixels of blue, baseline JPEG.
const BLUE_JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAUDBAQEAwUEBAQFBQUGBwwIBwcHBw8LCwkMEQ8SEhEPERETFhwXExQaFRERGCEY\
Gh0dHx8fExciJCIeJBweHx7/2wBDAQUFBQcGBw4ICA4eFBEUHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh7/\
wAARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAj/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAABgj/\
xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCYQFljr//Z";

#[test]
fn jpeg_is_read_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let uri = format!("data:image/jpeg;base64,{BLUE_JPEG}");
    let read = load(dir.path(), "a.glb", &textured(&json!({ "uri": uri }), &[])).unwrap();
    assert_eq!(read.report.warnings, [""; 0]);
    assert_eq!(colours(&read), [Some(BLUE); 8]);
}

#[test]
fn obj_takes_colours_from_the_image_of_its_material() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("three fields.png"), three_fields(300, 20)).unwrap();
    let library = "newmtl image\nKd 0 0 0\nmap_Kd three fields.png\nnewmtl gone\nKd 0 1 0\nmap_Kd gone.jpg\n";
    std::fs::write(dir.path().join("a.mtl"), library).unwrap();
    // A square with the upper right of the image: its last field.
    let text = "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0.7 0.5\nvt 0.95 0.5\nvt 0.95 0.9\nvt 0.7 0.9\n\
                usemtl image\nf 1/1 2/2 3/3 4/4\nusemtl gone\nf 1/1 2/2 3/3\n";
    let read = load(dir.path(), "a.obj", text.as_bytes()).unwrap();
    assert_eq!(colours(&read), [BLUE, BLUE, GREEN].map(Some));
    assert!(read.report.warnings.join("; ").contains("1 images are not read"), "{:?}", read.report.warnings);
}

#[test]
fn an_image_that_cannot_be_read_costs_its_colours_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut cut_off = three_fields(300, 200);
    cut_off.truncate(60);
    let huge = three_fields(20_000, 4_000);
    for (image, why) in [(&b"RIFFxxxxWEBPVP8 "[..], "neither PNG nor JPEG"), (&cut_off, ""), (&huge, "too many")] {
        let bytes = textured(&json!({ "bufferView": 3, "mimeType": "image/png" }), image);
        let read = load(dir.path(), "a.glb", &bytes).unwrap();
        let warnings = read.report.warnings.join("; ");
        assert!(warnings.contains("images are not read") && warnings.contains(why), "{warnings}");
        assert_eq!(read.report.triangles, 8);
    }
    // Out of the folder, or not there.
    std::fs::write(dir.path().join("secret.png"), three_fields(30, 3)).unwrap();
    let inner = dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    for uri in ["../secret.png", "gone.png"] {
        let read = load(&inner, "a.glb", &textured(&json!({ "uri": uri }), &[])).unwrap();
        assert!(read.report.warnings.join("; ").contains("images are not read"), "{uri}: {:?}", read.report.warnings);
        assert!(colours(&read).iter().all(|c| *c != Some(RED)));
    }
}

#[test]
fn draco_is_named_whether_required_or_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let extension = "KHR_draco_mesh_compression";
    for required in [true, false] {
        let mut document = json!({
            "asset": { "version": "2.0" },
            "extensionsUsed": [extension],
            "nodes": [{ "mesh": 0 }],
            "meshes": [{ "primitives": [{
                "attributes": { "POSITION": 0 },
                "extensions": { extension: { "bufferView": 0, "attributes": { "POSITION": 0 } } },
            }] }],
            "accessors": [{ "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 1] }],
            "bufferViews": [{ "buffer": 0, "byteLength": 8 }],
            "buffers": [{ "byteLength": 8 }],
        });
        if required {
            document["extensionsRequired"] = json!([extension]);
        }
        let error = load(dir.path(), "draco.glb", &container(&document, &[0; 8])).unwrap_err();
        assert!(error.contains("Draco") && error.contains("export it without compression"), "{error}");
    }
}

#[test]
fn a_cloud_of_points_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let ply = "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\n\
               0 0 0\n1 1 1\n";
    let error = load(dir.path(), "cloud.ply", ply.as_bytes()).unwrap_err();
    assert!(error.contains("cloud of 2 points without faces"), "{error}");
}
