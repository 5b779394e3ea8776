//! The scene as the renderer draws it: models on the device, and one list of instances sorted by mesh.
//!
//! It follows a snapshot by comparing the snapshot's shared pointers, so that a frame in which nothing changed
//! costs three comparisons.

use crate::gpu::{Gpu, GpuError};
use crate::gpu_model::{GpuModel, buffer};
use crate::lod::LodMaker;
use crate::marker;
use crate::pack::opaque;
use crate::theme::Theme;
use bytemuck::{Pod, Zeroable};
use glam::{Affine3A, Vec3, Vec4};
use rr_scene::{Aabb, Connection, Device, DeviceId, Marks, Model, ModelRef, SceneSnapshot, Workspace};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// One drawn copy of a part: 56 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct RawInstance {
    rows: [[f32; 4]; 3],
    /// Alpha is 255 for a colour from the file, 0 for the colour of the device's kind.
    colour: [u8; 4],
    radius: f32,
}

/// Consecutive instances of one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) model: usize,
    pub(crate) part: usize,
    pub(crate) first: u32,
    pub(crate) end: u32,
}

#[derive(Debug)]
pub(crate) struct PreparedDevice {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) bounds: Aabb,
    pub(crate) is_selected: bool,
    pub(crate) is_hovered: bool,
}

/// A connection whose both ends stand in the scene, by index into the devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) colour: [u8; 4],
}

#[derive(Debug)]
struct Loaded {
    /// Keeps the address from being given to another model while it serves as a key.
    model: Weak<Model>,
    /// `None` when the upload failed: the devices show markers.
    gpu: Option<Arc<GpuModel>>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Prepared {
    workspace: Weak<Workspace>,
    models: Weak<HashMap<ModelRef, Arc<Model>>>,
    marks: Weak<Marks>,
    loaded: HashMap<usize, Loaded>,
    marker: Arc<GpuModel>,
    pub(crate) lods: LodMaker,
    failed: Vec<(String, GpuError)>,
    pub(crate) drawn_models: Vec<Arc<GpuModel>>,
    pub(crate) batches: Vec<Batch>,
    pub(crate) instance_buffer: Option<wgpu::Buffer>,
    raw: Vec<RawInstance>,
    /// Centre and radius of every instance.
    pub(crate) spheres: Vec<Vec4>,
    /// Largest scale from part to world of every instance.
    pub(crate) scales: Vec<f32>,
    /// Device of every instance.
    pub(crate) device_of: Vec<u32>,
    pub(crate) devices: Vec<PreparedDevice>,
    pub(crate) links: Vec<Link>,
    pub(crate) bounds: Aabb,
    /// Grows when instances or links change.
    pub(crate) generation: u64,
}

impl Prepared {
    pub(crate) fn new(gpu: &Gpu, line_layout: &wgpu::BindGroupLayout) -> Result<Self, GpuError> {
        Ok(Self {
            workspace: Weak::new(),
            models: Weak::new(),
            marks: Weak::new(),
            loaded: HashMap::new(),
            marker: Arc::new(GpuModel::upload(gpu, line_layout, &marker::model())?.0),
            lods: LodMaker::new(gpu),
            failed: Vec::new(),
            drawn_models: Vec::new(),
            batches: Vec::new(),
            instance_buffer: None,
            raw: Vec::new(),
            spheres: Vec::new(),
            scales: Vec::new(),
            device_of: Vec::new(),
            devices: Vec::new(),
            links: Vec::new(),
            bounds: Aabb::EMPTY,
            generation: 0,
        })
    }

    /// Bytes that models take on the device, without their coarser versions.
    pub(crate) fn model_bytes(&self) -> u64 {
        self.loaded.values().filter_map(|l| l.gpu.as_ref()).map(|g| g.bytes).sum()
    }

    pub(crate) fn model_count(&self) -> usize {
        self.loaded.values().filter(|l| l.gpu.is_some()).count()
    }

    /// Files whose geometry did not fit the device, with the reason.
    pub(crate) fn failed(&self) -> &[(String, GpuError)] {
        &self.failed
    }

    /// Forgets what was drawn, so that the next call to [`Prepared::sync`] lays it out anew (other colours).
    pub(crate) fn invalidate(&mut self) {
        self.workspace = Weak::new();
    }

