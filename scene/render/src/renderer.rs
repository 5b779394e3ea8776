//! Draws snapshots: faces, background and floor, lines, connections, then outlines and labels on top.

use crate::arena::Run;
use crate::cull::{Draw, DrawList, Look, What};
use crate::detail::{Culling, Detail, Tolerance};
use crate::floor;
use crate::flow::{self, FlowVertex};
use crate::frustum::{Frustum, screen_rect};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::instances::InstanceBuffer;
use crate::labels::{LabelFrame, Labels};
use crate::measures::{MeasureFrame, Measures};
use crate::pipelines::{FlatPipelines, Layouts, MainPipelines, Shaders};
use crate::prepared::Prepared;
use crate::shadow::{FloorShadow, flat_pass};
use crate::still::{Plan, offset};
use crate::target::{RenderTarget, Textures};
use crate::theme::Theme;
use crate::uniforms::{FrameUniforms, ShadowFrame};
use bytemuck::Zeroable;
use glam::Vec2;
use rr_scene::{Aabb, Camera, SceneSnapshot};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where light is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lighting {
    /// Per pixel on hardware, per corner on software.
    #[default]
    Auto,
    /// Per corner of a triangle: fast on a software adapter, coarse on large smooth triangles.
    PerCorner,
    /// Per pixel.
    PerPixel,
}

/// What a frame shows besides the devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameOptions {
    /// Seconds on any clock that does not jump: moves the flow of connections.
    pub time_secs: f64,
    /// Names above devices.
    pub labels: bool,
    /// Lines on the floor.
    pub grid: bool,
    /// Feature edges of faces.
    pub edges: bool,
    /// Contact shadow on the floor.
    pub shadows: bool,
    /// Connections between devices.
    pub connections: bool,
    /// Outlines of selected and hovered devices.
    pub outlines: bool,
    /// Pixels per point: widths and text follow it.
    pub ui_scale: f32,
    /// Where light is computed.
    pub lighting: Lighting,
    /// How much of the geometry is shown.
    pub detail: Detail,
    /// How much larger its differences from the full geometry may be than usual: 1 and more.
    pub coarseness: f32,
    /// What is left out because nobody would see it.
    pub culling: Culling,
    /// Frames that are averaged to smooth borders when the camera rests, one with each call: 1 for none. Only for
    /// targets of one sample per pixel.
    pub rest_frames: u32,
}

impl Default for FrameOptions {
    fn default() -> Self {
        Self {
            time_secs: 0.0,
            labels: true,
            grid: true,
            edges: true,
            shadows: true,
            connections: true,
            outlines: true,
            ui_scale: 1.0,
            lighting: Lighting::Auto,
            detail: Detail::Fine,
            coarseness: 1.0,
            culling: Culling::default(),
            rest_frames: 1,
        }
    }
}

/// All that the lasting part of a picture depends on: faces, floor and edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StillKey {
    camera: Camera,
    /// Of placements and models.
    generation: u64,
    options: FrameOptions,
    renderer: u64,
}

impl FrameOptions {
    /// Nothing but faces and background.
    pub fn bare() -> Self {
        Self {
            labels: false,
            grid: false,
            edges: false,
            shadows: false,
            connections: false,
            outlines: false,
            ..Self::default()
        }
    }

    /// Full detail leaves out nothing that is in the picture.
    fn culling(&self) -> Culling {
        let exact = self.detail == Detail::Full;
        if exact { Culling { small: false, levels: false, stand_ins: false, ..self.culling } } else { self.culling }
    }

    pub(crate) fn scale(&self) -> f32 {
        if self.ui_scale.is_finite() { self.ui_scale.clamp(0.5, 6.0) } else { 1.0 }
    }
}

