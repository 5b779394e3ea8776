//! Culling on the graphics device: the choice that [`crate::cull`] makes, by compute shaders that write the draw
//! commands themselves. The processor's share of a frame no longer grows with the number of objects.

use crate::cull::{Culled, EDGE_STEPS, FaceKind, LEVELS, Look, edge_size};
use crate::detail::Culling;
use crate::draw::{Cost, Quads};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::{GpuShape, buffer};
use crate::prepared::{Prepared, RawInstance};
use crate::returns::Returns;
use bytemuck::{Pod, Zeroable};
use glam::Mat4;
use std::ops::Range;

const NONE: u32 = u32::MAX;
/// Results of counting that may be on their way.
const PLACES: usize = 3;
/// Words of a draw command.
const WORDS: usize = 5;
const COUNTS: usize = 16;
const TILE_LEVELS: usize = 16;

/// `View` in `cull.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct View {
    planes: [[f32; 4]; 5],
    eye: [f32; 4],
    tolerance: [f32; 4],
    cut: [[f32; 4]; 3],
    clip_from_world: Mat4,
    size: [f32; 4],
    levels: [[u32; 4]; TILE_LEVELS],
    numbers: [u32; 4],
}

/// `Object` in `cull.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct GpuObject {
    low: [f32; 3],
    scale: f32,
    high: [f32; 3],
    shape: u32,
    sphere: [f32; 4],
    device: u32,
    flags: u32,
    reserved: [u32; 2],
}

/// `Device` in `cull.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct GpuDevice {
    low: [f32; 3],
    stand_in: u32,
    high: [f32; 3],
    count: u32,
}

/// `Shape` in `cull.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct ShapeRecord {
    errors: [f32; LEVELS],
    edge_slots: [u32; EDGE_STEPS],
    full: [u32; FaceKind::COUNT],
    coarser: [u32; FaceKind::COUNT],
    level_count: u32,
    flags: u32,
    line_slot: u32,
    radius: f32,
    base_error: f32,
    reserved: u32,
}

/// What is drawn with the same pipeline and the same buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Faces { kind: usize, corners: usize, indices: usize },
    Edges { segments: usize },
    Lines { segments: usize },
}

/// A draw command before anything is chosen.
#[derive(Debug, Clone, Copy)]
struct Command {
    group: Group,
    shape: u32,
    what: Slot,
    indices: u32,
    first: u32,
    base: u32,
}

/// Which entry of a [`ShapeRecord`] a command is for.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Full,
    Coarser(usize),
    /// For these steps of tolerance.
    Edges(usize, usize),
    Lines,
}

/// Numbers of objects and elements of a frame some frames ago.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) culled: Culled,
    pub(crate) triangles: u32,
    pub(crate) lines: u32,
}

/// Culls one scene.
#[derive(Debug)]
pub(crate) struct DeviceCulling {
    choose: wgpu::ComputePipeline,
    place: wgpu::ComputePipeline,
    scatter: wgpu::ComputePipeline,
    layouts: [wgpu::BindGroupLayout; 2],
    view: wgpu::Buffer,
    counts: wgpu::Buffer,
    returns: Returns<()>,
    latest: Counted,
    scene: Option<SceneBuffers>,
    /// Tiles of the last known depth.
    farthest: wgpu::Buffer,
    bind_group: Option<wgpu::BindGroup>,
}

#[derive(Debug)]
struct SceneBuffers {
    /// Generation of the scene, and whether there are section planes.
    of: (u64, bool),
    objects: wgpu::Buffer,
    devices: wgpu::Buffer,
    shapes: wgpu::Buffer,
    template: wgpu::Buffer,
    commands: wgpu::Buffer,
    chosen: wgpu::Buffer,
    instances: wgpu::Buffer,
    scatter: wgpu::BindGroup,
    object_count: u32,
    slot_count: u32,
    face_slots: u32,
    groups: Vec<(Group, Range<u32>)>,
}

impl DeviceCulling {
    /// True where the device can do it.
    pub(crate) fn is_possible(gpu: &Gpu) -> bool {
        gpu.device().features().contains(wgpu::Features::INDIRECT_FIRST_INSTANCE)
            && gpu.device().limits().max_storage_buffers_per_shader_stage >= 9
    }

