//! Scenes built in code, and pictures to look at.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use glam::{Affine3A, Quat, Vec3};
use rr_render::{AdapterChoice, Detail, FrameOptions, Gpu, GpuError, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{
    Assembly, Camera, ColourRange, Command, Connection, Device, DeviceId, DeviceKind, Instance, Marks, Mesh, Model,
    ModelRef, Part, Rgba8, Role, SceneSnapshot, Transform, UpAxis, Workspace,
};
use std::collections::HashMap;
use std::f32::consts::TAU;
use std::sync::Arc;

/// The software adapter, so that pictures are the same everywhere; `None` (with a line that says so) without one.
pub fn software() -> Option<Gpu> {
    match Gpu::headless(AdapterChoice::Software) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter { .. }) => {
            println!("SKIPPED: no software Vulkan adapter here; apt install mesa-vulkan-drivers");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// A picture in memory.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
    pub stats: RenderStats,
}

impl Picture {
    pub fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let i = (y * self.width + x) * 4;
        [self.rgba[i], self.rgba[i + 1], self.rgba[i + 2], self.rgba[i + 3]]
    }

    /// Pixels for which `is` holds.
    pub fn count(&self, is: impl Fn([u8; 4]) -> bool) -> usize {
        self.rgba.as_chunks::<4>().0.iter().filter(|p| is(**p)).count()
    }

    /// Middle of the pixels for which `is` holds.
    pub fn places(&self, is: impl Fn([u8; 4]) -> bool) -> Vec<(usize, usize)> {
        let all = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        all.filter(|&(x, y)| is(self.at(x, y))).collect()
    }

    /// Root mean square of the differences to a picture of the same, four times as wide and high.
    pub fn error_against(&self, large: &Self) -> f64 {
        assert_eq!((self.width * 4, self.height * 4), (large.width, large.height));
        let mut sum = 0.0;
        for y in 0..self.height {
            for x in 0..self.width {
                for channel in 0..3 {
                    let of = |i: usize| f64::from(large.at(x * 4 + i % 4, y * 4 + i / 4)[channel]);
                    let mean = (0..16).map(of).sum::<f64>() / 16.0;
                    sum += (f64::from(self.at(x, y)[channel]) - mean).powi(2);
                }
            }
        }
        (sum / (self.width * self.height * 3) as f64).sqrt()
    }

    /// Largest difference of any channel between two pictures of the same size, and how many pixels differ by more
    /// than `tolerance`.
    pub fn difference(&self, other: &Self, tolerance: u8) -> (u8, usize) {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let mut largest = 0;
        let mut many = 0;
        for (a, b) in self.rgba.as_chunks::<4>().0.iter().zip(other.rgba.as_chunks::<4>().0) {
            let d = (0..4).map(|i| a[i].abs_diff(b[i])).max().unwrap();
            largest = largest.max(d);
            many += usize::from(d > tolerance);
        }
        (largest, many)
    }
}

pub fn draw(gpu: &Gpu, scene: &SceneSnapshot, size: (u32, u32), theme: Theme, options: &FrameOptions) -> Picture {
    draw_with(gpu, scene, size, theme, options, 1)
}

pub fn draw_with(
    gpu: &Gpu,
    scene: &SceneSnapshot,
    (width, height): (u32, u32),
    theme: Theme,
    options: &FrameOptions,
    samples: u32,
) -> Picture {
    let mut renderer = Renderer::new(gpu, theme).unwrap();
    let mut target = RenderTarget::new(gpu, width, height, samples).unwrap();
    // Coarser versions may or may not be there yet: pictures that are compared are drawn in full.
    let detail = if options.detail == Detail::Fine { Detail::Full } else { options.detail };
    let stats = renderer.render(&mut target, scene, &FrameOptions { detail, ..*options }).unwrap();
    Picture { width: width as usize, height: height as usize, rgba: target.to_rgba().unwrap(), stats }
}

fn quad(mesh: &mut Mesh, p: [Vec3; 4]) {
    let n = (p[1] - p[0]).cross(p[2] - p[0]).normalize().to_array();
    let base = mesh.positions.len() as u32;
    mesh.positions.extend(p.map(|v| v.to_array()));
    mesh.normals.extend([n; 4]);
    mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|i| base + i));
}

/// A box from corner to corner with its twelve edges.
pub fn cuboid(min: Vec3, max: Vec3) -> Mesh {
    let mut mesh = Mesh::default();
    let c = |i: usize| {
        Vec3::new(
            if i & 1 == 0 { min.x } else { max.x },
            if i & 2 == 0 { min.y } else { max.y },
            if i & 4 == 0 { min.z } else { max.z },
        )
    };
    for f in [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]] {
        quad(&mut mesh, f.map(c));
    }
    for (a, b) in [(0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7)] {
        mesh.edges.extend([c(a).to_array(), c(b).to_array()]);
    }
    mesh
}

