//! The scene as the renderer draws it: shapes on the device, and one list of objects, device by device.
//!
//! It follows a snapshot by comparing the snapshot's shared pointers, so that a frame in which nothing changed
//! costs three comparisons.

use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::{GpuShape, ShapeArenas};
use crate::marker;
use crate::theme::Theme;
use bytemuck::{Pod, Zeroable};
use glam::{Affine3A, Vec3, Vec4};
use rr_scene::{Aabb, Connection, DeviceId, Marks, Model, ModelRef, Place, Rgba8, SceneSnapshot, Shape, Workspace};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Weak};

/// One drawn copy of a shape: 64 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct RawInstance {
    /// Of the matrix to the world from lengths along the shape's grid.
    rows: [[f32; 4]; 3],
    /// Alpha is 255 for a colour from the file, 0 for the colour of the device's kind.
    colour: [u8; 4],
    radius: f32,
    /// Of the grid.
    step: f32,
    /// 0 to 1, of what has no colour of its own.
    opacity: f32,
}

#[derive(Debug)]
pub(crate) struct PreparedDevice {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) bounds: Aabb,
    pub(crate) is_selected: bool,
    pub(crate) is_hovered: bool,
    /// Its objects.
    pub(crate) objects: Range<u32>,
    /// The object that stands for the faces of all of them.
    pub(crate) stand_in: Option<u32>,
    /// Nothing else needs to be drawn then: there are no curves and no transparent parts.
    pub(crate) is_replaceable: bool,
}

/// A placed shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object {
    /// Centre and radius in the world.
    pub(crate) sphere: Vec4,
    /// Box in the world.
    pub(crate) bounds: Aabb,
    /// Largest scale from the shape to the world.
    pub(crate) scale: f32,
    /// Index into [`Prepared::shapes`].
    pub(crate) shape: u32,
    /// A mirror turns its faces over.
    pub(crate) is_mirrored: bool,
    /// One sees through some of its faces.
    pub(crate) is_transparent: bool,
}

/// A connection whose both ends stand in the scene, by index into the devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) colour: [u8; 4],
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Prepared {
    workspace: Weak<Workspace>,
    models: Weak<HashMap<ModelRef, Arc<Model>>>,
    marks: Weak<Marks>,
    marker: Arc<Model>,
    pub(crate) arenas: ShapeArenas,
    /// By index; empty places are filled again.
    pub(crate) shapes: Vec<Option<GpuShape>>,
    /// Empty ones among them.
    free_shapes: Vec<u32>,
    /// Where a shape is, by its address. The shape is kept by its entry, so that the address stays its own.
    place_of: HashMap<usize, u32>,
    /// Models that did not fit, by their address: their devices show markers.
    failed_models: HashMap<usize, Weak<Model>>,
    failed: Vec<(String, GpuError)>,
    /// Bytes that may be uploaded before a frame is drawn with what there is.
    pub(crate) upload_budget: u64,
    /// Models that wait for their turn to be uploaded.
    pub(crate) waiting: u32,
    /// Models whose stand-in is not made yet.
    unrefined: Vec<Weak<Model>>,
    model_count: usize,
    pub(crate) objects: Vec<Object>,
    /// Those that one sees through.
    pub(crate) transparent: Vec<u32>,
    pub(crate) raw: Vec<RawInstance>,
    pub(crate) devices: Vec<PreparedDevice>,
    pub(crate) links: Vec<Link>,
    pub(crate) bounds: Aabb,
    /// Grows when objects, their detail or links change.
    pub(crate) generation: u64,
}