    /// # Errors
    /// Whatever the device reports.
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let device = gpu.device();
        let storage = |binding, read_only| {
            let ty = wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            };
            wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
        };
        let uniform = wgpu::BindGroupLayoutEntry {
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            ..storage(0, true)
        };
        let mut first = vec![uniform];
        first.extend((1..8).map(|binding| storage(binding, binding < 5)));
        let second = [storage(0, true), storage(1, false)];
        let returns = Returns::new(gpu, "counts", (COUNTS * 4) as u64, PLACES)?;
        gpu.guarded(|| {
            let layout = |entries| {
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("cull"), entries })
            };
            let layouts = [layout(&first), layout(&second)];
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("cull"),
                source: wgpu::ShaderSource::Wgsl(include_str!("shaders/cull.wgsl").into()),
            });
            let pipeline = |entry_point, groups: usize| {
                let bind_group_layouts: Vec<_> = layouts[..groups].iter().map(Some).collect();
                let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    label: Some(entry_point),
                    bind_group_layouts: &bind_group_layouts,
                    immediate_size: 0,
                });
                device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some(entry_point),
                    layout: Some(&layout),
                    module: &module,
                    entry_point: Some(entry_point),
                    compilation_options: Default::default(),
                    cache: None,
                })
            };
            let counts = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
            Self {
                choose: pipeline("cs_choose", 1),
                place: pipeline("cs_place", 1),
                scatter: pipeline("cs_scatter", 2),
                view: buffer(gpu, "view", &[View::zeroed()], wgpu::BufferUsages::UNIFORM),
                counts: buffer(gpu, "counts", &[0u32; COUNTS], counts),
                returns,
                latest: Counted::default(),
                scene: None,
                farthest: buffer(gpu, "farthest", &[0.0f32], wgpu::BufferUsages::STORAGE),
                bind_group: None,
                layouts,
            }
        })
    }

    /// Records what chooses among the objects of the scene.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn record(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        scene: &Prepared,
        look: &Look<'_>,
    ) -> Result<(), GpuError> {
        let of = (scene.generation, !look.section.is_none());
        if self.scene.as_ref().is_none_or(|s| s.of != of) {
            self.scene = None;
            self.bind_group = None;
            self.scene = Some(gpu.guarded(|| SceneBuffers::new(gpu, &self.layouts[1], scene, of))?);
        }
        let Some(buffers) = &self.scene else { return Ok(()) };
        if let Some(occluded) = look.occluded {
            let bytes: &[u8] = bytemuck::cast_slice(&occluded.farthest);
            if self.farthest.size() < bytes.len() as u64 {
                let usage = wgpu::BufferUsages::STORAGE;
                self.farthest = gpu.guarded(|| buffer(gpu, "farthest", &occluded.farthest, usage))?;
                self.bind_group = None;
            } else {
                gpu.queue().write_buffer(&self.farthest, 0, bytes);
            }
        }
        let bind_group = self.bind_group.get_or_insert_with(|| {
            let all = [
                &self.view,
                &buffers.objects,
                &buffers.devices,
                &buffers.shapes,
                &self.farthest,
                &buffers.commands,
                &buffers.chosen,
                &self.counts,
            ];
            bind(gpu, &self.layouts[0], &all)
        });
        let view = view(look, buffers);
        gpu.queue().write_buffer(&self.view, 0, bytemuck::bytes_of(&view));
        encoder.clear_buffer(&self.counts, 0, None);
        encoder.copy_buffer_to_buffer(&buffers.template, 0, &buffers.commands, 0, buffers.template.size());
        {
            let desc = wgpu::ComputePassDescriptor { label: Some("cull"), ..Default::default() };
            let mut pass = encoder.begin_compute_pass(&desc);
            pass.set_bind_group(0, &*bind_group, &[]);
            let objects = buffers.object_count.div_ceil(64);
            pass.set_pipeline(&self.choose);
            pass.dispatch_workgroups(objects, 1, 1);
            pass.set_pipeline(&self.place);
            pass.dispatch_workgroups(1, 1, 1);
            pass.set_pipeline(&self.scatter);
            pass.set_bind_group(1, &buffers.scatter, &[]);
            pass.dispatch_workgroups(objects, 1, 1);
        }
        if let Some((_, to)) = self.returns.free() {
            encoder.copy_buffer_to_buffer(&self.counts, 0, to, 0, (COUNTS * 4) as u64);
        }
        Ok(())
    }

    /// What came of a frame some frames ago. The device was polled just before.
    pub(crate) fn counted(&mut self) -> Counted {
        let latest = &mut self.latest;
        self.returns.take(|(), bytes| {
            let [_, outside, small, cut_away, hidden, stand_ins, drawn, triangles, lines, ..]: [u32; COUNTS] =
                bytemuck::pod_read_unaligned(bytes);
            let culled = Culled { outside, small, cut_away, hidden, stand_ins, drawn };
            *latest = Counted { culled, triangles, lines };
        });
        self.latest
    }

    /// When the frame was submitted.
    pub(crate) fn submitted(&mut self) {
        if let Some((at, _)) = self.returns.free() {
            self.returns.submitted(at, ());
        }
    }

    /// Draws the opaque faces that were chosen, each kind with its pipeline, if it has one.
    pub(crate) fn draw_faces(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: [Option<&wgpu::RenderPipeline>; FaceKind::COUNT],
        scene: &Prepared,
    ) -> Cost {
        let mut cost = Cost::default();
        let Some(buffers) = &self.scene else { return cost };
        pass.set_vertex_buffer(1, buffers.instances.slice(..));
        for (group, slots) in &buffers.groups {
            let Group::Faces { kind, corners, indices } = *group else { continue };
            let arenas = &scene.arenas;
            let (Some(pipeline), Some(corners), Some(indices)) =
                (pipelines[kind], arenas.corners.buffer(corners), arenas.indices.buffer(indices))
            else {
                continue;
            };
            pass.set_pipeline(pipeline);
            pass.set_vertex_buffer(0, corners.slice(..));
            pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
            buffers.draw(pass, slots);
            cost.calls += 1;
        }
        cost
    }

    /// Draws the curves that were chosen, then the edges.
    pub(crate) fn draw_lines(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        [lines, edges]: [&wgpu::RenderPipeline; 2],
        quads: &Quads,
        scene: &Prepared,
    ) -> Cost {
        let mut cost = Cost::default();
        let (Some(buffers), Some(quads)) = (&self.scene, quads.buffer()) else { return cost };
        pass.set_vertex_buffer(0, buffers.instances.slice(..));
        pass.set_index_buffer(quads.slice(..), wgpu::IndexFormat::Uint32);
        let of = |group: &Group| match *group {
            Group::Lines { segments } => Some((0, lines, segments)),
            Group::Edges { segments } => Some((1, edges, segments)),
            Group::Faces { .. } => None,
        };
        for step in 0..2 {
            for (group, slots) in &buffers.groups {
                let Some((_, pipeline, segments)) = of(group).filter(|(s, ..)| *s == step) else { continue };
                let Some(bind_group) = scene.arenas.segment_bind_group(segments) else { continue };
                pass.set_pipeline(pipeline);
                pass.set_bind_group(1, bind_group, &[]);
                buffers.draw(pass, slots);
                cost.calls += 1;
            }
        }
        cost
    }
}

