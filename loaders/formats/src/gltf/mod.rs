//! glTF 2.0 (ISO/IEC 12113:2022). The crate `gltf` knows the JSON; indices, offsets and counts in it are checked here,
//! where they are used, because its own readers panic on some that are wrong.
//!
//! A mesh is a part and a node with a mesh an instance. Base colours of materials, times vertex colours, become colours
//! of faces, each times the mean of what a texture shows there. Metres, Y up. Skins, morph targets and animations are left
//! out.

mod accessor;
mod container;
mod instancing;
mod mesh;
mod texture;
mod unpack;

use crate::{Document, FormatError, Limits, malformed, surface::Faults, surroundings::Surroundings};
use accessor::Data;
use glam::{Affine3A, Mat4, Quat, Vec3};
use gltf::json;
use rr_scene::{Assembly, Instance, Part, Rgba8, Unit};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use texture::Textures;

/// Extensions that a file may require and that change nothing we show, or that we read.
const SUPPORTED: [&str; 9] = [
    "EXT_mesh_gpu_instancing",
    "KHR_mesh_quantization",
    "EXT_meshopt_compression",
    "KHR_texture_transform",
    "KHR_texture_basisu",
    "EXT_texture_webp",
    "KHR_lights_punctual",
    "KHR_xmp_json_ld",
    "KHR_animation_pointer",
];
/// They change how a surface shines, not where it is.
const SUPPORTED_PREFIX: &str = "KHR_materials_";

const DRACO: &str = "KHR_draco_mesh_compression";

/// Some writers forget to say that it is required: then there is a mesh whose positions are nowhere else.
fn needs_draco(root: &json::Root) -> bool {
    let is_empty = |accessor: &json::Index<json::Accessor>| {
        root.accessors.get(accessor.value()).is_some_and(|a| a.buffer_view.is_none() && a.sparse.is_none())
    };
    let compressed = |p: &json::mesh::Primitive| {
        p.extensions.as_ref().is_some_and(|e| e.others.contains_key(DRACO)) && p.attributes.values().any(is_empty)
    };
    root.extensions_required.iter().any(|name| name == DRACO)
        || root.meshes.iter().flat_map(|m| &m.primitives).any(compressed)
}

pub fn read(bytes: &[u8], file: &Path, limits: &Limits) -> Result<Document, FormatError> {
    let mut faults = Faults::default();
    let container = container::split(bytes, &mut faults)?;
    let root: json::Root =
        json::deserialize::from_slice(container.json).map_err(|e| malformed(format!("JSON: {e}")))?;
    if !root.asset.version.starts_with("2.") {
        return Err(FormatError::Unsupported(format!("glTF version {} is not supported", root.asset.version)));
    }
    if root.extensions_used.iter().any(|name| name == DRACO) && needs_draco(&root) {
        return Err(FormatError::Unsupported(format!(
            "its meshes are compressed with Draco ({DRACO}), which is not read: export it without compression, or with \
             meshopt (EXT_meshopt_compression)"
        )));
    }
    for name in &root.extensions_required {
        if !SUPPORTED.contains(&name.as_str()) && !name.starts_with(SUPPORTED_PREFIX) {
            return Err(FormatError::Unsupported(format!(
                "it needs the glTF extension {name}, which is not supported"
            )));
        }
    }
    let around = Surroundings::of(file);
    let data = Data::open(&root, container.binary, &around);
    let textures = Textures::new(&root, &around);
    let (document, meshes) = (Document::default(), BTreeMap::new());
    let mut reading = Reading { root: &root, data, textures, limits, faults, document, meshes };
    reading.document.unit = Some(Unit::M);
    reading.nodes();
    reading.document.beside = around.asked();
    if reading.triangles() > limits.max_triangles {
        return Err(FormatError::TooLarge(limits.max_triangles));
    }
    reading.finish()
}

/// A part made of a mesh: its triangles, or its lines of one colour.
#[derive(Clone, Copy)]
struct Piece {
    part: u32,
    colour: Option<Rgba8>,
}

struct Reading<'a> {
    root: &'a json::Root,
    data: Data<'a>,
    textures: Textures<'a>,
    limits: &'a Limits,
    faults: Faults,
    document: Document,
    /// Parts by mesh.
    meshes: BTreeMap<usize, Vec<Piece>>,
}

