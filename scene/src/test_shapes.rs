//! Geometry that the tests of this crate pick and measure.

use crate::geometry::Mesh;
use crate::model::{Model, Piece, Place};
use crate::pick::{PickModel, PickModels};
use crate::section::Section;
use crate::shape::{Levels, Shape};
use crate::snapshot::SceneSnapshot;
use crate::workspace::{Device, DeviceId, ModelRef, Transform, Workspace};
use glam::{Affine3A, Vec3};
use std::f32::consts::TAU;
use std::sync::Arc;

fn face(mesh: &mut Mesh, points: &[Vec3]) {
    let normal = (points[1] - points[0]).cross(points[2] - points[0]).normalize().to_array();
    let base = mesh.positions.len() as u32;
    mesh.positions.extend(points.iter().map(Vec3::to_array));
    mesh.normals.extend(points.iter().map(|_| normal));
    mesh.indices.extend((2..points.len() as u32).flat_map(|i| [base, base + i - 1, base + i]));
}

/// A box with its twelve edges.
pub fn cuboid(min: Vec3, max: Vec3) -> Mesh {
    let mut mesh = Mesh::default();
    let c = |i: usize| Vec3::select(glam::BVec3::new(i & 1 != 0, i & 2 != 0, i & 4 != 0), max, min);
    for f in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]] {
        face(&mut mesh, &f.map(c));
    }
    for [a, b] in [[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]] {
        mesh.edges.extend([c(a).to_array(), c(b).to_array()]);
    }
    mesh
}

/// An upright cylinder on the floor with both rims as edges and smooth normals around.
pub fn cylinder(radius: f32, height: f32, segments: u32) -> Mesh {
    let mut mesh = Mesh::default();
    let at = |i: u32, y: f32| {
        let (sin, cos) = (((i % segments) as f32) / segments as f32 * TAU).sin_cos();
        Vec3::new(cos * radius, y, sin * radius)
    };
    for i in 0..segments {
        let base = mesh.positions.len() as u32;
        for (k, y) in [(i, 0.0), (i, height), (i + 1, height), (i + 1, 0.0)] {
            mesh.positions.push(at(k, y).to_array());
            mesh.normals.push(at(k, 0.0).normalize().to_array());
        }
        mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|k| base + k));
        for y in [0.0, height] {
            mesh.edges.extend([at(i, y).to_array(), at(i + 1, y).to_array()]);
        }
    }
    let rim = |y: f32| (0..segments).map(move |i| at(i, y));
    face(&mut mesh, &rim(0.0).collect::<Vec<_>>());
    face(&mut mesh, &rim(height).rev().collect::<Vec<_>>());
    mesh
}

/// One thing of a test scene.
pub struct Placed {
    pub id: &'static str,
    pub mesh: Mesh,
    pub model_from_part: Affine3A,
    pub transform: Transform,
    pub is_solid: bool,
}

impl Placed {
    pub fn solid(id: &'static str, mesh: Mesh) -> Self {
        let (model_from_part, transform) = (Affine3A::IDENTITY, Transform::default());
        Self { id, mesh, model_from_part, transform, is_solid: true }
    }

    pub fn at(self, transform: Transform) -> Self {
        Self { transform, ..self }
    }
}

/// What one sees and picks when these stand in the world.
pub fn scene(things: Vec<Placed>, section: Section) -> (SceneSnapshot, PickModels) {
    let (mut workspace, mut picks) = (Workspace::new("t"), PickModels::default());
    for Placed { id, mesh, model_from_part, transform, is_solid } in things {
        let shape = Shape::of(&mesh);
        if is_solid {
            let levels = Levels { is_solid: true, ..Levels::default() };
            shape.levels.set(levels).unwrap();
        }
        let places = vec![Place { model_from_part, colour: None }];
        let pieces = vec![Piece { shape: Arc::new(shape), places }];
        let key = ModelRef { path: id.into(), unit: None, up: None };
        picks.insert(key.clone(), Arc::new(PickModel::new(Arc::new(Model { pieces, ..Model::default() }))));
        let device = Device {
            id: DeviceId::from(id),
            name: id.into(),
            kind: Default::default(),
            model: Some(key),
            transform,
            properties: Default::default(),
        };
        workspace.devices.insert(device.id.clone(), device);
    }
    (SceneSnapshot { workspace: Arc::new(workspace), section, ..SceneSnapshot::default() }, picks)
}