fn bind(gpu: &Gpu, layout: &wgpu::BindGroupLayout, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
    let entries: Vec<_> = (0u32..)
        .zip(buffers)
        .map(|(binding, b)| wgpu::BindGroupEntry { binding, resource: b.as_entire_binding() })
        .collect();
    gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label: Some("cull"), layout, entries: &entries })
}

fn view(look: &Look<'_>, buffers: &SceneBuffers) -> View {
    let Culling { frustum, section, occlusion, small, levels, stand_ins } = look.culling;
    let known = look.occluded.filter(|_| occlusion);
    let flags = [
        (frustum, 1),
        (section, 2),
        (small, 4),
        (levels, 8),
        (stand_ins, 16),
        (known.is_some(), 32),
        (look.edges, 64),
        (known.is_some_and(|k| k.is_late), 128),
    ];
    let flags: u32 = flags.into_iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum();
    let mut out = View::zeroed();
    out.planes = look.frustum.planes().map(|p| p.to_array());
    out.eye = look.eye.extend(look.tolerance.metres_per_px).to_array();
    let [surface, edge] = look.tolerance.px();
    out.tolerance = [surface, edge, 0.0, 0.0];
    out.cut = [[0.0, 0.0, 0.0, f32::MAX]; 3];
    for (to, plane) in out.cut.iter_mut().zip(look.section.planes()) {
        *to = plane.normal.extend(plane.offset).to_array();
    }
    let mut count = 0;
    if let Some(known) = known {
        out.clip_from_world = known.clip_from_world;
        [out.size[0], out.size[1]] = known.size.to_array();
        for (to, level) in out.levels.iter_mut().zip(&known.levels) {
            *to = [level.first, level.across, level.down, 0].map(|n| u32::try_from(n).unwrap_or(0));
            count += 1;
        }
    }
    out.size[2] = f32::from_bits(buffers.face_slots);
    out.numbers = [flags, buffers.object_count, buffers.slot_count, count];
    out
}

