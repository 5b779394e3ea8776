//! Ambient occlusion: corners and gaps of faces are darker, so that one sees what touches what. It is found from the depth
//! of the picture alone and laid over faces and background before anything that is drawn on top of them.
//!
//! The estimate is that of M. McGuire, B. Osman, M. Bukowski, P. Hennessy, The Alchemy Screen-Space Ambient Obscurance
//! Algorithm, 2011. A resting picture is averaged from frames that look at other points each; a frame on its own looks at
//! other points in neighbouring pixels and smooths that.

use crate::gpu::{Gpu, GpuError};
use crate::pipelines::{FOOTPRINT_FORMAT, Layouts, Shaders, Spec, Stencil, build, opaque};
use crate::shadow::flat_pass;
use crate::target::{COLOUR_FORMAT, Textures, texture};
use crate::timing::{Pass, Timing};
use std::ops::Range;

/// How far points may be that take light from each other, metres: the scale of machines.
const RADIUS_METRES: f32 = 0.3;
/// The same at most, as a share of the picture's height: close-ups show corners, not clouds.
const RADIUS_SHARE: f32 = 0.07;
/// What is left of a pixel that gets no light from anywhere is one less this.
pub(crate) const STRENGTH: f32 = 0.45;
/// Pixels around a pixel that are taken into its mean.
const SMOOTHED: u32 = 2;

/// How one frame gets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ambient {
    /// Not at all.
    None,
    /// On its own.
    Smooth,
    /// As one of several that are averaged, by its number, with that strength.
    Direct(u32, f32),
}

impl Ambient {
    /// What the shaders are told, for a picture of that height in pixels.
    pub(crate) fn uniform(self, height: f32) -> [f32; 4] {
        #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
        let (strength, number) = match self {
            Self::None | Self::Smooth => (STRENGTH, 0.0),
            Self::Direct(number, strength) => (strength, number as f32),
        };
        [RADIUS_METRES, height * RADIUS_SHARE, strength, number]
    }
}

/// Pipelines for targets of one kind.
#[derive(Debug)]
struct Pipelines {
    samples: u32,
    has_stencil: bool,
    depth: wgpu::BindGroupLayout,
    direct: Option<wgpu::RenderPipeline>,
    rough: wgpu::RenderPipeline,
    smooth: wgpu::RenderPipeline,
}

/// Draws it. Holds nothing until it is first needed.
#[derive(Debug, Default)]
pub(crate) struct AmbientPass {
    made: Vec<Pipelines>,
}

/// How much light gets to each pixel, before it is smoothed.
#[derive(Debug)]
pub(crate) struct Openness {
    view: wgpu::TextureView,
    bind_group: wgpu::BindGroup,
}

impl Openness {
    fn new(gpu: &Gpu, layouts: &Layouts, size: (u32, u32)) -> Self {
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let view = texture(gpu, "openness", size, FOOTPRINT_FORMAT, 1, usage).create_view(&Default::default());
        let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("openness"),
            layout: &layouts.mask,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) }],
        });
        Self { view, bind_group }
    }
}

