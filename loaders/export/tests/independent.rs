//! The file as another reader sees it: JSON through the crate `gltf`, compressed views through the codec, and everything
//! else by the few lines here.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use glam::{Affine3A, Mat4, Quat, Vec3};
use gltf::Gltf;
use rr_export::{Options, to_glb};
use rr_scene::{Assembly, ColourRange, Instance, Mesh, Part, Rgba8};

const RED: Rgba8 = Rgba8([255, 0, 0, 255]);
const GREY: Rgba8 = Rgba8([90, 100, 110, 128]);

/// A sheet of four triangles with a colour on two, and a line above it.
fn sheet(size: f32) -> Mesh {
    Mesh {
        positions: vec![[0.0; 3], [size, 0.0, 0.0], [size, size, 0.0], [0.0, size, 0.0], [size, size * 2.0, 0.0]],
        normals: vec![[0.0, 0.0, 1.0]; 5],
        indices: vec![0, 1, 2, 0, 2, 3, 3, 2, 4, 3, 2, 4],
        colours: vec![ColourRange { first_triangle: 1, triangle_count: 2, colour: RED }],
        edges: vec![[0.0; 3], [1.0; 3]],
        lines: vec![[0.0, 0.0, size], [size, 0.0, size]],
    }
}

fn model(size: f32, matrices: &[Affine3A]) -> Assembly {
    let instances = matrices.iter().enumerate().map(|(i, m)| Instance {
        part: 0,
        name: format!("Line/Cell {}/Sheet", i / 2),
        model_from_part: *m,
        colour: (i == 1).then_some(GREY),
    });
    Assembly { instances: instances.collect(), parts: vec![Part { name: "Sheet".into(), mesh: sheet(size) }] }
}

/// Corners of all triangles in the model, by whoever reads glTF with the two extensions.
fn corners(glb: &[u8]) -> (Vec<Vec3>, Gltf) {
    let gltf = Gltf::from_slice_without_validation(glb).unwrap();
    let binary = gltf.blob.clone().unwrap();
    let view = |index: usize| -> Vec<u8> {
        let compressed = gltf.views().nth(index).unwrap();
        let parameters = compressed.extension_value("EXT_meshopt_compression").unwrap().clone();
        let number = |name: &str| usize::try_from(parameters[name].as_u64().unwrap()).unwrap();
        let encoded = &binary[number("byteOffset")..][..number("byteLength")];
        let count = number("count");
        assert_eq!(compressed.length(), count * number("byteStride"));
        match (parameters["mode"].as_str().unwrap(), number("byteStride")) {
            ("ATTRIBUTES", 8) => meshopt::decode_vertex_buffer::<[u8; 8]>(encoded, count).unwrap().concat(),
            ("ATTRIBUTES", 12) => meshopt::decode_vertex_buffer::<[u8; 12]>(encoded, count).unwrap().concat(),
            ("TRIANGLES", 2) => {
                let indices: Vec<u16> = meshopt::decode_index_buffer(encoded, count).unwrap();
                indices.iter().flat_map(|i| i.to_le_bytes()).collect()
            }
            other => panic!("{other:?}"),
        }
    };
    let mut all = Vec::new();
    let mut open: Vec<_> = gltf.default_scene().unwrap().nodes().map(|n| (n, Mat4::IDENTITY)).collect();
    while let Some((node, parent)) = open.pop() {
        let placed = parent * Mat4::from_cols_array_2d(&node.transform().matrix());
        open.extend(node.children().map(|child| (child, placed)));
        for primitive in node.mesh().into_iter().flat_map(|m| m.primitives().collect::<Vec<_>>()) {
            if primitive.mode() != gltf::mesh::Mode::Triangles {
                continue;
            }
            let positions = primitive.get(&gltf::Semantic::Positions).unwrap();
            let bytes = view(positions.view().unwrap().index());
            let points: Vec<Vec3> = match positions.data_type() {
                gltf::accessor::DataType::U16 => {
                    let at = |b: &[u8], i: usize| f32::from(u16::from_le_bytes([b[i], b[i + 1]]));
                    bytes.chunks(8).map(|b| Vec3::new(at(b, 0), at(b, 2), at(b, 4))).collect()
                }
                _ => bytes
                    .chunks(12)
                    .map(|b| {
                        Vec3::from_array(std::array::from_fn(|i| {
                            f32::from_le_bytes(b[i * 4..][..4].try_into().unwrap())
                        }))
                    })
                    .collect(),
            };
            assert_eq!(points.len(), positions.count());
            let indices = primitive.indices().unwrap();
            let bytes = view(indices.view().unwrap().index());
            let bytes = &bytes[indices.offset()..][..indices.count() * 2];
            for index in bytes.chunks(2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))) {
                all.push(placed.transform_point3(points[index]));
            }
        }
    }
    (all, gltf)
}