impl SceneBuffers {
    fn new(gpu: &Gpu, layout: &wgpu::BindGroupLayout, scene: &Prepared, of: (u64, bool)) -> Self {
        let mut records: Vec<ShapeRecord> = scene.shapes.iter().map(|s| record(s.as_ref())).collect();
        let mut commands = Vec::new();
        for (index, shape) in (0u32..).zip(&scene.shapes) {
            if let Some(shape) = shape {
                list_commands(index, shape, of.1, &mut commands);
            }
        }
        commands.sort_by_key(|c| c.group);
        let mut groups: Vec<(Group, Range<u32>)> = Vec::new();
        let mut template: Vec<u32> = Vec::with_capacity(commands.len() * WORDS);
        for (slot, command) in (0u32..).zip(&commands) {
            template.extend([command.indices, 0, command.first, command.base, 0]);
            match groups.last_mut() {
                Some((group, slots)) if *group == command.group => slots.end = slot + 1,
                _ => groups.push((command.group, slot..slot + 1)),
            }
            let record = &mut records[command.shape as usize];
            let Group::Faces { kind, .. } = command.group else {
                match command.what {
                    Slot::Edges(first, end) => record.edge_slots[first..end].fill(slot),
                    _ => record.line_slot = slot,
                }
                continue;
            };
            match command.what {
                Slot::Coarser(0) => record.coarser[kind] = slot,
                Slot::Full => record.full[kind] = slot,
                _ => {}
            }
        }
        let is_faces = |c: &&Command| matches!(c.group, Group::Faces { .. });
        let face_slots = u32::try_from(commands.iter().filter(is_faces).count()).unwrap_or(0);
        let (objects, devices) = placements(scene);
        let count = objects.len();
        let storage = wgpu::BufferUsages::STORAGE;
        let empty = |label, bytes: usize, usage| {
            let size = (bytes as u64).max(16);
            let desc = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
            gpu.device().create_buffer(&desc)
        };
        let raw = buffer(gpu, "objects", &scene.raw, storage);
        // Each object may be drawn as faces, as edges and as lines.
        let instances = empty("instances", count * 3 * size_of::<RawInstance>(), storage | wgpu::BufferUsages::VERTEX);
        let usage = storage | wgpu::BufferUsages::INDIRECT | wgpu::BufferUsages::COPY_DST;
        let template = buffer(gpu, "commands", &template, wgpu::BufferUsages::COPY_SRC);
        Self {
            of,
            objects: buffer(gpu, "objects", &objects, storage),
            devices: buffer(gpu, "devices", &devices, storage),
            shapes: buffer(gpu, "shapes", &records, storage),
            commands: empty("commands", usize::try_from(template.size()).unwrap_or(0), usage),
            template,
            chosen: empty("chosen", count * 3 * 8, storage),
            scatter: bind(gpu, layout, &[&raw, &instances]),
            instances,
            object_count: u32::try_from(count).unwrap_or(0),
            slot_count: u32::try_from(commands.len()).unwrap_or(0),
            face_slots,
            groups,
        }
    }

    fn draw(&self, pass: &mut wgpu::RenderPass<'_>, slots: &Range<u32>) {
        let offset = u64::from(slots.start) * (WORDS * 4) as u64;
        pass.multi_draw_indexed_indirect(&self.commands, offset, slots.end - slots.start);
    }
}