/// An upright cylinder on y = 0 with smooth walls and the circles of its rims as edges.
pub fn cylinder(radius: f32, height: f32, sides: u32) -> Mesh {
    let mut mesh = Mesh::default();
    let rim = |i: u32, y: f32| {
        let a = i as f32 / sides as f32 * TAU;
        Vec3::new(a.cos() * radius, y, a.sin() * radius)
    };
    for i in 0..sides {
        let base = mesh.positions.len() as u32;
        for (k, y) in [(i, 0.0), (i, height), (i + 1, height), (i + 1, 0.0)] {
            let p = rim(k, y);
            mesh.positions.push(p.to_array());
            mesh.normals.push(Vec3::new(p.x, 0.0, p.z).normalize().to_array());
        }
        mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|v| base + v));
        for (y, up) in [(0.0, -1.0), (height, 1.0)] {
            let base = mesh.positions.len() as u32;
            mesh.positions.extend([Vec3::new(0.0, y, 0.0), rim(i, y), rim(i + 1, y)].map(|v| v.to_array()));
            mesh.normals.extend([[0.0, up, 0.0]; 3]);
            mesh.indices.extend([base, base + 1, base + 2]);
            mesh.edges.extend([rim(i, y).to_array(), rim(i + 1, y).to_array()]);
        }
    }
    mesh
}

/// A ring lying on y = 0.
pub fn torus(radius: f32, tube: f32, steps: u32) -> Mesh {
    let mut mesh = Mesh::default();
    for i in 0..=steps {
        for j in 0..=steps {
            let (a, b) = (i as f32 / steps as f32 * TAU, j as f32 / steps as f32 * TAU);
            let n = Vec3::new(a.cos() * b.cos(), b.sin(), a.sin() * b.cos());
            let p = Vec3::new(a.cos() * radius, tube, a.sin() * radius) + n * tube;
            mesh.positions.push(p.to_array());
            mesh.normals.push(n.to_array());
            if i < steps && j < steps {
                let (v, w) = (i * (steps + 1) + j, (i + 1) * (steps + 1) + j);
                mesh.indices.extend([v, v + 1, w, w, v + 1, w + 1]);
            }
        }
    }
    mesh
}

pub fn colour_all(mut mesh: Mesh, rgb: [u8; 3]) -> Mesh {
    let triangle_count = mesh.triangle_count() as u32;
    mesh.colours =
        vec![ColourRange { first_triangle: 0, triangle_count, colour: Rgba8([rgb[0], rgb[1], rgb[2], 255]) }];
    mesh
}

pub fn instance(part: u32, at: Vec3) -> Instance {
    Instance { part, name: String::new(), model_from_part: Affine3A::from_translation(at), colour: None }
}

pub fn model_of(meshes: Vec<Mesh>) -> Assembly {
    let instances = (0..meshes.len() as u32).map(|i| instance(i, Vec3::ZERO)).collect();
    Assembly { parts: meshes.into_iter().map(|mesh| Part { name: String::new(), mesh }).collect(), instances }
}

/// Collects devices, models and links into a snapshot.
#[derive(Default)]
pub struct Builder {
    devices: Vec<Device>,
    connections: Vec<Connection>,
    models: HashMap<ModelRef, Arc<Model>>,
    marks: Marks,
}

impl Builder {
    #[allow(clippy::needless_pass_by_value, reason = "scenes read better so")]
    pub fn model(mut self, name: &str, model: Assembly) -> Self {
        model.check().unwrap();
        self.models.insert(model_ref(name), Arc::new(Model::of(&model)));
        self
    }

    pub fn device(self, id: &str, model: &str, kind: DeviceKind, at: Vec3) -> Self {
        self.turned(id, model, kind, at, 0.0)
    }

    pub fn turned(mut self, id: &str, model: &str, kind: DeviceKind, at: Vec3, yaw: f32) -> Self {
        self.devices.push(Device {
            id: id.into(),
            name: id.replace('-', " "),
            kind,
            model: Some(model_ref(model)),
            transform: Transform { position: at, rotation: Quat::from_rotation_y(yaw), scale: 1.0 },
            properties: Default::default(),
        });
        self
    }

    pub fn link(mut self, source: &str, target: &str, kind: &str) -> Self {
        let id = format!("c{}", self.connections.len());
        self.connections.push(Connection {
            id: id.as_str().into(),
            source: source.into(),
            target: target.into(),
            kind: kind.to_owned(),
        });
        self
    }

