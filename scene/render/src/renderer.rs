//! Draws snapshots: faces, background and floor, lines, connections, then outlines and labels on top.

use crate::cull::{FaceKind, Look};
use crate::detail::Tolerance;
use crate::device_cull::{Counted, DeviceCulling};
use crate::draw::{Cost, Listed, Quads, draw_faces, draw_glass};
use crate::floor;
use crate::flow::{self, FlowVertex};
use crate::frame::{Culler, FrameOptions, Lighting, RenderStats, StillKey};
use crate::frustum::{Frustum, screen_rect};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::labels::{LabelFrame, Labels};
use crate::measures::{MeasureFrame, Measures};
use crate::occlusion::{DepthTiles, Recorded, Reducer, Shown};
use crate::pipelines::{FlatPipelines, Layouts, MainPipelines, Mode, STENCIL_SHUT, Shaders};
use crate::prepared::Prepared;
use crate::readback::await_submission;
use crate::shadow::{FloorShadow, flat_pass};
use crate::still::{Plan, offset};
use crate::target::{RenderTarget, Textures};
use crate::theme::Theme;
use crate::timing::{Pass, Timing};
use crate::uniforms::{FrameUniforms, ShadowFrame};
use bytemuck::Zeroable;
use glam::Vec2;
use rr_scene::{Aabb, SceneSnapshot};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the passes of one frame share.
struct Frame<'f> {
    mode: Mode,
    uniforms: &'f FrameUniforms,
    shadow: Option<ShadowFrame>,
    options: &'f FrameOptions,
    look: &'f Look<'f>,
    snapshot: &'f SceneSnapshot,
}

/// What came of drawing the lasting part.
#[derive(Debug, Default)]
struct Drawn {
    recorded: Option<Recorded>,
    /// The next frame may show more.
    misses_something: bool,
}

/// Draws snapshots with one device. Not tied to a target: one renderer may serve several.
#[derive(Debug)]
pub struct Renderer {
    gpu: Gpu,
    theme: Theme,
    layouts: Layouts,
    shaders: Shaders,
    /// Those that were needed so far.
    main: Vec<(Mode, MainPipelines)>,
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
    quads: Quads,
    flow: FlowBuffers,
    timing: Timing,
    /// Made when first needed.
    device_culling: Option<DeviceCulling>,
    /// By samples: 1 or 4.
    reducers: [Option<Reducer>; 2],
    /// Tells renderers that share a target apart.
    id: u64,
}

