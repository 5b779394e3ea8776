//! The part of a picture that stays while the camera rests: faces, background, lines and glass. It is drawn once for a
//! moving camera, a few times for the average of a resting one, in bands where a frame takes long.

use super::{Frame, Renderer};
use crate::ambient::{Ambient, STRENGTH};
use crate::cull::{FaceKind, Look};
use crate::device_cull::{Counted, DeviceCulling};
use crate::draw::{Cost, Listed, draw_faces, draw_glass};
use crate::floor;
use crate::frame::{AmbientOcclusion, Culler, RenderStats, StillKey};
use crate::gpu::GpuError;
use crate::occlusion::{DepthTiles, Recorded, Reducer, Shown};
use crate::pipelines::{MainPipelines, STENCIL_SHUT};
use crate::readback::await_submission;
use crate::still::{Plan, offset};
use crate::target::{RenderTarget, Textures};
use crate::timing::Pass;
use std::ops::Range;

/// With fewer objects the processor is done before the device has begun.
const MANY_OBJECTS: usize = 512;

/// Which part of the lasting part a pass draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// Faces and background.
    Faces,
    /// Lines and glass.
    Rest,
}

/// What came of drawing the lasting part.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) recorded: Option<Recorded>,
    /// The next frame may show more.
    misses_something: bool,
}