/// What one frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RenderStats {
    /// Draw commands of all passes.
    pub draw_calls: u32,
    /// Triangles of faces.
    pub triangles: u64,
    /// Line segments: edges and wireframe.
    pub lines: u64,
    /// Objects drawn: placed parts, and stand-ins of whole devices.
    pub instances: u32,
    /// Objects left out, for whatever reason.
    pub culled: u32,
    /// Objects left out because they are outside the picture.
    pub culled_outside: u32,
    /// Objects left out because they are smaller than a pixel.
    pub culled_small: u32,
    /// Devices whose faces are drawn as one coarse shape.
    pub stand_ins: u32,
    /// Labels shown.
    pub labels: u32,
    /// Models on the device.
    pub models: u32,
    /// Bytes that models take on the device.
    pub model_bytes: u64,
    /// Frames of which the picture is the average.
    pub rest_frames: u32,
    /// Another frame of the same will be smoother.
    pub is_refining: bool,
    /// Models that are still to be brought onto the device: another frame will show more.
    pub waiting_models: u32,
}

/// What the passes of one frame share.
struct Frame<'f> {
    slot: [usize; 2],
    uniforms: &'f FrameUniforms,
    shadow: Option<ShadowFrame>,
    options: &'f FrameOptions,
}

/// Draw commands with their instances on the device.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) list: DrawList,
    pub(crate) instances: InstanceBuffer,
}

impl Listed {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { list: DrawList::default(), instances: InstanceBuffer::new(label) }
    }
}

/// Draws snapshots with one device. Not tied to a target: one renderer may serve several.
#[derive(Debug)]
pub struct Renderer {
    gpu: Gpu,
    theme: Theme,
    layouts: Layouts,
    shaders: Shaders,
    /// By samples (1 or 4) and lighting (per corner or per pixel).
    main: [[Option<MainPipelines>; 2]; 2],
    flat: FlatPipelines,
    uniforms: wgpu::Buffer,
    frame_bind_group: wgpu::BindGroup,
    scene: Prepared,
    shadow: FloorShadow,
    labels: Labels,
    measures: Measures,
    visible: Listed,
    /// Of selected and of hovered devices.
    marked: [Listed; 2],
    quad_indices: Option<(u32, wgpu::Buffer)>,
    flow: FlowBuffers,
    /// Tells renderers that share a target apart.
    id: u64,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Default)]
struct FlowBuffers {
    /// Generation of the scene that the buffers show.
    shown: Option<u64>,
    vertices: Vec<FlowVertex>,
    indices: Vec<u32>,
    buffers: Option<(wgpu::Buffer, wgpu::Buffer)>,
}

