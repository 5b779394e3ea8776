//! The JSON of the file: nodes, meshes and materials.

use crate::{
    ExportError, Options,
    buffer::Buffer,
    mesh::{self, Written},
};
use glam::{Affine3A, Mat3A, Vec3};
use rr_scene::{Assembly, Instance, Mesh, Rgba8};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const LINES: u32 = 1;
const EXTENSIONS: [&str; 2] = ["KHR_mesh_quantization", "EXT_meshopt_compression"];

/// A file that grows.
#[derive(Default)]
pub struct Document {
    buffer: Buffer,
    nodes: Vec<Value>,
    roots: Vec<usize>,
    meshes: Vec<Value>,
    materials: Vec<Value>,
    material_of: HashMap<Rgba8, usize>,
    /// Nodes by the path to them.
    groups: HashMap<String, usize>,
}

impl Document {
    /// Everything that is placed.
    pub fn of(model: &Assembly, options: &Options) -> Result<Self, ExportError> {
        let mut document = Self::default();
        let mut scales = vec![0f32; model.parts.len()];
        for instance in &model.instances {
            let scale = &mut scales[instance.part as usize];
            *scale = scale.max(largest_scale(&instance.model_from_part.matrix3));
        }
        let mut written: HashMap<u32, Option<Written>> = HashMap::new();
        let mut meshes: HashMap<(u32, Option<Rgba8>), usize> = HashMap::new();
        for instance in &model.instances {
            let part = &model.parts[instance.part as usize];
            if is_skewed(&instance.model_from_part.matrix3) {
                // Nodes cannot skew: the part is written as it stands.
                let placed = placed(&part.mesh, &instance.model_from_part);
                if let Some(own) = mesh::write(&placed, 1.0, options.max_error_m, &mut document.buffer)? {
                    let mesh = document.mesh(&part.name, &own, instance.colour);
                    document.node(instance, mesh, own.part_from_file);
                }
                continue;
            }
            let known = match written.entry(instance.part) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let scale = scales[instance.part as usize];
                    entry.insert(mesh::write(&part.mesh, scale, options.max_error_m, &mut document.buffer)?)
                }
            };
            let Some(known) = known else { continue };
            let key = (instance.part, instance.colour);
            let mesh = match meshes.get(&key) {
                Some(mesh) => *mesh,
                None => {
                    let mesh = document.mesh(&part.name, known, instance.colour);
                    meshes.insert(key, mesh);
                    mesh
                }
            };
            document.node(instance, mesh, instance.model_from_part * known.part_from_file);
        }
        if document.meshes.is_empty() { Err(ExportError::Empty) } else { Ok(document) }
    }

    /// The container (glTF 2.0, chapter 4).
    pub fn into_glb(self) -> Result<Vec<u8>, ExportError> {
        let (views, accessors, buffers, mut binary) = self.buffer.finish();
        let mut document = json!({
            "asset": { "version": "2.0", "generator": concat!("Remote Render ", env!("CARGO_PKG_VERSION")) },
            "extensionsUsed": EXTENSIONS,
            "extensionsRequired": EXTENSIONS,
            "scene": 0,
            "scenes": [{ "nodes": self.roots }],
            "nodes": self.nodes,
            "meshes": self.meshes,
            "accessors": accessors,
            "bufferViews": views,
            "buffers": buffers,
        });
        // An empty list is not allowed.
        if !self.materials.is_empty() {
            document["materials"] = Value::Array(self.materials);
        }
        let mut json = document.to_string().into_bytes();
        json.resize(json.len().next_multiple_of(4), b' ');
        binary.resize(binary.len().next_multiple_of(4), 0);
        let word = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| ExportError::TooLarge);
        let total = 12 + 8 + json.len() + 8 + binary.len();
        let mut bytes = Vec::with_capacity(total);
        bytes.extend(b"glTF\x02\0\0\0");
        bytes.extend(word(total)?);
        for (kind, chunk) in [(b"JSON", json), (b"BIN\0", binary)] {
            bytes.extend(word(chunk.len())?);
            bytes.extend(kind);
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    /// A mesh whose faces without a colour have `colour`.
    fn mesh(&mut self, name: &str, written: &Written, colour: Option<Rgba8>) -> usize {
        let mut primitives = Vec::new();
        for (own, indices) in &written.groups {
            let attributes = json!({ "POSITION": written.positions, "NORMAL": written.normals });
            let material = own.or(colour).map(|c| self.material(c));
            primitives.push(with_material(json!({ "attributes": attributes, "indices": indices }), material));
        }
        if let Some(points) = written.lines {
            let material = colour.map(|c| self.material(c));
            primitives.push(with_material(json!({ "attributes": { "POSITION": points }, "mode": LINES }), material));
        }
        let mut mesh = json!({ "primitives": primitives });
        if !name.is_empty() {
            mesh["name"] = name.into();
        }
        self.meshes.push(mesh);
        self.meshes.len() - 1
    }

    fn material(&mut self, colour: Rgba8) -> usize {
        if let Some(known) = self.material_of.get(&colour) {
            return *known;
        }
        let [red, green, blue, alpha] = colour.0;
        let factor = [to_linear(red), to_linear(green), to_linear(blue), f64::from(alpha) / 255.0];
        let mut material = json!({
            "name": format!("#{red:02x}{green:02x}{blue:02x}"),
            // Surfaces of CAD models may be seen from both sides.
            "doubleSided": true,
            "pbrMetallicRoughness": { "baseColorFactor": factor, "metallicFactor": 0, "roughnessFactor": 0.6 },
        });
        if alpha < u8::MAX {
            material["alphaMode"] = "BLEND".into();
        }
        self.materials.push(material);
        self.material_of.insert(colour, self.materials.len() - 1);
        self.materials.len() - 1
    }

    /// A node for the instance, below nodes for all but the last word of its name.
    fn node(&mut self, instance: &Instance, mesh: usize, placed: Affine3A) {
        let mut node = transform(&placed);
        node.insert("mesh".into(), mesh.into());
        let (path, name) = instance.name.rsplit_once('/').unwrap_or(("", &instance.name));
        if !name.is_empty() {
            node.insert("name".into(), name.into());
        }
        self.nodes.push(Value::Object(node));
        let index = self.nodes.len() - 1;
        self.hang(index, path);
    }

    /// Puts a node below the node of a path, which is made where it is missing.
    fn hang(&mut self, mut node: usize, mut path: &str) {
        while !path.is_empty() {
            if let Some(parent) = self.groups.get(path) {
                if let Some(children) = self.nodes[*parent]["children"].as_array_mut() {
                    children.push(node.into());
                }
                return;
            }
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            self.nodes.push(json!({ "children": [node] }));
            node = self.nodes.len() - 1;
            if !name.is_empty() {
                self.nodes[node]["name"] = name.into();
            }
            self.groups.insert(path.to_owned(), node);
            path = above;
        }
        self.roots.push(node);
    }
}