fn sorted(mut points: Vec<Vec3>) -> Vec<Vec3> {
    let key = |p: &Vec3| p.to_array().map(|v| (v * 1e3).round());
    points.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
    points
}

fn expected(model: &Assembly) -> Vec<Vec3> {
    let of = |i: &Instance| {
        let mesh = &model.parts[i.part as usize].mesh;
        mesh.indices
            .iter()
            .map(|&v| i.model_from_part.transform_point3(mesh.positions[v as usize].into()))
            .collect::<Vec<_>>()
    };
    model.instances.iter().flat_map(of).collect()
}

fn matrices() -> Vec<Affine3A> {
    let turned = Affine3A::from_scale_rotation_translation(
        Vec3::new(0.5, 2.0, 1.0),
        Quat::from_euler(glam::EulerRot::XYZ, 0.3, -1.0, 2.0),
        Vec3::new(7.0, -3.0, 0.25),
    );
    let mirrored = Affine3A::from_scale(Vec3::new(-1.0, 1.0, 1.0));
    let skewed = turned * Affine3A::from_rotation_z(0.4) * Affine3A::from_scale(Vec3::new(3.0, 1.0, 1.0));
    vec![Affine3A::IDENTITY, turned, mirrored, skewed]
}

#[test]
fn another_reader_finds_the_same_triangles_where_they_were() {
    for (size, floats) in [(0.5, false), (100.0, true)] {
        let model = model(size, &matrices());
        let (found, gltf) = corners(&to_glb(&model, &Options::default()).unwrap());
        let (found, expected) = (sorted(found), sorted(expected(&model)));
        assert_eq!(found.len(), expected.len());
        let far = found
            .iter()
            .map(|a| expected.iter().map(|b| a.distance(*b)).fold(f32::INFINITY, f32::min))
            .fold(0.0, f32::max);
        assert!(far < 1e-3 + size * 1e-6, "size {size}: a corner moved by {far}");
        let kinds: Vec<_> = gltf
            .accessors()
            .filter(|a| a.dimensions() == gltf::accessor::Dimensions::Vec3)
            .map(|a| a.data_type())
            .collect();
        assert_eq!(kinds.contains(&gltf::accessor::DataType::F32), floats, "{kinds:?}");
    }
}

#[test]
fn names_become_nodes_and_colours_materials() {
    let model = model(1.0, &matrices());
    let (_, gltf) = corners(&to_glb(&model, &Options::default()).unwrap());
    let roots: Vec<_> =
        gltf.default_scene().unwrap().nodes().map(|n| n.name().unwrap_or_default().to_owned()).collect();
    assert_eq!(roots, ["Line"]);
    let cells: Vec<_> =
        gltf.nodes().filter(|n| n.children().count() == 2).map(|n| n.name().unwrap().to_owned()).collect();
    assert_eq!(cells.len(), 3, "the line and its two cells: {cells:?}");
    let factors: Vec<[f32; 4]> = gltf.materials().map(|m| m.pbr_metallic_roughness().base_color_factor()).collect();
    assert_eq!(factors.len(), 2);
    assert!(factors.contains(&[1.0, 0.0, 0.0, 1.0]), "{factors:?}");
    // Instances of one colour share a mesh; the one of another colour and the skewed one have their own.
    assert_eq!(gltf.meshes().count(), 3);
}

#[test]
fn a_model_without_anything_is_an_error() {
    assert!(to_glb(&Assembly::default(), &Options::default()).is_err());
    let mut empty = model(1.0, &matrices());
    empty.parts[0].mesh = Mesh::default();
    assert!(to_glb(&empty, &Options::default()).is_err());
    let mut damaged = model(1.0, &matrices());
    damaged.parts[0].mesh.indices[0] = 99;
    assert!(to_glb(&damaged, &Options::default()).is_err());
}