impl Renderer {
    /// Makes pipelines and buffers.
    ///
    /// # Errors
    /// Whatever the device reports.
    pub fn new(gpu: &Gpu, theme: Theme) -> Result<Self, GpuError> {
        gpu.check()?;
        let (layouts, shaders, flat) = gpu.guarded(|| {
            let layouts = Layouts::new(gpu);
            let shaders = Shaders::new(gpu);
            let flat = FlatPipelines::new(gpu, &shaders, &layouts);
            (layouts, shaders, flat)
        })?;
        let scene = Prepared::new(gpu)?;
        let labels = Labels::new(gpu)?;
        let (uniforms, shadow) = gpu.guarded(|| {
            let uniforms = buffer(gpu, "frame", &[FrameUniforms::zeroed()], wgpu::BufferUsages::UNIFORM);
            (uniforms, FloorShadow::new(gpu, &layouts))
        })?;
        let frame_bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("frame"),
            layout: &layouts.frame,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() }],
        });
        Ok(Self {
            gpu: gpu.clone(),
            theme,
            layouts,
            shaders,
            main: Default::default(),
            flat,
            uniforms,
            frame_bind_group,
            scene,
            shadow,
            labels,
            measures: Measures::default(),
            visible: Listed::new("instances"),
            marked: [Listed::new("selected"), Listed::new("hovered")],
            quad_indices: None,
            flow: FlowBuffers::default(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// The device in use.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The colours in use.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Changes the colours from the next frame on.
    pub fn set_theme(&mut self, theme: Theme) {
        if theme != self.theme {
            self.theme = theme;
            self.scene.invalidate();
        }
    }

    /// Brings models and placements onto the device: each model once for all devices that show it; what no device
    /// shows any more is freed. Costs next to nothing when the snapshot shares its parts with the last one.
    /// A model that does not fit is replaced by markers and named by [`Renderer::failed_models`].
    ///
    /// # Errors
    /// [`GpuError::Lost`], or [`GpuError::OutOfMemory`] when not even the placements fit.
    pub fn sync(&mut self, snapshot: &SceneSnapshot) -> Result<(), GpuError> {
        self.scene.sync(&self.gpu, &self.theme, snapshot)
    }

    /// Bytes of geometry that one frame may bring onto the device, so that a large workspace appears bit by bit instead
    /// of holding up the picture. A model that is larger still goes whole. Without this call everything goes at once.
    pub fn set_upload_budget(&mut self, bytes: u64) {
        self.scene.upload_budget = bytes;
    }

    /// Files whose geometry did not fit the device, with the reason.
    pub fn failed_models(&self) -> impl Iterator<Item = (&str, &GpuError)> {
        self.scene.failed().iter().map(|(file, error)| (file.as_str(), error))
    }

    /// True when the flow of a connection moves in the picture, so that a frame is worth drawing although nothing
    /// changed. Knows the devices of the last [`Renderer::sync`] or [`Renderer::render`].
    pub fn is_animated(&self, snapshot: &SceneSnapshot) -> bool {
        // Wide enough for any picture: the aspect ratio is not known here.
        let frustum = Frustum::new(&snapshot.camera, 2560.0, 1080.0);
        self.scene.links.iter().any(|link| {
            let bounds = self.scene.devices[link.source].bounds.union(self.scene.devices[link.target].bounds);
            frustum.sees(bounds.centre(), bounds.radius() * 1.3, 2.0)
        })
    }

    /// Draws a snapshot into a target. The picture is on its way when this returns; read-back waits for it.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::Refused`]; the target keeps its last picture.
    pub fn render(
        &mut self,
        target: &mut RenderTarget,
        snapshot: &SceneSnapshot,
        options: &FrameOptions,
    ) -> Result<RenderStats, GpuError> {
        // The loss of a device is told by polling only.
        let polled = self.gpu.device().poll(wgpu::PollType::Poll);
        self.gpu.check()?;
        polled.map_err(|e| GpuError::Refused(e.to_string()))?;
        self.sync(snapshot)?;
        let mut stats = RenderStats {
            models: u32::try_from(self.scene.model_count()).unwrap_or(u32::MAX),
            model_bytes: self.scene.model_bytes(),
            ..RenderStats::default()
        };
        let (width, height) = target.size();
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let size = Vec2::new(width as f32, height as f32);
        stats.waiting_models = self.scene.waiting;
        let frustum = Frustum::new(&snapshot.camera, size.x, size.y);
        let slot = self.prepare_pipelines(target.samples(), options.lighting)?;
        if options.connections {
            self.prepare_flow()?;
        }

        let shadow = if options.shadows { self.shadow.frame(&self.scene) } else { None };
        let uniforms = FrameUniforms::new(&snapshot.camera, (width, height), &self.theme, options, shadow);
        self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&uniforms));

        let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
        if let Some(frame) = shadow.filter(|_| !self.shadow.is_current(&self.scene)) {
            self.shadow.update(&self.gpu, &mut encoder, &self.flat, &self.frame_bind_group, &self.scene, frame)?;
        }
        let still = self.still_key(snapshot, options);
        let tolerance = Tolerance {
            detail: options.detail,
            coarseness: options.coarseness.max(1.0),
            metres_per_px: uniforms.eye[3],
        };
        let (eye, culling) = (snapshot.camera.eye(), options.culling());
        let look = Look { frustum: &frustum, eye, tolerance, culling, edges: options.edges };
        self.scene.arenas.bind_segments(&self.gpu, &self.layouts.lines);
        let wanted = options.rest_frames.max(1);
        let plan = if target.samples() > 1 { Plan::Draw } else { target.textures.still.plan(&still, wanted) };
        if plan == Plan::Restore {
            target.textures.still.restore(&mut encoder, &target.textures.colour);
        } else {
            self.visible.list.update(&self.scene, self.scene.devices.iter(), &look);
            self.visible.instances.fill(&self.gpu, &self.visible.list.instances)?;
            self.prepare_lines()?;
            let frame = Frame { slot, uniforms: &uniforms, shadow, options };
            self.main_pass(&mut encoder, &target.textures, &frame, &mut stats);
        }
        match plan {
            Plan::Draw => target.textures.still.drew(still),
            Plan::Add(others) => {
                let Textures { still: average, colour, colour_view, .. } = &mut target.textures;
                let with = (&self.layouts, &self.flat);
                average.add(&self.gpu, &mut encoder, (colour, colour_view), with, still, others);
                if others > 0 {
                    // What comes on top stands where it always does.
                    self.gpu.queue().write_buffer(
                        &self.uniforms,
                        0,
                        bytemuck::bytes_of(&uniforms.aside(offset(others))),
                    );
                    let lasting =
                        std::mem::replace(&mut encoder, self.gpu.device().create_command_encoder(&Default::default()));
                    self.gpu.submit(lasting.finish());
                    self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&uniforms));
                }
            }
            Plan::Restore => {}
        }
        let (frames, more) = target.textures.still.progress(wanted);
        stats.rest_frames = frames.max(1);
        stats.is_refining = target.samples() == 1 && wanted > 1 && more;
        if options.connections {
            self.flow_pass(&mut encoder, &target.textures, slot, &mut stats);
        }
        target.textures.resolve(&mut encoder);
        let outlined =
            options.outlines && self.mask_pass(&mut encoder, target, &uniforms, size, options, &look, &mut stats)?;
        let drawn = MeasureFrame {
            clip_from_world: &uniforms.clip_from_world,
            size,
            scale: options.scale(),
            theme: &self.theme,
        };
        let measured = self.measures.prepare(&self.gpu, snapshot, &drawn)?;
        let labels = if options.labels || measured {
            let frame = LabelFrame {
                scene: &self.scene,
                frustum: &frustum,
                clip_from_world: &uniforms.clip_from_world,
                eye: snapshot.camera.eye(),
                size,
                scale: options.scale(),
                theme: &self.theme,
                names: options.labels,
                notes: self.measures.notes(),
            };
            self.labels.prepare(&self.gpu, &self.layouts.labels, &frame)
        } else {
            0
        };
        stats.labels = u32::try_from(labels).unwrap_or(u32::MAX);
        if outlined || measured || labels > 0 {
            self.overlay_pass(&mut encoder, target, outlined.then_some((&uniforms, size, options)), labels, &mut stats);
        }
        self.gpu.submit(encoder.finish());
        match self.gpu.check() {
            Ok(()) => Ok(stats),
            Err(error) => {
                target.textures.still.forget();
                Err(error)
            }
        }
    }

    /// Makes the pipelines of the main pass when they are missing; returns their place.
    fn prepare_pipelines(&mut self, samples: u32, lighting: Lighting) -> Result<[usize; 2], GpuError> {
        let per_pixel = match lighting {
            Lighting::Auto => !self.gpu.info().is_software,
            Lighting::PerCorner => false,
            Lighting::PerPixel => true,
        };
        let slot = [usize::from(samples > 1), usize::from(per_pixel)];
        let place = &mut self.main[slot[0]][slot[1]];
        if place.is_none() {
            let (gpu, shaders, layouts) = (&self.gpu, &self.shaders, &self.layouts);
            *place = Some(gpu.guarded(|| MainPipelines::new(gpu, shaders, layouts, samples, per_pixel))?);
        }
        Ok(slot)
    }

    /// The indices of quads, shared by all lines.
    fn prepare_lines(&mut self) -> Result<(), GpuError> {
        let shapes = self.scene.shapes.iter().flatten();
        let needed = shapes.flat_map(|s| [&s.edges, &s.lines]).flatten().map(Run::count).max().unwrap_or(0);
        if needed == 0 || self.quad_indices.as_ref().is_some_and(|(have, _)| *have >= needed) {
            return Ok(());
        }
        let count = needed.next_power_of_two().max(1024);
        let indices: Vec<u32> = (0..count).flat_map(|q| [0, 1, 2, 2, 1, 3].map(|c| q * 4 + c)).collect();
        self.quad_indices = None;
        let made = self.gpu.guarded(|| buffer(&self.gpu, "quads", &indices, wgpu::BufferUsages::INDEX))?;
        self.quad_indices = Some((count, made));
        Ok(())
    }

    fn prepare_flow(&mut self) -> Result<(), GpuError> {
        if self.flow.shown == Some(self.scene.generation) {
            return Ok(());
        }
        flow::build(&self.scene, &mut self.flow.vertices, &mut self.flow.indices);
        self.flow.buffers = None;
        if !self.flow.indices.is_empty() {
            let flow = &self.flow;
            let made = self.gpu.guarded(|| {
                let vertices = buffer(&self.gpu, "connections", &flow.vertices, wgpu::BufferUsages::VERTEX);
                (vertices, buffer(&self.gpu, "connections", &flow.indices, wgpu::BufferUsages::INDEX))
            })?;
            self.flow.buffers = Some(made);
        }
        self.flow.shown = Some(self.scene.generation);
        Ok(())
    }

    fn still_key(&self, snapshot: &SceneSnapshot, options: &FrameOptions) -> StillKey {
        // What changes from frame to frame and is drawn on top does not count.
        let options = FrameOptions {
            time_secs: 0.0,
            labels: false,
            outlines: false,
            connections: false,
            rest_frames: 1,
            ..*options
        };
        let generation = self.scene.generation;
        StillKey { camera: snapshot.camera, generation, options, renderer: self.id }
    }

    fn main_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        textures: &Textures,
        frame: &Frame<'_>,
        stats: &mut RenderStats,
    ) {
        let Some(pipelines) = &self.main[frame.slot[0]][frame.slot[1]] else {
            return;
        };
        let Frame { uniforms, shadow, options, .. } = *frame;
        // The background covers every pixel that no face covers, so that the clear colour never shows.
        let clear = (wgpu::LoadOp::Clear(wgpu::Color::BLACK), wgpu::LoadOp::Clear(0.0));
        let mut pass = textures.main_pass(encoder, "main", clear);
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        self.draw_faces(&mut pass, [&pipelines.mesh, &pipelines.solid], &self.visible, stats);

        pass.set_bind_group(1, &self.shadow.bind_group, &[]);
        let size = (textures.width, textures.height);
        for (region, [left, top, right, bottom]) in floor::regions(size, uniforms, shadow, options) {
            pass.set_pipeline(&pipelines.sky[region as usize]);
            pass.set_scissor_rect(left, top, right - left, bottom - top);
            pass.draw(0..3, 0..1);
            stats.draw_calls += 1;
        }
        pass.set_scissor_rect(0, 0, textures.width, textures.height);

        // Lines have soft borders: what is behind them must be there already.
        self.draw_lines(&mut pass, &pipelines.lines, &self.visible, &self.visible.list.lines, stats);
        self.draw_lines(&mut pass, &pipelines.edges, &self.visible, &self.visible.list.edges, stats);
        let culled = self.visible.list.culled;
        stats.instances = culled.drawn;
        (stats.culled_outside, stats.culled_small, stats.stand_ins) = (culled.outside, culled.small, culled.stand_ins);
        stats.culled = culled.outside + culled.small;
    }

    /// Connections: they move while everything else rests.
    fn flow_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        textures: &Textures,
        slot: [usize; 2],
        stats: &mut RenderStats,
    ) {
        let (Some(pipelines), Some((vertices, indices))) = (&self.main[slot[0]][slot[1]], &self.flow.buffers) else {
            return;
        };
        let mut pass = textures.main_pass(encoder, "connections", (wgpu::LoadOp::Load, wgpu::LoadOp::Load));
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        pass.set_pipeline(&pipelines.flow);
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        pass.draw_indexed(0..u32::try_from(self.flow.indices.len()).unwrap_or(0), 0, 0..1);
        stats.draw_calls += 1;
    }

    fn draw_faces(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: [&wgpu::RenderPipeline; 2],
        listed: &Listed,
        stats: &mut RenderStats,
    ) {
        let (triangles, calls) = draw_faces(pass, pipelines, &self.scene, listed);
        stats.triangles += triangles;
        stats.draw_calls += calls;
    }

    fn draw_lines(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipeline: &wgpu::RenderPipeline,
        listed: &Listed,
        draws: &[Draw],
        stats: &mut RenderStats,
    ) {
        let (Some(instances), Some((_, quads))) = (listed.instances.get(), &self.quad_indices) else {
            return;
        };
        let mut bound = None;
        for draw in draws {
            let Some(shape) = self.scene.shape(draw.shape) else { continue };
            let (run, count) = match draw.what {
                What::Edges(count) => (&shape.edges, u32::try_from(count).unwrap_or(u32::MAX)),
                _ => (&shape.lines, u32::MAX),
            };
            let Some(run) = run else { continue };
            let count = count.min(run.count());
            if bound.is_none() {
                pass.set_pipeline(pipeline);
                pass.set_vertex_buffer(0, instances.slice(..));
                pass.set_index_buffer(quads.slice(..), wgpu::IndexFormat::Uint32);
            }
            if bound != Some(run.block) {
                let Some(group) = self.scene.arenas.segment_bind_group(run.block) else { continue };
                pass.set_bind_group(1, group, &[]);
                bound = Some(run.block);
            }
            // Blocks are small enough for this.
            let base = i32::try_from(run.elements.start * 4).unwrap_or(0);
            pass.draw_indexed(0..count * 6, base, draw.first..draw.end);
            stats.draw_calls += 1;
            stats.lines += u64::from(count) * u64::from(draw.end - draw.first);
        }
    }

    /// Marks the pixels of selected and hovered devices; false when none of them is in the picture.
    #[expect(clippy::too_many_arguments, reason = "what a frame consists of")]
    fn mask_pass(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &mut RenderTarget,
        uniforms: &FrameUniforms,
        size: Vec2,
        options: &FrameOptions,
        look: &Look<'_>,
        stats: &mut RenderStats,
    ) -> Result<bool, GpuError> {
        if self.marked_rect(uniforms, size, options).is_none() {
            return Ok(false);
        }
        target.textures.ensure_mask(&self.gpu, &self.layouts.mask);
        let Some(mask) = &target.textures.mask else {
            return Ok(false);
        };
        for (listed, hovered) in self.marked.iter_mut().zip([false, true]) {
            // Of a device that is both only the selection shows.
            let devices = self.scene.devices.iter();
            let wanted = devices.filter(|d| if hovered { d.is_hovered && !d.is_selected } else { d.is_selected });
            listed.list.update(&self.scene, wanted, &Look { edges: false, ..*look });
            listed.instances.fill(&self.gpu, &listed.list.instances)?;
        }
        let mut pass = flat_pass(encoder, "mask", &mask.view, wgpu::LoadOp::Clear(wgpu::Color::BLACK));
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        let mut unused = RenderStats::default();
        for ((faces, lines), listed) in self.flat.mask.iter().zip(&self.marked) {
            self.draw_faces(&mut pass, [faces; 2], listed, &mut unused);
            self.draw_lines(&mut pass, lines, listed, &listed.list.lines, &mut unused);
        }
        stats.draw_calls += unused.draw_calls;
        Ok(true)
    }

    /// Pixels around all marked devices: left, top, right, bottom.
    fn marked_rect(&self, uniforms: &FrameUniforms, size: Vec2, options: &FrameOptions) -> Option<[u32; 4]> {
        let margin = 4.0 * options.scale();
        let rects = self.scene.marked().filter_map(|d| {
            // A hair of room keeps flat devices from having no bounds.
            let bounds = Aabb { min: d.bounds.min - 1e-4, max: d.bounds.max + 1e-4 };
            screen_rect(&uniforms.clip_from_world, &bounds, size, margin)
        });
        rects.reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
    }

    fn overlay_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        target: &RenderTarget,
        outlined: Option<(&FrameUniforms, Vec2, &FrameOptions)>,
        labels: usize,
        stats: &mut RenderStats,
    ) {
        let textures = &target.textures;
        let mut pass = flat_pass(encoder, "overlay", &textures.colour_view, wgpu::LoadOp::Load);
        let rect = outlined.and_then(|(uniforms, size, options)| self.marked_rect(uniforms, size, options));
        if let (Some([left, top, right, bottom]), Some(mask)) = (rect, &textures.mask) {
            pass.set_scissor_rect(left, top, right - left, bottom - top);
            pass.set_pipeline(&self.flat.outline);
            pass.set_bind_group(0, &self.frame_bind_group, &[]);
            pass.set_bind_group(1, &mask.bind_group, &[]);
            pass.draw(0..3, 0..1);
            stats.draw_calls += 1;
            pass.set_scissor_rect(0, 0, textures.width, textures.height);
        }
        stats.draw_calls += self.measures.draw(&mut pass);
        if labels > 0 {
            pass.set_pipeline(&self.flat.labels);
            self.labels.draw(&mut pass);
            stats.draw_calls += 1;
        }
    }
}