    pub fn select(mut self, id: &str) -> Self {
        self.marks.selection.insert(id.into());
        self
    }

    pub fn hover(mut self, id: &str) -> Self {
        self.marks.hover = Some(DeviceId::from(id));
        self
    }

    pub fn snapshot(self, camera: Camera) -> SceneSnapshot {
        SceneSnapshot {
            revision: 1,
            workspace: Arc::new(workspace(&self.devices, &self.connections)),
            models: Arc::new(self.models),
            marks: Arc::new(self.marks),
            camera,
            ..SceneSnapshot::default()
        }
    }
}

pub fn model_ref(name: &str) -> ModelRef {
    ModelRef { path: name.to_owned(), unit: None, up: Some(UpAxis::Y) }
}

pub fn camera(target: Vec3, distance: f32, yaw_deg: f32, pitch_deg: f32) -> Camera {
    Camera { target, distance, yaw: yaw_deg.to_radians(), pitch: pitch_deg.to_radians(), ..Camera::default() }
}

fn workspace(devices: &[Device], connections: &[Connection]) -> Workspace {
    let mut workspace = Workspace::new("test");
    for device in devices {
        workspace.apply(&Command::AddDevice(device.clone()), Role::Admin).unwrap();
    }
    for connection in connections {
        workspace.apply(&Command::AddConnection(connection.clone()), Role::Admin).unwrap();
    }
    workspace
}

/// A few machines in a row: what most pictures show.
pub fn line() -> Builder {
    let table = cuboid(Vec3::new(-2.0, 0.55, -0.4), Vec3::new(2.0, 0.75, 0.4));
    let leg = cuboid(Vec3::new(-0.06, 0.0, -0.06), Vec3::new(0.06, 0.55, 0.06));
    let mut conveyor = model_of(vec![table, leg, cylinder(0.05, 0.06, 24)]);
    conveyor.instances.truncate(1);
    for (x, z) in [(-1.8, -0.3), (-1.8, 0.3), (1.8, -0.3), (1.8, 0.3), (0.0, -0.3), (0.0, 0.3)] {
        conveyor.instances.push(instance(1, Vec3::new(x, 0.0, z)));
    }
    for i in 0..16 {
        conveyor.instances.push(instance(2, Vec3::new(-1.8 + i as f32 * 0.24, 0.75, 0.0)));
    }
    let robot = model_of(vec![
        cylinder(0.35, 0.25, 48),
        moved(cylinder(0.2, 0.9, 48), Vec3::Y * 0.25),
        moved(cuboid(Vec3::new(-0.12, -0.12, -0.12), Vec3::new(1.1, 0.12, 0.12)), Vec3::Y * 1.25),
        moved(torus(0.22, 0.06, 32), Vec3::new(1.1, 1.0, 0.0)),
    ]);
    let cell = model_of(vec![
        cuboid(Vec3::new(-1.0, 0.0, -0.9), Vec3::new(1.0, 0.9, 0.9)),
        colour_all(cuboid(Vec3::new(-0.95, 0.9, -0.85), Vec3::new(0.95, 2.0, 0.85)), [70, 92, 120]),
        colour_all(cuboid(Vec3::new(-0.6, 1.0, 0.84), Vec3::new(0.6, 1.8, 0.9)), [28, 34, 42]),
    ]);
    Builder::default()
        .model("conveyor", conveyor)
        .model("robot", robot)
        .model("cell", cell)
        .device("infeed-conveyor", "conveyor", DeviceKind::Conveyor, Vec3::new(-4.4, 0.0, 0.0))
        .turned("robot-1", "robot", DeviceKind::RobotArm, Vec3::new(-1.2, 0.0, 0.9), 0.6)
        .device("mill-A", "cell", DeviceKind::MachiningCell, Vec3::new(1.2, 0.0, -0.6))
        .device("outfeed-conveyor", "conveyor", DeviceKind::Conveyor, Vec3::new(4.8, 0.0, 0.0))
        .device("pallet-store", "not loaded", DeviceKind::Pallet, Vec3::new(2.4, 0.0, 2.2))
}

pub fn moved(mut mesh: Mesh, by: Vec3) -> Mesh {
    for p in mesh.positions.iter_mut().chain(&mut mesh.edges).chain(&mut mesh.lines) {
        *p = (Vec3::from(*p) + by).to_array();
    }
    mesh
}

pub fn line_camera() -> Camera {
    camera(Vec3::new(0.2, 0.6, 0.2), 9.5, 28.0, 24.0)
}