impl Reading<'_> {
    /// Places the meshes of the scene that the file shows first, or of all nodes when it has no scene.
    fn nodes(&mut self) {
        let shown = self.root.scene.map_or(0, |s| s.value());
        let roots: Vec<usize> = match self.root.scenes.get(shown) {
            Some(scene) => scene.nodes.iter().map(json::Index::value).collect(),
            None => {
                let children: HashSet<usize> =
                    self.root.nodes.iter().flat_map(|n| n.children.iter().flatten()).map(json::Index::value).collect();
                (0..self.root.nodes.len()).filter(|n| !children.contains(n)).collect()
            }
        };
        // The nodes are trees: one that is met again belongs to a circle or to two parents.
        let mut seen = vec![false; self.root.nodes.len()];
        let mut open: Vec<(usize, Affine3A, String)> =
            roots.into_iter().rev().map(|n| (n, Affine3A::IDENTITY, String::new())).collect();
        while let Some((index, parent, path)) = open.pop() {
            let Some(node) = self.root.nodes.get(index).filter(|_| !seen[index]) else {
                self.faults.add("nodes are left out: they are missing or have two parents", 1);
                continue;
            };
            seen[index] = true;
            let placed = parent * transform_of(node);
            if !placed.is_finite() {
                self.faults.add("nodes are left out: they are placed at infinity", 1);
                continue;
            }
            let name = node.name.as_deref().unwrap_or_default();
            let path = if path.is_empty() || name.is_empty() { path + name } else { path + "/" + name };
            if let Some(mesh) = node.mesh {
                self.faults.add("nodes bend with a skeleton, which is not followed", usize::from(node.skin.is_some()));
                match instancing::transforms(node, &mut self.data) {
                    None => self.place(mesh.value(), placed, &path),
                    Some(Ok(all)) => all.iter().for_each(|t| self.place(mesh.value(), placed * *t, &path)),
                    Some(Err(reason)) => self.faults.add(&format!("nodes are left out: {reason}"), 1),
                }
            }
            let children = node.children.iter().flatten().rev();
            open.extend(children.map(|child| (child.value(), placed, path.clone())));
        }
    }

    fn place(&mut self, mesh: usize, placed: Affine3A, path: &str) {
        if self.document.model.instances.len() >= self.limits.max_placements {
            self.faults.add("placements are left out: there are too many", 1);
            return;
        }
        if !placed.is_finite() {
            self.faults.add("nodes are left out: they are placed at infinity", 1);
            return;
        }
        let pieces = match self.meshes.get(&mesh) {
            Some(pieces) => pieces.clone(),
            None => {
                let pieces = self.read_mesh(mesh);
                self.meshes.insert(mesh, pieces.clone());
                pieces
            }
        };
        for Piece { part, colour } in pieces {
            let name =
                if path.is_empty() { self.document.model.parts[part as usize].name.clone() } else { path.to_owned() };
            self.document.model.instances.push(Instance { part, name, model_from_part: placed, colour });
        }
    }

    fn read_mesh(&mut self, index: usize) -> Vec<Piece> {
        let Some(mesh) = self.root.meshes.get(index) else {
            self.faults.add("nodes name a mesh that is not there", 1);
            return Vec::new();
        };
        if self.triangles() > self.limits.max_triangles {
            return Vec::new();
        }
        let name = mesh.name.clone().unwrap_or_default();
        let mut pieces = Vec::new();
        let surfaces = mesh::surfaces(self.root, mesh, &mut self.data, &mut self.textures, &mut self.faults);
        for (surface, colour) in surfaces {
            let made = surface.into_mesh(&mut self.faults);
            if made.indices.is_empty() && made.lines.is_empty() {
                continue;
            }
            let Assembly { parts, .. } = &mut self.document.model;
            pieces.push(Piece { part: u32::try_from(parts.len()).unwrap_or(u32::MAX), colour });
            parts.push(Part { name: name.clone(), mesh: made });
        }
        pieces
    }

    fn triangles(&self) -> u64 {
        self.document.model.parts.iter().map(|p| p.mesh.triangle_count() as u64).sum()
    }

    fn finish(mut self) -> Result<Document, FormatError> {
        let mut warnings: Vec<String> = self.data.into_warnings();
        warnings.extend(self.faults.into_warnings());
        if self.document.model.instances.is_empty() {
            let reason = warnings.into_iter().next();
            return Err(malformed(reason.unwrap_or_else(|| "it holds nothing that can be shown".to_owned())));
        }
        self.document.warnings = warnings;
        Ok(self.document)
    }
}

fn transform_of(node: &json::Node) -> Affine3A {
    if let Some(matrix) = &node.matrix {
        return Affine3A::from_mat4(Mat4::from_cols_array(matrix));
    }
    let scale = node.scale.map_or(Vec3::ONE, Vec3::from);
    let rotation = node.rotation.map_or(Quat::IDENTITY, |r| rotation_of(r.0));
    Affine3A::from_scale_rotation_translation(scale, rotation, node.translation.map_or(Vec3::ZERO, Vec3::from))
}

/// What is no direction turns nothing.
fn rotation_of(numbers: [f32; 4]) -> Quat {
    let rotation = Quat::from_array(numbers);
    let length = rotation.length_squared();
    if length > 1e-12 && length.is_finite() { rotation.normalize() } else { Quat::IDENTITY }
}
