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

/// Four squares side by side with one image on all of them, of which each shows another part: red, green, blue, and all of
/// it. `image` is `{ "uri": ... }` or `{ "bufferView": 2, ... }`.
pub fn textured(image: &Value, in_view: &[u8]) -> Vec<u8> {
    let mut positions: Vec<[f32; 3]> = Vec::new();
    let mut places: Vec<[f32; 2]> = Vec::new();
    let mut indices: Vec<u16> = Vec::new();
    // The image is three fields of a third each.
    for (x, from, to) in [(0u8, 0.05, 0.3), (1, 0.35, 0.6), (2, 0.7, 0.95), (3, 0.0, 1.0)] {
        let base = u16::from(x) * 4;
        for (u, v) in [(0.0f32, 0.0f32), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
            positions.push([f32::from(x) * 1.5 + u, v, 0.0]);
            places.push([from + (to - from) * u, v]);
        }
        indices.extend([0, 1, 2, 0, 2, 3].map(|i| base + i));
    }
    let mut buffer: Vec<u8> = positions.as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect();
    let at_places = buffer.len();
    buffer.extend(places.as_flattened().iter().flat_map(|v| v.to_le_bytes()));
    let at_indices = buffer.len();
    buffer.extend(indices.iter().flat_map(|v| v.to_le_bytes()));
    let at_image = buffer.len();
    buffer.extend(in_view);
    let document = json!({
        "asset": { "version": "2.0" },
        "nodes": [{ "mesh": 0 }],
        "materials": [{ "pbrMetallicRoughness": { "baseColorTexture": { "index": 0 } } }],
        "textures": [{ "source": 0 }],
        "images": [image],
        "meshes": [{ "primitives": [
            { "attributes": { "POSITION": 0, "TEXCOORD_0": 1 }, "indices": 2, "material": 0 },
        ] }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "count": 16, "type": "VEC3", "min": [0, 0, 0], "max": [5.5, 1, 0] },
            { "bufferView": 1, "componentType": 5126, "count": 16, "type": "VEC2" },
            { "bufferView": 2, "componentType": 5123, "count": 24, "type": "SCALAR" },
        ],
        "bufferViews": [
            { "buffer": 0, "byteLength": at_places },
            { "buffer": 0, "byteOffset": at_places, "byteLength": at_indices - at_places },
            { "buffer": 0, "byteOffset": at_indices, "byteLength": at_image - at_indices },
            { "buffer": 0, "byteOffset": at_image, "byteLength": buffer.len() - at_image },
        ],
        "buffers": [{ "byteLength": buffer.len() }],
    });
    container(&document, &buffer)
}

/// A PNG of that size in three fields: red, green, blue.
pub fn three_fields(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let row: Vec<u8> =
        (0..width).flat_map(|x| [[255, 0, 0], [0, 255, 0], [0, 0, 255]][(x * 3 / width) as usize]).collect();
    encoder.write_header().unwrap().write_image_data(&row.repeat(height as usize)).unwrap();
    bytes
}