fn record(shape: Option<&GpuShape>) -> ShapeRecord {
    let mut out = ShapeRecord::zeroed();
    (out.edge_slots, out.full, out.coarser) = ([NONE; EDGE_STEPS], [NONE; FaceKind::COUNT], [NONE; FaceKind::COUNT]);
    out.line_slot = NONE;
    let Some(shape) = shape else { return out };
    let levels = shape.shape.levels.get().filter(|_| shape.levels.is_some());
    let levels = levels.map_or(&[][..], |l| &l.levels);
    for (to, level) in out.errors.iter_mut().zip(levels) {
        *to = level.error;
    }
    out.level_count = u32::try_from(levels.len().min(LEVELS - 1)).unwrap_or(0);
    out.flags = u32::from(shape.indices.is_some()) | u32::from(shape.shape.is_solid()) << 1;
    out.radius = shape.shape.bounds.radius();
    out.base_error = shape.shape.error;
    out
}

/// Everything that may be drawn of a shape.
fn list_commands(index: u32, shape: &GpuShape, is_cut: bool, out: &mut Vec<Command>) {
    let level_count = record(Some(shape)).level_count as usize;
    let kinds = match (shape.shape.is_solid(), is_cut) {
        // An object whose shape is mirrored is drawn from both sides.
        (true, false) => &[FaceKind::Open, FaceKind::Solid][..],
        (true, true) => &[FaceKind::Open, FaceKind::Solid, FaceKind::CutSolid, FaceKind::CutMirrored],
        (false, false) => &[FaceKind::Open],
        (false, true) => &[FaceKind::Open, FaceKind::CutOpen],
    };
    if let Some(corners) = &shape.corners {
        for (&kind, level) in kinds.iter().flat_map(|k| (0..=level_count).map(move |l| (k, l))) {
            let Some(run) = shape.level(level) else { continue };
            let group = Group::Faces { kind: kind as usize, corners: corners.block, indices: run.block };
            let what = level.checked_sub(1).map_or(Slot::Full, Slot::Coarser);
            let (indices, first, base) = (run.count(), run.elements.start, corners.elements.start);
            out.push(Command { group, shape: index, what, indices, first, base });
        }
    }
    let line = |group, what, run: &crate::arena::Run, count: u32| Command {
        group,
        shape: index,
        what,
        indices: count * 6,
        first: 0,
        base: run.elements.start * 4,
    };
    if let Some(run) = &shape.edges {
        let count = |step| shape.shape.edges_of_size(edge_size(step) * shape.shape.bounds.radius());
        let mut first = 0;
        while first < EDGE_STEPS {
            // Steps that draw the same share a command.
            let edges = count(first);
            let end = (first + 1..EDGE_STEPS).find(|s| count(*s) != edges).unwrap_or(EDGE_STEPS);
            if edges > 0 {
                let edges = u32::try_from(edges).unwrap_or(u32::MAX).min(run.count());
                out.push(line(Group::Edges { segments: run.block }, Slot::Edges(first, end), run, edges));
            }
            first = end;
        }
    }
    if let Some(run) = &shape.lines {
        out.push(line(Group::Lines { segments: run.block }, Slot::Lines, run, run.count()));
    }
}

fn placements(scene: &Prepared) -> (Vec<GpuObject>, Vec<GpuDevice>) {
    let mut objects: Vec<GpuObject> = scene
        .objects
        .iter()
        .map(|o| GpuObject {
            low: o.bounds.min.to_array(),
            scale: o.scale,
            high: o.bounds.max.to_array(),
            shape: o.shape,
            sphere: o.sphere.to_array(),
            device: 0,
            flags: u32::from(o.is_mirrored) | u32::from(o.is_transparent) << 1,
            reserved: [0; 2],
        })
        .collect();
    let devices = (0u32..).zip(&scene.devices).map(|(index, device)| {
        for (i, object) in device.objects.clone().zip(&mut objects[device.objects.start as usize..]) {
            object.device = index;
            object.flags |= if i == device.objects.start { 8 } else { 0 };
        }
        if let Some(object) = device.stand_in.and_then(|i| objects.get_mut(i as usize)) {
            object.device = index;
            object.flags |= 4;
        }
        let count = device.objects.end - device.objects.start;
        GpuDevice {
            low: device.bounds.min.to_array(),
            stand_in: device.stand_in.unwrap_or(NONE),
            high: device.bounds.max.to_array(),
            count: count | u32::from(device.is_replaceable) << 31,
        }
    });
    let devices = devices.collect();
    (objects, devices)
}
