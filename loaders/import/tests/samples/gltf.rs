//! Writes glTF: JSON with a buffer beside it, one binary file, and the compact form with KHR_mesh_quantization and
//! EXT_meshopt_compression. One mesh with two materials and a line, two nodes below a third.

use super::{BLUE, Expect, RED, Sample, corners, plain, triangles};
use rr_scene::{Unit, UpAxis};
use serde_json::{Value, json};

fn expect(variant: &'static str) -> Expect {
    Expect {
        unit: Unit::M,
        declared: true,
        size_m: [6.0, 2.0, 3.0],
        up: UpAxis::Y,
        lines: 2,
        // A mesh with triangles and lines is two parts.
        instances: 4,
        colours: vec![RED, BLUE],
        names: vec!["Line/First", "Line/First", "Line/Second", "Line/Second"],
        variant,
        ..plain()
    }
}

fn indices() -> Vec<u16> {
    triangles().as_flattened().iter().map(|i| u16::try_from(*i).unwrap()).collect()
}

/// Everything but the buffers, for which `views` stands.
fn document(views: &Value, buffers: &Value, position: &Value, scale: f32) -> Value {
    json!({
        "asset": { "version": "2.0", "generator": "test" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [
            { "name": "Line", "children": [1, 2] },
            { "name": "First", "mesh": 0, "scale": [scale, scale, scale] },
            { "name": "Second", "mesh": 0,
              "matrix": [scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, scale, 0, 5, 0, 0, 1] },
        ],
        "materials": [
            { "pbrMetallicRoughness": { "baseColorFactor": [1, 0, 0, 1] } },
            { "pbrMetallicRoughness": { "baseColorFactor": [0, 0, 1, 1] } },
        ],
        "meshes": [{ "name": "Box", "primitives": [
            { "attributes": { "POSITION": 0 }, "indices": 1, "material": 0 },
            { "attributes": { "POSITION": 0 }, "indices": 2, "material": 1 },
            { "attributes": { "POSITION": 0 }, "indices": 3, "material": 1, "mode": 1 },
        ] }],
        "accessors": [
            position,
            { "bufferView": 1, "componentType": 5123, "count": 30, "type": "SCALAR" },
            { "bufferView": 1, "byteOffset": 60, "componentType": 5123, "count": 6, "type": "SCALAR" },
            { "bufferView": 1, "componentType": 5123, "count": 2, "type": "SCALAR" },
        ],
        "bufferViews": views,
        "buffers": buffers,
    })
}

fn plain_views() -> Value {
    json!([
        { "buffer": 0, "byteLength": 96 },
        { "buffer": 0, "byteOffset": 96, "byteLength": 72 },
    ])
}

fn plain_position() -> Value {
    json!({ "bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", "min": [0, 0, 0], "max": [1, 2, 3] })
}

fn plain_buffer() -> Vec<u8> {
    let mut bytes: Vec<u8> = corners(0.0).as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect();
    bytes.extend(indices().iter().flat_map(|i| i.to_le_bytes()));
    bytes
}

/// JSON with a buffer beside it.
pub fn json() -> Sample {
    let buffers = json!([{ "uri": "two%20boxes.bin", "byteLength": 168 }]);
    let document = document(&plain_views(), &buffers, &plain_position(), 1.0);
    let files = vec![("two.gltf".into(), document.to_string().into_bytes()), ("two boxes.bin".into(), plain_buffer())];
    Sample { format: "gltf", files, expect: expect("JSON") }
}

/// One binary file.
pub fn binary() -> Sample {
    let document = document(&plain_views(), &json!([{ "byteLength": 168 }]), &plain_position(), 1.0);
    let files = vec![("two.glb".into(), container(&document, &plain_buffer()))];
    Sample { format: "gltf", files, expect: expect("binary") }
}

/// The container of glTF 2.0, chapter 4.
pub fn container(document: &Value, buffer: &[u8]) -> Vec<u8> {
    let mut json = document.to_string().into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let mut buffer = buffer.to_vec();
    buffer.resize(buffer.len().next_multiple_of(4), 0);
    let word = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut bytes = b"glTF\x02\0\0\0".to_vec();
    bytes.extend(word(28 + json.len() + buffer.len()));
    bytes.extend(word(json.len()));
    bytes.extend(b"JSON");
    bytes.extend(&json);
    bytes.extend(word(buffer.len()));
    bytes.extend(b"BIN\0");
    bytes.extend(&buffer);
    bytes
}

/// Positions as 16-bit integers and everything compressed: 300 steps to the unit.
pub fn quantized() -> Sample {
    let positions: Vec<[u16; 4]> = corners(0.0)
        .iter()
        .map(|p| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 900")]
            let [x, y, z] = p.map(|v| (v * 300.0) as u16);
            [x, y, z, 0]
        })
        .collect();
    let positions = meshopt::encode_vertex_buffer_level(&positions, 2, Some(0)).unwrap();
    let wide: Vec<u32> = indices().into_iter().map(u32::from).collect();
    let triangles = meshopt::encode_index_sequence(&wide, 8).unwrap();
    let view = |offset: usize, length: usize, stride: usize, count: usize, mode: &str| {
        json!({ "buffer": 1, "byteLength": stride * count, "byteStride": stride,
            "extensions": { "EXT_meshopt_compression": { "buffer": 0, "byteOffset": offset, "byteLength": length,
                "byteStride": stride, "count": count, "mode": mode } } })
    };
    let views =
        json!(
            [view(0, positions.len(), 8, 8, "ATTRIBUTES"), view(positions.len(), triangles.len(), 2, 36, "INDICES"),]
        );
    let fallback = json!({ "EXT_meshopt_compression": { "fallback": true } });
    let buffer = [positions, triangles].concat();
    let buffers = json!([{ "byteLength": buffer.len() }, { "byteLength": 136, "extensions": fallback }]);
    let position = json!({ "bufferView": 0, "componentType": 5123, "count": 8, "type": "VEC3", "min": [0, 0, 0], "max": [300, 600, 900] });
    let mut document = document(&views, &buffers, &position, 1.0 / 300.0);
    let extensions = json!(["KHR_mesh_quantization", "EXT_meshopt_compression"]);
    document["extensionsUsed"] = extensions.clone();
    document["extensionsRequired"] = extensions;
    Sample {
        format: "gltf",
        files: vec![("compact.glb".into(), container(&document, &buffer))],
        expect: expect("binary"),
    }
}
