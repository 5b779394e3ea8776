//! Soft contact shadow on the floor: the scene seen from above, weighted by height and blurred. It is made when
//! devices change, not when the camera moves, so a resting scene pays one texture read per pixel of floor.

use crate::cull::FaceKind;
use crate::draw::{Listed, draw_faces};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::pipelines::{FOOTPRINT_FORMAT, FlatPipelines, Layouts};
use crate::prepared::Prepared;
use crate::target::texture;
use crate::timing::{Pass, Timing};
use crate::uniforms::ShadowFrame;
use rr_scene::Section;

#[derive(Debug)]
pub(crate) struct FloorShadow {
    size: u32,
    footprint: wgpu::TextureView,
    halfway: wgpu::TextureView,
    across: wgpu::BindGroup,
    down: wgpu::BindGroup,
    steps: [wgpu::Buffer; 2],
    pub(crate) bind_group: wgpu::BindGroup,
    listed: Listed,
    /// Generation of the scene that the texture shows, and what was cut away of it.
    shown: Option<(u64, Section)>,
}

impl FloorShadow {
    pub(crate) fn new(gpu: &Gpu, layouts: &Layouts) -> Self {
        let size = if gpu.info().is_software { 512 } else { 1024 };
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let view =
            || texture(gpu, "floor shadow", (size, size), FOOTPRINT_FORMAT, 1, usage).create_view(&Default::default());
        let (footprint, halfway) = (view(), view());
        let sampler = gpu.device().create_sampler(&wgpu::SamplerDescriptor {
            label: Some("floor shadow"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        let steps = [(); 2].map(|()| buffer(gpu, "blur step", &[[0.0f32; 4]], wgpu::BufferUsages::UNIFORM));
        let blur = |source: &wgpu::TextureView, step: &wgpu::Buffer| {
            gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("blur"),
                layout: &layouts.blur,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(source) },
                    wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
                    wgpu::BindGroupEntry { binding: 2, resource: step.as_entire_binding() },
                ],
            })
        };
        let (across, down) = (blur(&footprint, &steps[0]), blur(&halfway, &steps[1]));
        let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("floor shadow"),
            layout: &layouts.shadow,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&footprint) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
            ],
        });
        Self {
            size,
            footprint,
            halfway,
            across,
            down,
            steps,
            bind_group,
            listed: Listed::new("floor shadow"),
            shown: None,
        }
    }

    /// Place of the shadow for the scene; `None` when nothing casts one.
    pub(crate) fn frame(&self, scene: &Prepared) -> Option<ShadowFrame> {
        if scene.bounds.is_empty() || scene.bounds.max.y <= 0.0 {
            return None;
        }
        let typical = scene.typical_radius();
        let size = scene.bounds.size();
        let edge = (size.x.max(size.z) * 1.04 + blur_metres(typical) * 6.0).max(1e-3);
        let centre = scene.bounds.centre();
        Some(ShadowFrame {
            corner: [centre.x - edge * 0.5, centre.z - edge * 0.5],
            per_metre: 1.0 / edge,
            per_height: 1.0 / (typical * 0.28).max(1e-4),
        })
    }

    pub(crate) fn is_current(&self, scene: &Prepared, section: &Section) -> bool {
        self.shown == Some((scene.generation, *section))
    }

    /// Draws the shadow of the scene anew. The frame's uniforms must hold `frame` already.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    #[expect(clippy::too_many_arguments, reason = "what a pass consists of")]
    pub(crate) fn update(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        pipelines: &FlatPipelines,
        frame_bind_group: &wgpu::BindGroup,
        (scene, section): (&Prepared, &Section),
        frame: ShadowFrame,
        timing: &Timing,
    ) -> Result<(), GpuError> {
        gpu.check()?;
        #[expect(clippy::cast_precision_loss, reason = "a size in texels")]
        let texel = 1.0 / self.size as f32;
        // Three taps make one sigma; below a texel per tap the blur would have holes, above two it would show steps.
        let step = (blur_metres(scene.typical_radius()) / 3.0 * frame.per_metre).clamp(texel * 0.45, texel * 1.8);
        gpu.queue().write_buffer(&self.steps[0], 0, bytemuck::bytes_of(&[step, 0.0, 0.0, 0.0]));
        gpu.queue().write_buffer(&self.steps[1], 0, bytemuck::bytes_of(&[0.0, step, 0.0, 0.0]));
        // Half a texel is not seen behind the blur.
        self.listed.list.update_flat(scene, section, texel * 0.5 / frame.per_metre);
        self.listed.instances.fill(gpu, &self.listed.list.instances)?;
        let clear = wgpu::LoadOp::Clear(wgpu::Color::BLACK);
        {
            let mut pass = flat_pass(encoder, "footprint", &self.footprint, clear, timing.of(Pass::Shadow));
            pass.set_bind_group(0, frame_bind_group, &[]);
            let [whole, cut] = &pipelines.footprint;
            let pipeline = if section.is_none() { whole } else { cut };
            draw_faces(&mut pass, [Some(pipeline); FaceKind::COUNT], scene, &self.listed);
        }
        for (target, source) in [(&self.halfway, &self.across), (&self.footprint, &self.down)] {
            let mut pass = flat_pass(encoder, "blur", target, clear, timing.of(Pass::Shadow));
            pass.set_pipeline(&pipelines.blur);
            pass.set_bind_group(0, source, &[]);
            pass.draw(0..3, 0..1);
        }
        self.shown = Some((scene.generation, *section));
        Ok(())
    }
}

/// Softness of the shadow's border for devices of that radius.
fn blur_metres(typical_radius: f32) -> f32 {
    typical_radius * 0.07
}

/// A pass into one picture without depth.
pub(crate) fn flat_pass<'e>(
    encoder: &'e mut wgpu::CommandEncoder,
    label: &str,
    view: &wgpu::TextureView,
    load: wgpu::LoadOp<wgpu::Color>,
    timestamp_writes: Option<wgpu::RenderPassTimestampWrites<'_>>,
) -> wgpu::RenderPass<'e> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some(label),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
        })],
        timestamp_writes,
        ..Default::default()
    })
}