/// With fewer objects the processor is done before the device has begun.
const MANY_OBJECTS: usize = 512;

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
            main: Vec::new(),
            flat,
            uniforms,
            frame_bind_group,
            scene,
            shadow,
            labels,
            measures: Measures::default(),
            visible: Listed::new("instances"),
            marked: [Listed::new("selected"), Listed::new("hovered")],
            quads: Quads::default(),
            flow: FlowBuffers::default(),
            timing: Timing::new(gpu)?,
            device_culling: None,
            reducers: [None, None],
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
        let drawn = self.render_while(target, snapshot, options, &mut || true)?;
        // Nobody asked for it to end early.
        drawn.ok_or_else(|| GpuError::Refused("a picture was given up".into()))
    }

    /// As [`Renderer::render`], and gives up between two of [`FrameOptions::bands`] when `go_on` says no: then there is
    /// no new picture, and the target keeps its last one.
    ///
    /// # Errors
    /// As for [`Renderer::render`].
    pub fn render_while(
        &mut self,
        target: &mut RenderTarget,
        snapshot: &SceneSnapshot,
        options: &FrameOptions,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<RenderStats>, GpuError> {
        // The loss of a device is told by polling only.
        let polled = self.gpu.device().poll(wgpu::PollType::Poll);
        self.gpu.check()?;
        polled.map_err(|e| GpuError::Refused(e.to_string()))?;
        self.sync(snapshot)?;
        let mut stats = RenderStats {
            models: u32::try_from(self.scene.model_count()).unwrap_or(u32::MAX),
            model_bytes: self.scene.model_bytes(),
            waiting_models: self.scene.waiting,
            times: self.timing.begin(),
            ..RenderStats::default()
        };
        let (width, height) = target.size();
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let size = Vec2::new(width as f32, height as f32);
        let frustum = Frustum::new(&snapshot.camera, size.x, size.y);
        let section = snapshot.section;
        let mode = self.prepare_pipelines(target.samples(), options.lighting, !section.is_none())?;
        target.textures.prepare_depth(&self.gpu, mode.is_cut)?;
        if options.connections {
            self.prepare_flow()?;
        }
        self.quads.prepare(&self.gpu, &self.scene)?;
        self.scene.arenas.bind_segments(&self.gpu, &self.layouts.lines);

        let shadow = if options.shadows { self.shadow.frame(&self.scene) } else { None };
        let uniforms = FrameUniforms::new(&snapshot.camera, (width, height), &self.theme, options, shadow);
        let uniforms = uniforms.cut(&section);
        self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&uniforms));

        let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
        if let Some(frame) = shadow.filter(|_| !self.shadow.is_current(&self.scene, &section)) {
            let (gpu, flat, timing) = (&self.gpu, &self.flat, &self.timing);
            let what = (&self.scene, &section);
            self.shadow.update(gpu, &mut encoder, flat, &self.frame_bind_group, what, frame, timing)?;
        }
        let tolerance = Tolerance {
            detail: options.detail,
            coarseness: options.coarseness.max(1.0),
            metres_per_px: uniforms.eye[3],
        };
        let (eye, culling, edges) = (snapshot.camera.eye(), options.culling(), options.edges);
        let look = Look { frustum: &frustum, eye, tolerance, culling, section, occluded: None, edges };
        let frame = Frame { mode, uniforms: &uniforms, shadow, options, look: &look, snapshot };
        let lasting = self.draw_lasting(&mut encoder, target, &frame, &mut stats, go_on);
        let recorded = match lasting {
            Ok(Some(recorded)) => recorded,
            other => {
                target.textures.finish_aside(None);
                target.textures.still.forget();
                return other.map(|_| None);
            }
        };
        if options.connections {
            self.flow_pass(&mut encoder, &target.textures, mode, &mut stats);
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
                eye,
                size,
                scale: options.scale(),
                theme: &self.theme,
                section: &section,
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
        self.timing.resolve(&mut encoder);
        self.gpu.submit(encoder.finish());
        self.timing.submitted();
        if let Some(culling) = self.device_culling.as_mut().filter(|_| stats.culled_on_device) {
            culling.submitted();
        }
        recorded.into_iter().for_each(|r| target.textures.tiles.submitted(r));
        match self.gpu.check() {
            Ok(()) => Ok(Some(stats)),
            Err(error) => {
                target.textures.still.forget();
                Err(error)
            }
        }
    }

    /// Draws what stays while the camera rests, as often as it is due; `None` when it was given up.
    fn draw_lasting(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &mut RenderTarget,
        frame: &Frame<'_>,
        stats: &mut RenderStats,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Option<Recorded>>, GpuError> {
        let Frame { options, uniforms, snapshot, .. } = *frame;
        let still = StillKey::new(snapshot, self.scene.generation, options, self.id);
        let wanted = options.rest_frames.max(1);
        let plan = if target.samples() > 1 { Plan::Draw } else { target.textures.still.plan(&still, wanted) };
        let mut drawn = Drawn::default();
        if options.bands > 1 && plan != Plan::Restore || matches!(plan, Plan::Add(_)) {
            target.textures.draw_aside(&self.gpu)?;
        }
        match plan {
            Plan::Restore => target.textures.still.restore(encoder, &target.textures.colour),
            Plan::Draw => {
                let Some(done) = self.draw_once(encoder, target, frame, true, stats, go_on)? else { return Ok(None) };
                drawn = done;
                target.textures.still.drew(still);
            }
            Plan::Add(first) => {
                let last = (first + options.rest_step.max(1)).min(wanted);
                for others in first..last {
                    if others > first && !go_on() {
                        return Ok(None);
                    }
                    if others > 0 {
                        self.submit(encoder);
                        let aside = uniforms.aside(offset(others));
                        self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&aside));
                    }
                    let Some(done) = self.draw_once(encoder, target, frame, false, stats, go_on)? else {
                        return Ok(None);
                    };
                    drawn.recorded = drawn.recorded.or(done.recorded);
                    let with = (&self.layouts, &self.flat);
                    target.textures.add_to_average(&self.gpu, encoder, with, (still, others), &self.timing);
                }
                if last > 1 {
                    // What comes on top stands where it always does.
                    self.submit(encoder);
                    self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(uniforms));
                }
            }
        }
        target.textures.finish_aside(Some(encoder));
        let (frames, more) = target.textures.still.progress(wanted);
        stats.rest_frames = frames.max(1);
        stats.is_refining = target.samples() == 1 && wanted > 1 && more || drawn.misses_something;
        Ok(Some(drawn.recorded))
    }

    /// Draws the lasting part once, band by band. `may_miss`: nobody minds if something that just came out from behind
    /// other things is missing.
    fn draw_once(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &mut RenderTarget,
        frame: &Frame<'_>,
        may_miss: bool,
        stats: &mut RenderStats,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Drawn>, GpuError> {
        let mut tiles = std::mem::take(&mut target.textures.tiles);
        let done = self.draw_bands(encoder, (target, &mut tiles), frame, may_miss, stats, go_on);
        target.textures.tiles = tiles;
        done
    }

    fn draw_bands(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        (target, tiles): (&RenderTarget, &mut DepthTiles),
        frame: &Frame<'_>,
        may_miss: bool,
        stats: &mut RenderStats,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Drawn>, GpuError> {
        let (options, size, clip_from_world) = (frame.options, target.size(), frame.uniforms.clip_from_world);
        // Things that are still to come would hide nothing yet.
        let wants_occlusion = frame.look.culling.occlusion && self.scene.waiting == 0;
        let shown = Shown { renderer: self.id, generation: self.scene.generation, section: frame.look.section };
        let known = tiles.take_up(&shown, &clip_from_world, size);
        let is_exact = known.is_some_and(|o| !o.is_late);
        let occluded = known.filter(|_| wants_occlusion && (is_exact || may_miss));
        let was_told = occluded.is_some();
        let look = Look { occluded, ..*frame.look };
        let on_device = self.culls_on_device(options.culler);
        let mut done = Drawn::default();
        let mut cost = RenderStats::default();
        let mut spared = 0;
        if on_device {
            let culling = match &mut self.device_culling {
                Some(made) => made,
                None => self.device_culling.insert(DeviceCulling::new(&self.gpu)?),
            };
            let Counted { culled, triangles, lines } = culling.counted();
            culling.record(&self.gpu, encoder, &self.scene, &look)?;
            self.visible.list.update_glass(&self.scene, &look);
            cost.count(&culled);
            (cost.triangles, cost.lines, cost.culled_on_device) = (triangles.into(), lines.into(), true);
        } else {
            self.visible.list.update(&self.scene, self.scene.devices.iter(), &look);
            cost.count(&self.visible.list.culled);
            spared = self.visible.list.spared;
        }
        let bands = if on_device { 1 } else { options.bands.clamp(1, size.1) };
        for band in 0..bands {
            let rows = size.1 * band / bands..size.1 * (band + 1) / bands;
            if bands > 1 {
                let frustum = frame.look.frustum.rows(&rows, size.1);
                self.visible.list.update(&self.scene, self.scene.devices.iter(), &Look { frustum: &frustum, ..look });
            }
            self.visible.instances.fill(&self.gpu, &self.visible.list.instances)?;
            self.main_pass(encoder, &target.textures, frame, (rows, on_device), &mut cost);
            if band + 1 < bands {
                let submission = self.submit(encoder);
                await_submission(&self.gpu, Some(submission))?;
                if !go_on() {
                    return Ok(None);
                }
            }
        }
        if was_told {
            // The device's numbers come later, and the depth costs it next to nothing.
            if !on_device && options.culler == Culler::Auto {
                tiles.judge(spared, cost.instances);
            }
            done.misses_something = !is_exact && cost.culled_hidden > 0;
        }
        if wants_occlusion && !is_exact {
            let gpu = self.gpu.clone();
            let reducer = self.reducer(target.samples())?;
            let depth = (target.textures.depth(), size.0, size.1);
            done.recorded = tiles.record(&gpu, encoder, reducer, depth, (shown, clip_from_world))?;
        }
        stats.add(&cost);
        Ok(Some(done))
    }

    /// Sends what is recorded so far on its way.
    fn submit(&self, encoder: &mut wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        let next = self.gpu.device().create_command_encoder(&Default::default());
        self.gpu.submit(std::mem::replace(encoder, next).finish())
    }

    /// Makes the pipelines of the main pass when they are missing; returns which they are.
    fn prepare_pipelines(&mut self, samples: u32, lighting: Lighting, is_cut: bool) -> Result<Mode, GpuError> {
        let per_pixel = match lighting {
            Lighting::Auto => !self.gpu.info().is_software,
            Lighting::PerCorner => false,
            Lighting::PerPixel => true,
        };
        let mode = Mode { samples, per_pixel, is_cut };
        if self.pipelines(mode).is_none() {
            let (gpu, shaders, layouts) = (&self.gpu, &self.shaders, &self.layouts);
            let made = gpu.guarded(|| MainPipelines::new(gpu, shaders, layouts, mode))?;
            self.main.push((mode, made));
        }
        Ok(mode)
    }

    fn reducer(&mut self, samples: u32) -> Result<&Reducer, GpuError> {
        let place = &mut self.reducers[usize::from(samples > 1)];
        Ok(match place {
            Some(made) => made,
            None => place.insert(self.gpu.guarded(|| Reducer::new(&self.gpu, samples))?),
        })
    }

    fn pipelines(&self, mode: Mode) -> Option<&MainPipelines> {
        self.main.iter().find(|(m, _)| *m == mode).map(|(_, pipelines)| pipelines)
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

    fn main_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        textures: &Textures,
        frame: &Frame<'_>,
        (rows, on_device): (Range<u32>, bool),
        stats: &mut RenderStats,
    ) {
        let Frame { mode, uniforms, shadow, options, .. } = *frame;
        let Some(pipelines) = self.pipelines(mode) else { return };
        let is_whole = rows.len() == textures.height as usize;
        // The background covers every pixel that no face covers, so that the clear colour never shows.
        let colour = if is_whole { wgpu::LoadOp::Clear(wgpu::Color::BLACK) } else { wgpu::LoadOp::Load };
        let depth = if rows.start == 0 { wgpu::LoadOp::Clear(0.0) } else { wgpu::LoadOp::Load };
        let mut pass = textures.main_pass(encoder, "main", (colour, depth), self.timing.of(Pass::Main));
        let scissor = [0, rows.start, textures.width, rows.end];
        set_scissor(&mut pass, scissor);
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        if let Some(fill) = pipelines.cut.as_ref().and_then(|c| c.fill.as_ref()) {
            pass.set_stencil_reference(STENCIL_SHUT);
            for step in fill.faces() {
                stats.draw_calls += self.draw_faces(&mut pass, step, on_device).calls;
            }
            pass.set_pipeline(&fill.plane);
            pass.draw(0..3, 0..1);
            stats.draw_calls += 1;
        }
        let faces = self.draw_faces(&mut pass, pipelines.faces(), on_device);

        pass.set_bind_group(1, &self.shadow.bind_group, &[]);
        let size = (textures.width, textures.height);
        for (region, [left, top, right, bottom]) in floor::regions(size, uniforms, shadow, options) {
            let (top, bottom) = (top.max(rows.start), bottom.min(rows.end));
            if top < bottom {
                pass.set_pipeline(&pipelines.sky[region as usize]);
                set_scissor(&mut pass, [left, top, right, bottom]);
                pass.draw(0..3, 0..1);
                stats.draw_calls += 1;
            }
        }
        set_scissor(&mut pass, scissor);

        // Lines have soft borders: what is behind them must be there already.
        let Listed { list, instances } = &self.visible;
        let [lines, edges] = match self.device_culling.as_ref().filter(|_| on_device) {
            Some(culling) => {
                let pipelines = [&pipelines.lines, &pipelines.edges];
                [culling.draw_lines(&mut pass, pipelines, &self.quads, &self.scene), Cost::default()]
            }
            None => {
                let draw =
                    |pass: &mut _, pipeline, draws| self.quads.draw(pass, pipeline, &self.scene, instances, draws);
                [draw(&mut pass, &pipelines.lines, &list.lines), draw(&mut pass, &pipelines.edges, &list.edges)]
            }
        };
        let glass = draw_glass(&mut pass, pipelines.glass.each_ref(), &self.scene, &self.visible);
        stats.draw_calls += [faces, lines, edges, glass].map(|c| c.calls).iter().sum::<u32>();
        // Glass is drawn from both sides.
        stats.triangles += faces.elements + glass.elements / 2;
        stats.lines += lines.elements + edges.elements;
        stats.transparent = u32::try_from(list.glass.len()).unwrap_or(u32::MAX);
    }

    fn draw_faces(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: [Option<&wgpu::RenderPipeline>; FaceKind::COUNT],
        on_device: bool,
    ) -> Cost {
        match self.device_culling.as_ref().filter(|_| on_device) {
            Some(culling) => culling.draw_faces(pass, pipelines, &self.scene),
            None => draw_faces(pass, pipelines, &self.scene, &self.visible),
        }
    }

    fn culls_on_device(&self, culler: Culler) -> bool {
        let is_wanted = match culler {
            Culler::Auto => !self.gpu.info().is_software && self.scene.objects.len() >= MANY_OBJECTS,
            Culler::Processor => false,
            Culler::Device => true,
        };
        is_wanted && !self.scene.objects.is_empty() && DeviceCulling::is_possible(&self.gpu)
    }

    /// Connections: they move while everything else rests.
    fn flow_pass(&self, encoder: &mut wgpu::CommandEncoder, textures: &Textures, mode: Mode, stats: &mut RenderStats) {
        let (Some(pipelines), Some((vertices, indices))) = (self.pipelines(mode), &self.flow.buffers) else {
            return;
        };
        let load = (wgpu::LoadOp::Load, wgpu::LoadOp::Load);
        let mut pass = textures.main_pass(encoder, "connections", load, self.timing.of(Pass::Connections));
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        pass.set_pipeline(&pipelines.flow);
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        pass.draw_indexed(0..u32::try_from(self.flow.indices.len()).unwrap_or(0), 0, 0..1);
        stats.draw_calls += 1;
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
        let clear = wgpu::LoadOp::Clear(wgpu::Color::BLACK);
        let mut pass = flat_pass(encoder, "mask", &mask.view, clear, self.timing.of(Pass::Marks));
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        let cut = usize::from(!look.section.is_none());
        for (pipelines, listed) in self.flat.mask.iter().zip(&self.marked) {
            let faces = &pipelines.faces[cut];
            let costs = [
                draw_faces(&mut pass, [Some(faces); FaceKind::COUNT], &self.scene, listed),
                draw_glass(&mut pass, [faces; 2], &self.scene, listed),
                self.quads.draw(&mut pass, &pipelines.lines[cut], &self.scene, &listed.instances, &listed.list.lines),
            ];
            stats.draw_calls += costs.map(|c| c.calls).iter().sum::<u32>();
        }
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
        let mut pass =
            flat_pass(encoder, "overlay", &textures.colour_view, wgpu::LoadOp::Load, self.timing.of(Pass::Overlay));
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

/// Left, top, right, bottom.
fn set_scissor(pass: &mut wgpu::RenderPass<'_>, [left, top, right, bottom]: [u32; 4]) {
    pass.set_scissor_rect(left, top, right - left, bottom - top);
}