impl Renderer {
    /// Draws what stays while the camera rests, as often as it is due; `None` when it was given up.
    pub(super) fn draw_lasting(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &mut RenderTarget,
        frame: &Frame<'_>,
        stats: &mut RenderStats,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Drawn>, GpuError> {
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
                let ambient = if self.has_ambient(options.ambient_occlusion) { Ambient::Smooth } else { Ambient::None };
                let how = (true, ambient);
                let Some(done) = self.draw_once(encoder, target, frame, how, stats, go_on)? else { return Ok(None) };
                drawn = done;
                target.textures.still.drew(still);
            }
            Plan::Add(first) => {
                let last = (first + options.rest_step.max(1)).min(wanted);
                for others in first..last {
                    if others > first && !go_on() {
                        return Ok(None);
                    }
                    let ambient = self.ambient_at_rest(options.ambient_occlusion, others, wanted);
                    if others > 0 {
                        self.submit(encoder);
                        let aside = uniforms.aside(offset(others)).ambient(ambient);
                        self.gpu.queue().write_buffer(&self.uniforms, 0, bytemuck::bytes_of(&aside));
                    }
                    let how = (false, ambient);
                    let Some(done) = self.draw_once(encoder, target, frame, how, stats, go_on)? else {
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
        Ok(Some(drawn))
    }

    /// True when every frame has ambient occlusion.
    fn has_ambient(&self, wanted: AmbientOcclusion) -> bool {
        match wanted {
            AmbientOcclusion::Auto => !self.gpu.info().is_software,
            AmbientOcclusion::Off => false,
            AmbientOcclusion::On => true,
        }
    }

    /// Ambient occlusion of a frame that is added to `others`, of which there are one less than `frames` in the end.
    fn ambient_at_rest(&self, wanted: AmbientOcclusion, others: u32, frames: u32) -> Ambient {
        if self.has_ambient(wanted) {
            return Ambient::Direct(others, STRENGTH);
        }
        // The first frame is without, the others make up for it: it comes gently.
        #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
        let strength = STRENGTH * frames as f32 / (frames.max(2) - 1) as f32;
        let is_due = wanted == AmbientOcclusion::Auto && others > 0;
        if is_due { Ambient::Direct(others, strength.min(1.0)) } else { Ambient::None }
    }

    /// Draws the lasting part once, band by band. `may_miss`: nobody minds if something that just came out from behind
    /// other things is missing.
    fn draw_once(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &mut RenderTarget,
        frame: &Frame<'_>,
        (may_miss, ambient): (bool, Ambient),
        stats: &mut RenderStats,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Drawn>, GpuError> {
        self.ambient.prepare(&self.gpu, (&self.shaders, &self.layouts), &mut target.textures, ambient)?;
        let mut tiles = std::mem::take(&mut target.textures.tiles);
        let done = self.draw_bands(encoder, (target, &mut tiles), frame, (may_miss, ambient), stats, go_on);
        target.textures.tiles = tiles;
        done
    }

    fn draw_bands(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        (target, tiles): (&RenderTarget, &mut DepthTiles),
        frame: &Frame<'_>,
        (may_miss, ambient): (bool, Ambient),
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
        let bands = if on_device { 1 } else { options.bands.clamp(1, size.1) };
        self.visible.resize_with(self.visible.len().max(bands as usize), || Listed::new("instances"));
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
            self.visible[0].list.update_glass(&self.scene, &look);
            cost.count(&culled);
            (cost.triangles, cost.lines, cost.culled_on_device) = (triangles.into(), lines.into(), true);
        } else {
            let list = &mut self.visible[0].list;
            list.update(&self.scene, self.scene.devices.iter(), &look);
            cost.count(&list.culled);
            spared = list.spared;
        }
        let rows_of = |band| size.1 * band / bands..size.1 * (band + 1) / bands;
        // A corner gets its light past faces of the next band: lines and glass wait for all of them. In bands they always
        // do: two short waits are better than a long one.
        let is_one = ambient == Ambient::None && bands == 1;
        let (first, last) = if is_one { (Part::All, Part::All) } else { (Part::Faces, Part::Rest) };
        let parts = (0..bands).map(|band| (first, band)).chain((0..bands).map(|band| (last, band)));
        let parts = parts.take(if first == last { bands as usize } else { usize::MAX });
        let mut is_first = true;
        for (part, band) in parts {
            if bands > 1 && !std::mem::take(&mut is_first) {
                let submission = self.submit(encoder);
                await_submission(&self.gpu, Some(submission))?;
                if !go_on() {
                    return Ok(None);
                }
            }
            let (rows, band) = (rows_of(band), band as usize);
            if part == Part::Rest && ambient != Ambient::None {
                let with = (&self.frame_bind_group, &self.timing);
                let what = (ambient, &rows);
                cost.draw_calls += self.ambient.record(encoder, &target.textures, with, what);
            }
            if part != Part::Rest {
                let Listed { list, instances } = &mut self.visible[band];
                if bands > 1 {
                    let frustum = frame.look.frustum.rows(&rows, size.1);
                    list.update(&self.scene, self.scene.devices.iter(), &Look { frustum: &frustum, ..look });
                }
                instances.fill(&self.gpu, &list.instances)?;
            }
            self.main_pass(encoder, &target.textures, frame, (part, rows), (on_device, band), &mut cost);
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
    pub(super) fn submit(&self, encoder: &mut wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        let next = self.gpu.device().create_command_encoder(&Default::default());
        self.gpu.submit(std::mem::replace(encoder, next).finish())
    }

    fn main_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        textures: &Textures,
        frame: &Frame<'_>,
        (part, rows): (Part, Range<u32>),
        (on_device, band): (bool, usize),
        stats: &mut RenderStats,
    ) {
        let Some(pipelines) = self.pipelines(frame.mode) else { return };
        let is_whole = rows.len() == textures.height as usize && part != Part::Rest;
        // The background covers every pixel that no face covers, so that the clear colour never shows.
        let colour = if is_whole { wgpu::LoadOp::Clear(wgpu::Color::BLACK) } else { wgpu::LoadOp::Load };
        let is_first = rows.start == 0 && part != Part::Rest;
        let depth = if is_first { wgpu::LoadOp::Clear(0.0) } else { wgpu::LoadOp::Load };
        let mut pass = textures.main_pass(encoder, "main", (colour, depth), self.timing.of(Pass::Main));
        set_scissor(&mut pass, [0, rows.start, textures.width, rows.end]);
        pass.set_bind_group(0, &self.frame_bind_group, &[]);
        let listed = &self.visible[band];
        if part != Part::Rest {
            let size = (textures.width, textures.height);
            self.draw_faces_and_floor(&mut pass, pipelines, frame, (size, &rows), (on_device, listed), stats);
        }
        if part != Part::Faces {
            self.draw_lines_and_glass(&mut pass, pipelines, (on_device, listed), stats);
        }
    }

    fn draw_faces_and_floor(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: &MainPipelines,
        frame: &Frame<'_>,
        (size, rows): ((u32, u32), &Range<u32>),
        (on_device, listed): (bool, &Listed),
        stats: &mut RenderStats,
    ) {
        let Frame { uniforms, shadow, options, .. } = *frame;
        if let Some(fill) = pipelines.cut.as_ref().and_then(|c| c.fill.as_ref()) {
            pass.set_stencil_reference(STENCIL_SHUT);
            for step in fill.faces() {
                stats.draw_calls += self.draw_faces(pass, step, (on_device, listed)).calls;
            }
            pass.set_pipeline(&fill.plane);
            pass.draw(0..3, 0..1);
            stats.draw_calls += 1;
        }
        let faces = self.draw_faces(pass, pipelines.faces(), (on_device, listed));
        stats.draw_calls += faces.calls;
        stats.triangles += faces.elements;

        pass.set_bind_group(1, &self.shadow.bind_group, &[]);
        for (region, [left, top, right, bottom]) in floor::regions(size, uniforms, shadow, options) {
            let (top, bottom) = (top.max(rows.start), bottom.min(rows.end));
            if top < bottom {
                pass.set_pipeline(&pipelines.sky[region as usize]);
                set_scissor(pass, [left, top, right, bottom]);
                pass.draw(0..3, 0..1);
                stats.draw_calls += 1;
            }
        }
        set_scissor(pass, [0, rows.start, size.0, rows.end]);
    }

    /// Lines have soft borders: what is behind them must be there already.
    fn draw_lines_and_glass(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: &MainPipelines,
        (on_device, listed): (bool, &Listed),
        stats: &mut RenderStats,
    ) {
        let Listed { list, instances } = listed;
        let [lines, edges] = match self.device_culling.as_ref().filter(|_| on_device) {
            Some(culling) => {
                let pipelines = [&pipelines.lines, &pipelines.edges];
                [culling.draw_lines(pass, pipelines, &self.quads, &self.scene), Cost::default()]
            }
            None => {
                let draw =
                    |pass: &mut _, pipeline, draws| self.quads.draw(pass, pipeline, &self.scene, instances, draws);
                [draw(pass, &pipelines.lines, &list.lines), draw(pass, &pipelines.edges, &list.edges)]
            }
        };
        let glass = draw_glass(pass, pipelines.glass.each_ref(), &self.scene, listed);
        stats.draw_calls += [lines, edges, glass].map(|c| c.calls).iter().sum::<u32>();
        // Glass is drawn from both sides.
        stats.triangles += glass.elements / 2;
        stats.lines += lines.elements + edges.elements;
        stats.transparent = u32::try_from(list.glass.len()).unwrap_or(u32::MAX);
    }

    fn draw_faces(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: [Option<&wgpu::RenderPipeline>; FaceKind::COUNT],
        (on_device, listed): (bool, &Listed),
    ) -> Cost {
        match self.device_culling.as_ref().filter(|_| on_device) {
            Some(culling) => culling.draw_faces(pass, pipelines, &self.scene),
            None => draw_faces(pass, pipelines, &self.scene, listed),
        }
    }

    fn reducer(&mut self, samples: u32) -> Result<&Reducer, GpuError> {
        let place = &mut self.reducers[usize::from(samples > 1)];
        Ok(match place {
            Some(made) => made,
            None => place.insert(self.gpu.guarded(|| Reducer::new(&self.gpu, samples))?),
        })
    }

    fn culls_on_device(&self, culler: Culler) -> bool {
        let is_wanted = match culler {
            Culler::Auto => !self.gpu.info().is_software && self.scene.objects.len() >= MANY_OBJECTS,
            Culler::Processor => false,
            Culler::Device => true,
        };
        is_wanted && !self.scene.objects.is_empty() && DeviceCulling::is_possible(&self.gpu)
    }
}

/// Left, top, right, bottom.
fn set_scissor(pass: &mut wgpu::RenderPass<'_>, [left, top, right, bottom]: [u32; 4]) {
    pass.set_scissor_rect(left, top, right - left, bottom - top);
}