    pub(crate) fn sync(
        &mut self,
        gpu: &Gpu,
        line_layout: &wgpu::BindGroupLayout,
        theme: &Theme,
        snapshot: &SceneSnapshot,
    ) -> Result<(), GpuError> {
        let same_models = self.models.as_ptr() == Arc::as_ptr(&snapshot.models);
        let same_workspace = self.workspace.as_ptr() == Arc::as_ptr(&snapshot.workspace);
        let same_marks = self.marks.as_ptr() == Arc::as_ptr(&snapshot.marks);
        if same_models && same_workspace && same_marks {
            return Ok(());
        }
        if !(same_models && same_workspace) {
            self.load_models(gpu, line_layout, snapshot)?;
            self.lay_out(theme, snapshot);
            self.upload_instances(gpu)?;
            self.generation += 1;
        }
        for device in &mut self.devices {
            device.is_selected = snapshot.marks.selection.contains(&device.id);
            device.is_hovered = snapshot.marks.hover.as_ref() == Some(&device.id);
        }
        self.models = Arc::downgrade(&snapshot.models);
        self.workspace = Arc::downgrade(&snapshot.workspace);
        self.marks = Arc::downgrade(&snapshot.marks);
        Ok(())
    }

    /// Uploads what is new and drops what no device shows any more.
    fn load_models(
        &mut self,
        gpu: &Gpu,
        line_layout: &wgpu::BindGroupLayout,
        snapshot: &SceneSnapshot,
    ) -> Result<(), GpuError> {
        let wanted: HashMap<usize, (&ModelRef, &Arc<Model>)> = snapshot
            .workspace
            .devices()
            .filter_map(|d| d.model.as_ref())
            .filter_map(|r| snapshot.models.get(r).map(|m| (key(m), (r, m))))
            .collect();
        // First drop, then load: the memory may be needed.
        self.drawn_models.clear();
        self.loaded.retain(|k, _| wanted.contains_key(k));
        self.failed.retain(|(path, _)| wanted.values().any(|(r, _)| r.path == *path));
        for (key, (file, model)) in wanted {
            if self.loaded.contains_key(&key) {
                continue;
            }
            let uploaded = GpuModel::upload(gpu, line_layout, model);
            let uploaded = match uploaded {
                Err(lost @ GpuError::Lost(_)) => return Err(lost),
                Err(error) => {
                    tracing::warn!(target: "rr_render", file = %file.path, %error, "geometry does not fit the graphics device");
                    self.failed.push((file.path.clone(), error));
                    None
                }
                Ok((gpu_model, sources)) => {
                    let gpu_model = Arc::new(gpu_model);
                    self.lods.add(&gpu_model, sources);
                    Some(gpu_model)
                }
            };
            self.loaded.insert(key, Loaded { model: Arc::downgrade(model), gpu: uploaded });
        }
        debug_assert!(self.loaded.values().all(|l| l.model.strong_count() > 0));
        Ok(())
    }

    fn lay_out(&mut self, theme: &Theme, snapshot: &SceneSnapshot) {
        self.batches.clear();
        self.raw.clear();
        self.spheres.clear();
        self.scales.clear();
        self.device_of.clear();
        self.devices.clear();
        self.bounds = Aabb::EMPTY;
        // Devices by model, in the order in which the models first appear.
        let mut slot_of: HashMap<usize, usize> = HashMap::new();
        let mut users: Vec<Vec<(u32, &Device)>> = Vec::new();
        for (index, device) in snapshot.workspace.devices().enumerate() {
            let found = device.model.as_ref().and_then(|r| snapshot.models.get(r)).and_then(|m| {
                let gpu = self.loaded.get(&key(m))?.gpu.as_ref()?;
                // A file may hold nothing that can be drawn.
                (!gpu.parts.is_empty()).then(|| (key(m), Arc::clone(gpu)))
            });
            let (key, model) = found.unwrap_or((0, Arc::clone(&self.marker)));
            let bounds = model.bounds.transformed(&device.transform.world_from_device());
            let slot = *slot_of.entry(key).or_insert_with(|| {
                self.drawn_models.push(model);
                users.push(Vec::new());
                users.len() - 1
            });
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            users[slot].push((index, device));
            self.bounds = self.bounds.union(bounds);
            self.devices.push(PreparedDevice {
                id: device.id.clone(),
                name: if device.name.is_empty() { device.id.0.clone() } else { device.name.clone() },
                bounds,
                is_selected: false,
                is_hovered: false,
            });
        }
        for (slot, devices) in users.iter().enumerate() {
            let model = Arc::clone(&self.drawn_models[slot]);
            for (part_index, part) in model.parts.iter().enumerate() {
                let first = self.next_instance();
                for (index, device) in devices {
                    let world_from_device = device.transform.world_from_device();
                    let tint = theme.kind_colour(&device.kind).0;
                    for place in &part.places {
                        let colour = place.colour.map_or([tint[0], tint[1], tint[2], 0], opaque);
                        self.push_instance(*index, world_from_device * place.model_from_part, part.bounds, colour);
                    }
                }
                self.batches.push(Batch { model: slot, part: part_index, first, end: self.next_instance() });
            }
        }
        self.lay_links(theme, snapshot.workspace.connections());
    }