impl AmbientPass {
    /// Makes what a frame of that kind needs and does not have yet.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn prepare(
        &mut self,
        gpu: &Gpu,
        (shaders, layouts): (&Shaders, &Layouts),
        textures: &mut Textures,
        ambient: Ambient,
    ) -> Result<(), GpuError> {
        if ambient == Ambient::None {
            return Ok(());
        }
        if self.find(textures).is_none() {
            let (samples, has_stencil) = textures.depth_kind();
            self.made.push(gpu.guarded(|| Pipelines::new(gpu, shaders, layouts, samples, has_stencil))?);
        }
        if textures.ambient_depth().is_none()
            && let Some(pipelines) = self.find(textures)
        {
            let depth = wgpu::BindingResource::TextureView(textures.depth());
            let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("ambient"),
                layout: &pipelines.depth,
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: depth }],
            });
            textures.set_ambient_depth(bind_group);
        }
        if ambient == Ambient::Smooth && textures.openness.is_none() {
            let size = (textures.width, textures.height);
            textures.openness = Some(gpu.guarded(|| Openness::new(gpu, layouts, size))?);
        }
        Ok(())
    }

    fn find(&self, textures: &Textures) -> Option<&Pipelines> {
        let kind = textures.depth_kind();
        self.made.iter().find(|p| (p.samples, p.has_stencil) == kind)
    }

    /// Shades some rows of a picture whose faces are all there. Returns the number of draw commands.
    pub(crate) fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        textures: &Textures,
        (frame, timing): (&wgpu::BindGroup, &Timing),
        (ambient, rows): (Ambient, &Range<u32>),
    ) -> u32 {
        let (Some(pipelines), Some(depth)) = (self.find(textures), textures.ambient_depth()) else { return 0 };
        let draw = |pass: &mut wgpu::RenderPass<'_>, pipeline, rows: Range<u32>| {
            pass.set_pipeline(pipeline);
            pass.set_scissor_rect(0, rows.start, textures.width, rows.end - rows.start);
            pass.set_bind_group(0, frame, &[]);
            pass.set_bind_group(1, depth, &[]);
            pass.draw(0..3, 0..1);
        };
        match (ambient, &pipelines.direct, &textures.openness) {
            (Ambient::Direct(..), Some(direct), _) => {
                draw(&mut textures.shading_pass(encoder, "ambient", timing.of(Pass::Ambient)), direct, rows.clone());
                1
            }
            (Ambient::Smooth, _, Some(openness)) => {
                let clear = wgpu::LoadOp::Clear(wgpu::Color::WHITE);
                // Each band smooths over a little of its neighbours.
                let around = rows.start.saturating_sub(SMOOTHED)..(rows.end + SMOOTHED).min(textures.height);
                let mut pass = flat_pass(encoder, "openness", &openness.view, clear, timing.of(Pass::Ambient));
                draw(&mut pass, &pipelines.rough, around);
                drop(pass);
                let mut pass = textures.shading_pass(encoder, "ambient", timing.of(Pass::Ambient));
                pass.set_bind_group(2, &openness.bind_group, &[]);
                draw(&mut pass, &pipelines.smooth, rows.clone());
                2
            }
            _ => 0,
        }
    }
}

impl Pipelines {
    fn new(gpu: &Gpu, shaders: &Shaders, layouts: &Layouts, samples: u32, has_stencil: bool) -> Self {
        let depth = gpu.device().create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("ambient"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Depth,
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: samples > 1,
                },
                count: None,
            }],
        });
        let darkened = |src_factor, dst_factor| wgpu::BlendComponent {
            src_factor,
            dst_factor,
            operation: wgpu::BlendOperation::Add,
        };
        let blend = Some(wgpu::BlendState {
            color: darkened(wgpu::BlendFactor::Zero, wgpu::BlendFactor::Src),
            alpha: darkened(wgpu::BlendFactor::Zero, wgpu::BlendFactor::One),
        });
        let groups = [Some(&layouts.frame), Some(&depth), Some(&layouts.mask)];
        let over = Spec {
            shader: if samples > 1 { "ambient, multisampled" } else { "ambient" },
            vertex: "vs_ambient",
            fragment: "fs_direct",
            groups: &groups[..2],
            buffers: &[],
            topology: wgpu::PrimitiveTopology::TriangleList,
            target: wgpu::ColorTargetState { blend, ..opaque(COLOUR_FORMAT) },
            depth_write: Some(false),
            // Only faces have a depth: the background is left alone, and costs nothing.
            depth_compare: wgpu::CompareFunction::Less,
            samples,
            cull: None,
            clockwise: false,
            stencil: if has_stencil { Stencil::Keep } else { Stencil::None },
            is_cut: false,
        };
        let rough = Spec {
            fragment: "fs_rough",
            target: opaque(FOOTPRINT_FORMAT),
            depth_write: None,
            samples: 1,
            stencil: Stencil::None,
            ..over.clone()
        };
        Self {
            samples,
            has_stencil,
            // Pictures of several samples are not averaged.
            direct: (samples == 1).then(|| build(gpu, shaders, &over)),
            rough: build(gpu, shaders, &rough),
            smooth: build(gpu, shaders, &Spec { fragment: "fs_smooth", groups: &groups, ..over.clone() }),
            depth,
        }
    }
}