/// Draws the faces of a list, with one pipeline for those seen from both sides and one for those of solids; returns
/// triangles and commands.
pub(crate) fn draw_faces(
    pass: &mut wgpu::RenderPass<'_>,
    pipelines: [&wgpu::RenderPipeline; 2],
    scene: &Prepared,
    listed: &Listed,
) -> (u64, u32) {
    let (mut triangles, mut calls) = (0, 0);
    let Some(instances) = listed.instances.get() else { return (triangles, calls) };
    pass.set_vertex_buffer(1, instances.slice(..));
    let (mut pipeline_set, mut corners_bound, mut indices_bound) = (None, None, None);
    for draw in &listed.list.faces {
        let What::Faces { level, is_solid } = draw.what else { continue };
        let Some(shape) = scene.shape(draw.shape) else { continue };
        let (Some(corners), Some(indices)) = (&shape.corners, shape.level(level)) else { continue };
        if pipeline_set != Some(is_solid) {
            pass.set_pipeline(pipelines[usize::from(is_solid)]);
            pipeline_set = Some(is_solid);
        }
        if corners_bound != Some(corners.block) {
            let Some(buffer) = scene.arenas.corners.buffer(corners.block) else { continue };
            pass.set_vertex_buffer(0, buffer.slice(..));
            corners_bound = Some(corners.block);
        }
        if indices_bound != Some(indices.block) {
            let Some(buffer) = scene.arenas.indices.buffer(indices.block) else { continue };
            pass.set_index_buffer(buffer.slice(..), wgpu::IndexFormat::Uint32);
            indices_bound = Some(indices.block);
        }
        // Blocks are small enough for this.
        let base = i32::try_from(corners.elements.start).unwrap_or(0);
        triangles += u64::from(indices.count() / 3) * u64::from(draw.end - draw.first);
        calls += 1;
        pass.draw_indexed(indices.elements, base, draw.first..draw.end);
    }
    (triangles, calls)
}