    fn next_instance(&self) -> u32 {
        u32::try_from(self.raw.len()).unwrap_or(u32::MAX)
    }

    fn push_instance(&mut self, device: u32, world_from_part: Affine3A, bounds: Aabb, colour: [u8; 4]) {
        let centre = world_from_part.transform_point3(bounds.centre());
        let m = world_from_part.matrix3;
        let stretch = [m.x_axis, m.y_axis, m.z_axis].into_iter().fold(0.0f32, |s, a| s.max(a.length()));
        let radius = bounds.radius() * stretch;
        let t = world_from_part.translation;
        let row = |i: usize| [m.x_axis[i], m.y_axis[i], m.z_axis[i], t[i]];
        self.raw.push(RawInstance { rows: [row(0), row(1), row(2)], colour, radius });
        self.spheres.push(centre.extend(radius));
        self.scales.push(stretch);
        self.device_of.push(device);
    }

    fn lay_links<'a>(&mut self, theme: &Theme, connections: impl Iterator<Item = &'a Connection>) {
        let index: HashMap<&DeviceId, usize> = self.devices.iter().enumerate().map(|(i, d)| (&d.id, i)).collect();
        self.links = connections
            .filter_map(|c| {
                let (source, target) = (*index.get(&c.source)?, *index.get(&c.target)?);
                (source != target).then(|| Link { source, target, colour: theme.connection_colour(&c.kind).0 })
            })
            .collect();
    }

    fn upload_instances(&mut self, gpu: &Gpu) -> Result<(), GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.raw);
        match &self.instance_buffer {
            // Room to spare is kept: devices come and go one by one.
            Some(b) if b.size() >= bytes.len() as u64 && b.size() <= (bytes.len() as u64 + 4096) * 4 => {
                gpu.queue().write_buffer(b, 0, bytes);
            }
            _ => {
                self.instance_buffer = None;
                let usage = wgpu::BufferUsages::VERTEX;
                self.instance_buffer = Some(gpu.guarded(|| buffer(gpu, "instances", &self.raw, usage))?);
            }
        }
        Ok(())
    }

    /// Devices named by any of the marks.
    pub(crate) fn marked(&self) -> impl Iterator<Item = &PreparedDevice> {
        self.devices.iter().filter(|d| d.is_selected || d.is_hovered)
    }

    /// Typical radius of a device in metres: scales shadows.
    pub(crate) fn typical_radius(&self) -> f32 {
        let mut radii: Vec<f32> = self.devices.iter().map(|d| d.bounds.radius()).filter(|r| *r > 0.0).collect();
        radii.sort_by(f32::total_cmp);
        radii.get(radii.len() / 2).copied().unwrap_or(1.0)
    }

    /// Ends of a link: the middle of each device's top.
    pub(crate) fn link_ends(&self, link: &Link) -> (Vec3, Vec3) {
        let top = |i: usize| {
            let b = self.devices[i].bounds;
            b.centre().with_y(b.max.y)
        };
        (top(link.source), top(link.target))
    }
}

fn key(model: &Arc<Model>) -> usize {
    Arc::as_ptr(model) as usize
}
