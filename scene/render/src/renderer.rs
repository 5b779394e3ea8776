//! Draws snapshots: faces, background and floor, lines, connections, then outlines and labels on top.

mod lasting;

use crate::ambient::AmbientPass;
use crate::cull::{FaceKind, Look};
use crate::detail::Tolerance;
use crate::device_cull::DeviceCulling;
use crate::draw::{Listed, Quads, draw_faces, draw_glass};
use crate::flow::{self, FlowVertex};
use crate::frame::{FrameOptions, Lighting, RenderStats};
use crate::frustum::{Frustum, screen_rect};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::labels::{LabelFrame, Labels};
use crate::measures::{MeasureFrame, Measures};
use crate::occlusion::Reducer;
use crate::pipelines::{FlatPipelines, Layouts, MainPipelines, Mode, Shaders};
use crate::prepared::Prepared;
use crate::shadow::{FloorShadow, flat_pass};
use crate::target::{RenderTarget, Textures};
use crate::theme::Theme;
use crate::timing::{Pass, Timing};
use crate::uniforms::{FrameUniforms, ShadowFrame};
use bytemuck::Zeroable;
use glam::Vec2;
use rr_scene::{Aabb, SceneSnapshot};
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
    /// What is drawn, for each band of the picture.
    visible: Vec<Listed>,
    /// Of selected and of hovered devices.
    marked: [Listed; 2],
    quads: Quads,
    flow: FlowBuffers,
    timing: Timing,
    ambient: AmbientPass,
    /// Made when first needed.
    device_culling: Option<DeviceCulling>,
    /// By samples: 1 or 4.
    reducers: [Option<Reducer>; 2],
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
            main: Vec::new(),
            flat,
            uniforms,
            frame_bind_group,
            scene,
            shadow,
            labels,
            measures: Measures::default(),
            visible: Vec::new(),
            marked: [Listed::new("selected"), Listed::new("hovered")],
            quads: Quads::default(),
            flow: FlowBuffers::default(),
            timing: Timing::new(gpu)?,
            ambient: AmbientPass::default(),
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
        let drawn = self.draw_frame(target, snapshot, options, go_on);
        let drawn = drawn.and_then(|stats| self.gpu.check().map(|()| stats));
        if !matches!(drawn, Ok(Some(_))) {
            // Commands that were recorded and never sent changed nothing.
            target.textures.finish_aside(None);
            target.textures.still.forget();
        }
        drawn
    }

    fn draw_frame(
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
            // It stays, whatever becomes of this frame.
            self.submit(&mut encoder);
        }
        let tolerance = Tolerance {
            detail: options.detail,
            coarseness: options.coarseness.max(1.0),
            metres_per_px: uniforms.eye[3],
        };
        let (eye, culling, edges) = (snapshot.camera.eye(), options.culling(), options.edges);
        let look = Look { frustum: &frustum, eye, tolerance, culling, section, occluded: None, edges };
        let frame = Frame { mode, uniforms: &uniforms, shadow, options, look: &look, snapshot };
        let Some(drawn) = self.draw_lasting(&mut encoder, target, &frame, &mut stats, go_on)? else { return Ok(None) };
        if options.connections {
            self.flow_pass(&mut encoder, &target.textures, mode, &mut stats);
        }
        target.textures.resolve(&mut encoder);
        let outlined =
            options.outlines && self.mask_pass(&mut encoder, target, &uniforms, size, options, &look, &mut stats)?;
        let measures = MeasureFrame {
            clip_from_world: &uniforms.clip_from_world,
            size,
            scale: options.scale(),
            theme: &self.theme,
        };
        let measured = self.measures.prepare(&self.gpu, snapshot, &measures)?;
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
        drawn.recorded.into_iter().for_each(|r| target.textures.tiles.submitted(r));
        Ok(Some(stats))
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