impl Prepared {
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let mut made = Self {
            workspace: Weak::new(),
            models: Weak::new(),
            marks: Weak::new(),
            marker: Arc::new(Model::of(&marker::model())),
            arenas: ShapeArenas::new(),
            shapes: Vec::new(),
            free_shapes: Vec::new(),
            place_of: HashMap::new(),
            failed_models: HashMap::new(),
            failed: Vec::new(),
            upload_budget: u64::MAX,
            waiting: 0,
            unrefined: Vec::new(),
            model_count: 0,
            objects: Vec::new(),
            transparent: Vec::new(),
            raw: Vec::new(),
            devices: Vec::new(),
            links: Vec::new(),
            bounds: Aabb::EMPTY,
            generation: 0,
        };
        let marker = Arc::clone(&made.marker);
        made.load_model(gpu, &marker)?;
        Ok(made)
    }

    /// Bytes that the shapes of models take on the device.
    pub(crate) fn model_bytes(&self) -> u64 {
        let marker = |s: &&GpuShape| self.marker.pieces.iter().any(|p| Arc::ptr_eq(&p.shape, &s.shape));
        self.shapes.iter().flatten().filter(|s| !marker(s)).map(GpuShape::bytes).sum()
    }

    pub(crate) fn model_count(&self) -> usize {
        self.model_count
    }

    /// Files whose geometry did not fit the device, with the reason.
    pub(crate) fn failed(&self) -> &[(String, GpuError)] {
        &self.failed
    }

    /// The shape of an object.
    pub(crate) fn shape(&self, index: u32) -> Option<&GpuShape> {
        self.shapes.get(index as usize)?.as_ref()
    }

    /// Forgets what was drawn, so that the next call to [`Prepared::sync`] lays it out anew (other colours).
    pub(crate) fn invalidate(&mut self) {
        self.workspace = Weak::new();
    }

    pub(crate) fn sync(&mut self, gpu: &Gpu, theme: &Theme, snapshot: &SceneSnapshot) -> Result<(), GpuError> {
        let same_models = self.models.as_ptr() == Arc::as_ptr(&snapshot.models);
        let same_workspace = self.workspace.as_ptr() == Arc::as_ptr(&snapshot.workspace);
        let same_marks = self.marks.as_ptr() == Arc::as_ptr(&snapshot.marks);
        let refined = self.take_up_refinements(gpu);
        if same_models && same_workspace && same_marks && !refined && self.waiting == 0 {
            return Ok(());
        }
        if !(same_models && same_workspace) || refined || self.waiting > 0 {
            self.load_models(gpu, snapshot)?;
            self.lay_out(theme, snapshot);
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

    /// Uploads coarser versions that were made meanwhile; true when devices are to be laid out anew for them.
    fn take_up_refinements(&mut self, gpu: &Gpu) -> bool {
        let mut came = false;
        for shape in self.shapes.iter_mut().flatten() {
            came |= self.arenas.upload_levels(gpu, shape);
        }
        if came {
            self.generation += 1;
        }
        let before = self.unrefined.len();
        self.unrefined.retain(|m| m.upgrade().is_some_and(|m| m.stand_in.get().is_none()));
        self.unrefined.len() < before
    }

    /// Uploads what is new and drops what no device shows any more.
    fn load_models(&mut self, gpu: &Gpu, snapshot: &SceneSnapshot) -> Result<(), GpuError> {
        let mut seen = HashSet::new();
        let wanted: Vec<(&ModelRef, &Arc<Model>)> = snapshot
            .workspace
            .devices()
            .filter_map(|d| d.model.as_ref())
            .filter_map(|r| snapshot.models.get_key_value(r))
            .filter(|(_, m)| seen.insert(key(m)))
            .collect();
        // First drop, then load: the memory may be needed.
        let stay: HashSet<usize> = wanted.iter().map(|(_, m)| *m).chain([&self.marker]).flat_map(shape_keys).collect();
        let (shapes, free, arenas) = (&mut self.shapes, &mut self.free_shapes, &mut self.arenas);
        self.place_of.retain(|key, place| {
            let stays = stay.contains(key);
            if !stays && let Some(shape) = shapes.get_mut(*place as usize).and_then(Option::take) {
                arenas.remove(shape);
                free.push(*place);
            }
            stays
        });
        self.failed.retain(|(path, _)| wanted.iter().any(|(r, _)| r.path == *path));
        self.failed_models.retain(|_, model| model.strong_count() > 0);
        (self.waiting, self.model_count) = (0, 0);
        self.unrefined.clear();
        let mut budget = self.upload_budget;
        for (file, model) in wanted {
            if self.failed_models.contains_key(&key(model)) {
                continue;
            }
            let bytes: usize = model.pieces.iter().filter(|p| !self.has(&p.shape)).map(|p| p.shape.bytes()).sum();
            // The first one always goes, however large.
            if bytes as u64 > budget && budget < self.upload_budget {
                self.waiting += 1;
                continue;
            }
            budget = budget.saturating_sub(bytes as u64);
            match self.load_model(gpu, model) {
                Ok(()) => {
                    self.model_count += 1;
                    if model.stand_in.get().is_none() {
                        self.unrefined.push(Arc::downgrade(model));
                    }
                }
                Err(lost @ GpuError::Lost(_)) => return Err(lost),
                Err(error) => {
                    tracing::warn!(target: "rr_render", file = %file.path, %error, "geometry does not fit the graphics device");
                    self.failed.push((file.path.clone(), error));
                    self.failed_models.insert(key(model), Arc::downgrade(model));
                }
            }
        }
        Ok(())
    }

    fn has(&self, shape: &Arc<Shape>) -> bool {
        self.place_of.contains_key(&(Arc::as_ptr(shape) as usize))
    }

    fn load_model(&mut self, gpu: &Gpu, model: &Arc<Model>) -> Result<(), GpuError> {
        let stand_in = model.stand_in.get().into_iter().flatten().map(|s| &s.shape);
        for shape in model.pieces.iter().map(|p| &p.shape).chain(stand_in) {
            if self.has(shape) {
                continue;
            }
            let uploaded = self.arenas.upload(gpu, shape)?;
            let place = self.free_shapes.pop().unwrap_or_else(|| {
                self.shapes.push(None);
                u32::try_from(self.shapes.len() - 1).unwrap_or(u32::MAX)
            });
            self.shapes[place as usize] = Some(uploaded);
            self.place_of.insert(Arc::as_ptr(shape) as usize, place);
        }
        Ok(())
    }

    fn lay_out(&mut self, theme: &Theme, snapshot: &SceneSnapshot) {
        self.objects.clear();
        self.transparent.clear();
        self.raw.clear();
        self.devices.clear();
        self.bounds = Aabb::EMPTY;
        let mut model_bounds: HashMap<usize, Aabb> = HashMap::new();
        for device in snapshot.workspace.devices() {
            let found = device.model.as_ref().and_then(|r| snapshot.models.get(r));
            // A file may hold nothing that can be drawn.
            let drawn = found.filter(|m| !m.pieces.is_empty() && m.pieces.iter().all(|p| self.has(&p.shape)));
            let model = Arc::clone(drawn.unwrap_or(&self.marker));
            let world_from_device = device.transform.world_from_device();
            let own = *model_bounds.entry(key(&model)).or_insert_with(|| model.bounds());
            let bounds = own.transformed(&world_from_device);
            let tint = theme.kind_colour(&device.kind).0;
            let first = self.next_object();
            let mut is_replaceable = true;
            for piece in &model.pieces {
                is_replaceable &= piece.shape.lines.is_empty();
                for place in &piece.places {
                    self.push_object(&piece.shape, world_from_device, place, tint);
                }
            }
            let objects = first..self.next_object();
            is_replaceable &= !self.objects[first as usize..].iter().any(|o| o.is_transparent);
            let stand_in = model.stand_in.get().and_then(Option::as_ref).filter(|s| self.has(&s.shape)).map(|s| {
                let place = Place { model_from_part: s.model_from_part, colour: None };
                self.push_object(&s.shape, world_from_device, &place, tint);
                objects.end
            });
            self.bounds = self.bounds.union(bounds);
            self.devices.push(PreparedDevice {
                id: device.id.clone(),
                name: if device.name.is_empty() { device.id.0.clone() } else { device.name.clone() },
                bounds,
                is_selected: false,
                is_hovered: false,
                objects,
                stand_in,
                is_replaceable,
            });
        }
        self.lay_links(theme, snapshot.workspace.connections());
    }

    fn next_object(&self) -> u32 {
        u32::try_from(self.objects.len()).unwrap_or(u32::MAX)
    }

    fn push_object(&mut self, shape: &Arc<Shape>, world_from_device: Affine3A, place: &Place, tint: [u8; 4]) {
        let Some(&index) = self.place_of.get(&(Arc::as_ptr(shape) as usize)) else { return };
        let world_from_part = world_from_device * place.model_from_part;
        let centre = world_from_part.transform_point3(shape.bounds.centre());
        let m = world_from_part.matrix3;
        let scale = [m.x_axis, m.y_axis, m.z_axis].into_iter().fold(0.0f32, |s, a| s.max(a.length()));
        let radius = shape.bounds.radius() * scale;
        let t = world_from_part.transform_point3(Vec3::from(shape.grid.origin));
        let row = |i: usize| [m.x_axis[i], m.y_axis[i], m.z_axis[i], t[i]];
        let colour = place.colour.map_or([tint[0], tint[1], tint[2], 0], opaque);
        let opacity = place.colour.map_or(1.0, |c| f32::from(c.0[3]) / 255.0);
        let step = shape.grid.step;
        self.raw.push(RawInstance { rows: [row(0), row(1), row(2)], colour, radius, step, opacity });
        let is_mirrored = m.determinant() <= 0.0;
        let is_transparent = self.shape(index).is_some_and(|s| s.is_transparent || (s.has_bare && opacity < 1.0));
        let bounds = shape.bounds.transformed(&world_from_part);
        if is_transparent {
            self.transparent.push(self.next_object());
        }
        self.objects.push(Object {
            sphere: centre.extend(radius),
            bounds,
            scale,
            shape: index,
            is_mirrored,
            is_transparent,
        });
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

/// Addresses of all shapes of a model.
fn shape_keys(model: &Arc<Model>) -> impl Iterator<Item = usize> {
    let stand_in = model.stand_in.get().into_iter().flatten().map(|s| &s.shape);
    model.pieces.iter().map(|p| &p.shape).chain(stand_in).map(|s| Arc::as_ptr(s) as usize)
}

/// Bytes with a marker alpha: how opaque a place is stands beside it.
fn opaque(colour: Rgba8) -> [u8; 4] {
    let [r, g, b, _] = colour.0;
    [r, g, b, 255]
}