fn with_material(mut primitive: Value, material: Option<usize>) -> Value {
    if let Some(material) = material {
        primitive["material"] = material.into();
    }
    primitive
}

/// Translation, rotation and scale, those that are not as if they were not there.
fn transform(placed: &Affine3A) -> Map<String, Value> {
    let (scale, rotation, translation) = placed.to_scale_rotation_translation();
    let mut node = Map::new();
    if translation != Vec3::ZERO {
        node.insert("translation".into(), json!(translation.to_array()));
    }
    let rotation = rotation.normalize();
    if rotation.is_finite() && rotation != glam::Quat::IDENTITY {
        node.insert("rotation".into(), json!(rotation.to_array()));
    }
    if scale != Vec3::ONE {
        node.insert("scale".into(), json!(scale.to_array()));
    }
    node
}

/// True when the axes do not stay at right angles, or one of them vanishes.
fn is_skewed(m: &Mat3A) -> bool {
    let axes = [m.x_axis, m.y_axis, m.z_axis];
    let right = |i: usize, k: usize| axes[i].dot(axes[k]).abs() <= 1e-4 * axes[i].length() * axes[k].length();
    !(right(0, 1) && right(1, 2) && right(2, 0)) || axes.iter().any(|a| !a.length().is_normal())
}

fn largest_scale(m: &Mat3A) -> f32 {
    m.x_axis.length().max(m.y_axis.length()).max(m.z_axis.length())
}

/// The mesh after `to_model`.
fn placed(mesh: &Mesh, to_model: &Affine3A) -> Mesh {
    let point = |p: &[f32; 3]| to_model.transform_point3(Vec3::from(*p)).to_array();
    let normal_matrix = to_model.matrix3.inverse().transpose();
    let normal_matrix = if normal_matrix.is_finite() { normal_matrix } else { Mat3A::IDENTITY };
    let normal = |n: &[f32; 3]| (normal_matrix * Vec3::from(*n)).try_normalize().map_or(*n, |turned| turned.to_array());
    let mut indices = mesh.indices.clone();
    if to_model.matrix3.determinant() < 0.0 {
        indices.as_chunks_mut::<3>().0.iter_mut().for_each(|t| t.swap(1, 2));
    }
    Mesh {
        positions: mesh.positions.iter().map(point).collect(),
        normals: mesh.normals.iter().map(normal).collect(),
        indices,
        colours: mesh.colours.clone(),
        edges: Vec::new(),
        lines: mesh.lines.iter().map(point).collect(),
    }
}

/// From an sRGB byte to linear light (IEC 61966-2-1).
fn to_linear(byte: u8) -> f64 {
    let share = f64::from(byte) / 255.0;
    if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
}
