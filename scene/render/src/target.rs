//! The textures a picture is drawn into.

use crate::ambient::Openness;
use crate::frame::StillKey;
use crate::gpu::{Gpu, GpuError};
use crate::occlusion::DepthTiles;
use crate::pipelines::{FlatPipelines, Layouts, STENCIL_SHUT};
use crate::readback::ReadBackRing;
use crate::still::Still;
use crate::timing::Timing;

/// Format of the picture: the bytes are sRGB-encoded RGBA, as egui, PNG and video encoders want them.
pub const COLOUR_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
pub(crate) const DEPTH_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
/// With the stencil that says where one looks into a cut solid.
pub(crate) const SECTION_DEPTH_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Depth32FloatStencil8;
pub(crate) const MASK_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rg8Unorm;

/// A picture on the graphics device with what is needed to draw into it and to read it back.
#[derive(Debug)]
pub struct RenderTarget {
    pub(crate) gpu: Gpu,
    pub(crate) textures: Textures,
    pub(crate) ring: ReadBackRing,
    samples: u32,
}

#[derive(Debug)]
pub(crate) struct Textures {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) colour: wgpu::Texture,
    pub(crate) colour_view: wgpu::TextureView,
    pub(crate) multisampled: Option<wgpu::TextureView>,
    /// Where a picture grows that takes more than one submission, so that nobody sees half of it; made when first
    /// needed.
    aside: Option<(wgpu::Texture, wgpu::TextureView)>,
    /// Passes draw there.
    is_aside: bool,
    depth: Depth,
    /// For pictures with section planes; made when first needed.
    section_depth: Option<Depth>,
    /// What of it is hidden behind what.
    pub(crate) tiles: DepthTiles,
    samples: u32,
    pub(crate) still: Still,
    /// Which pixels belong to selected and hovered devices; made when first needed.
    pub(crate) mask: Option<Mask>,
    /// Made when first needed.
    pub(crate) openness: Option<Openness>,
}

#[derive(Debug)]
struct Depth {
    view: wgpu::TextureView,
    /// Without a stencil, to be read.
    depth_only: wgpu::TextureView,
    /// The same for ambient occlusion; made when first needed.
    ambient: Option<wgpu::BindGroup>,
}

impl Depth {
    fn new(gpu: &Gpu, size: (u32, u32), format: wgpu::TextureFormat, samples: u32) -> Self {
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let made = texture(gpu, "depth", size, format, samples, usage);
        let aspect = wgpu::TextureAspect::DepthOnly;
        let depth_only = made.create_view(&wgpu::TextureViewDescriptor { aspect, ..Default::default() });
        Self { view: made.create_view(&Default::default()), depth_only, ambient: None }
    }
}

#[derive(Debug)]
pub(crate) struct Mask {
    pub(crate) view: wgpu::TextureView,
    pub(crate) bind_group: wgpu::BindGroup,
}

impl RenderTarget {
    /// A picture of `width` x `height` pixels; `samples` is 1 or 4 (see [`Gpu::default_samples`]).
    ///
    /// # Errors
    /// [`GpuError::Size`] for a size of zero or above the device's limit, [`GpuError::OutOfMemory`].
    pub fn new(gpu: &Gpu, width: u32, height: u32, samples: u32) -> Result<Self, GpuError> {
        let samples = if samples >= 4 { 4 } else { 1 };
        let textures = Textures::new(gpu, width, height, samples)?;
        Ok(Self { gpu: gpu.clone(), textures, ring: ReadBackRing::default(), samples })
    }

    /// Changes the size; does nothing when it is the same. Pictures still being read back are dropped.
    ///
    /// # Errors
    /// As for [`RenderTarget::new`]; the old picture stays then.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<(), GpuError> {
        if (width, height) != self.size() {
            self.textures = Textures::new(&self.gpu, width, height, self.samples)?;
            self.ring = ReadBackRing::default();
        }
        Ok(())
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.textures.width, self.textures.height)
    }

    /// Samples per pixel: 1 or 4.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// The finished picture ([`COLOUR_FORMAT`]), for example as an egui texture. Changes with [`RenderTarget::resize`].
    pub fn texture_view(&self) -> &wgpu::TextureView {
        &self.textures.colour_view
    }

    /// The texture behind [`RenderTarget::texture_view`].
    pub fn texture(&self) -> &wgpu::Texture {
        &self.textures.colour
    }
}

impl Textures {
    fn new(gpu: &Gpu, width: u32, height: u32, samples: u32) -> Result<Self, GpuError> {
        let max = gpu.device().limits().max_texture_dimension_2d;
        if width == 0 || height == 0 || width > max || height > max {
            return Err(GpuError::Size { width, height, max });
        }
        gpu.guarded(|| {
            let make = |label, format, count, usage| texture(gpu, label, (width, height), format, count, usage);
            let attachment = wgpu::TextureUsages::RENDER_ATTACHMENT;
            let colour = make(
                "picture",
                COLOUR_FORMAT,
                1,
                attachment
                    | wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_SRC
                    | wgpu::TextureUsages::COPY_DST,
            );
            let multisampled = (samples > 1).then(|| {
                make("picture, multisampled", COLOUR_FORMAT, samples, attachment).create_view(&Default::default())
            });
            let depth = Depth::new(gpu, (width, height), DEPTH_FORMAT, samples);
            let colour_view = colour.create_view(&Default::default());
            let (aside, section_depth, tiles, still, mask) =
                (None, None, DepthTiles::default(), Still::default(), None);
            Self {
                width,
                height,
                colour,
                colour_view,
                multisampled,
                aside,
                is_aside: false,
                depth,
                section_depth,
                tiles,
                samples,
                still,
                mask,
                openness: None,
            }
        })
    }

    /// Chooses the depth for the passes that follow.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn prepare_depth(&mut self, gpu: &Gpu, is_cut: bool) -> Result<(), GpuError> {
        if !(is_cut && gpu.has_stencil()) {
            self.section_depth = None;
        } else if self.section_depth.is_none() {
            let size = (self.width, self.height);
            self.section_depth = Some(gpu.guarded(|| Depth::new(gpu, size, SECTION_DEPTH_FORMAT, self.samples))?);
        }
        Ok(())
    }

    /// Passes from now on draw where nobody looks, until [`Textures::finish_aside`].
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn draw_aside(&mut self, gpu: &Gpu) -> Result<(), GpuError> {
        if self.aside.is_none() {
            let usage = wgpu::TextureUsages::RENDER_ATTACHMENT
                | wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_SRC;
            let made = gpu.guarded(|| texture(gpu, "aside", (self.width, self.height), COLOUR_FORMAT, 1, usage))?;
            let view = made.create_view(&Default::default());
            self.aside = Some((made, view));
        }
        self.is_aside = true;
        Ok(())
    }

    /// Passes draw into the picture again; with `encoder` what was drawn aside becomes the picture.
    pub(crate) fn finish_aside(&mut self, encoder: Option<&mut wgpu::CommandEncoder>) {
        let was_aside = std::mem::take(&mut self.is_aside);
        if let (true, Some((aside, _)), Some(encoder)) = (was_aside, &self.aside, encoder) {
            encoder.copy_texture_to_texture(aside.as_image_copy(), self.colour.as_image_copy(), aside.size());
        }
    }

    /// Where passes draw: the picture, or what becomes of it.
    fn drawn(&self) -> (&wgpu::Texture, &wgpu::TextureView) {
        let aside = self.aside.as_ref().filter(|_| self.is_aside);
        aside.map_or((&self.colour, &self.colour_view), |(texture, view)| (texture, view))
    }

    /// Adds what was just drawn to the average of the resting picture; leaves the average in its place.
    pub(crate) fn add_to_average(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        with: (&Layouts, &FlatPipelines),
        of: (StillKey, u32),
        timing: &Timing,
    ) {
        let mut still = std::mem::take(&mut self.still);
        still.add(gpu, encoder, self.drawn(), with, of, timing);
        self.still = still;
    }

    /// The depth of what was just drawn.
    pub(crate) fn depth(&self) -> &wgpu::TextureView {
        &self.section_depth.as_ref().unwrap_or(&self.depth).depth_only
    }

    /// What ambient occlusion reads that depth by.
    pub(crate) fn ambient_depth(&self) -> Option<&wgpu::BindGroup> {
        self.section_depth.as_ref().unwrap_or(&self.depth).ambient.as_ref()
    }

    pub(crate) fn set_ambient_depth(&mut self, bind_group: wgpu::BindGroup) {
        self.section_depth.as_mut().unwrap_or(&mut self.depth).ambient = Some(bind_group);
    }

    /// Samples per pixel of that depth, and whether there is a stencil beside it.
    pub(crate) fn depth_kind(&self) -> (u32, bool) {
        (self.samples, self.section_depth.is_some())
    }

    /// Where faces are drawn: the picture, or the samples that [`Textures::resolve`] makes it from.
    fn samples_or_picture(&self, load: wgpu::LoadOp<wgpu::Color>) -> wgpu::RenderPassColorAttachment<'_> {
        wgpu::RenderPassColorAttachment {
            view: self.multisampled.as_ref().unwrap_or(self.drawn().1),
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
        }
    }

    /// A pass over what was just drawn. It may read the depth that it tests.
    pub(crate) fn shading_pass<'e>(
        &self,
        encoder: &'e mut wgpu::CommandEncoder,
        label: &str,
        timestamp_writes: Option<wgpu::RenderPassTimestampWrites<'_>>,
    ) -> wgpu::RenderPass<'e> {
        encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some(label),
            color_attachments: &[Some(self.samples_or_picture(wgpu::LoadOp::Load))],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &self.section_depth.as_ref().unwrap_or(&self.depth).view,
                depth_ops: None,
                stencil_ops: None,
            }),
            timestamp_writes,
            ..Default::default()
        })
    }

    /// A pass that draws with depth into the picture, or into the samples that [`Textures::resolve`] makes it from.
    pub(crate) fn main_pass<'e>(
        &self,
        encoder: &'e mut wgpu::CommandEncoder,
        label: &str,
        (colour, depth): (wgpu::LoadOp<wgpu::Color>, wgpu::LoadOp<f32>),
        timestamp_writes: Option<wgpu::RenderPassTimestampWrites<'_>>,
    ) -> wgpu::RenderPass<'e> {
        encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some(label),
            color_attachments: &[Some(self.samples_or_picture(colour))],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &self.section_depth.as_ref().unwrap_or(&self.depth).view,
                depth_ops: Some(wgpu::Operations { load: depth, store: wgpu::StoreOp::Store }),
                // Nobody reads it after the pass.
                stencil_ops: self.section_depth.is_some().then_some(wgpu::Operations {
                    load: wgpu::LoadOp::Clear(STENCIL_SHUT),
                    store: wgpu::StoreOp::Discard,
                }),
            }),
            timestamp_writes,
            ..Default::default()
        })
    }

    /// Makes the picture from its samples; nothing to do where a pixel has one only.
    pub(crate) fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        if let Some(view) = &self.multisampled {
            encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("resolve"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view,
                    depth_slice: None,
                    resolve_target: Some(&self.colour_view),
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Discard },
                })],
                ..Default::default()
            });
        }
    }

    pub(crate) fn ensure_mask(&mut self, gpu: &Gpu, layout: &wgpu::BindGroupLayout) {
        if self.mask.is_some() {
            return;
        }
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let mask = texture(gpu, "mask", (self.width, self.height), MASK_FORMAT, 1, usage);
        let view = mask.create_view(&Default::default());
        let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("mask"),
            layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) }],
        });
        self.mask = Some(Mask { view, bind_group });
    }
}

pub(crate) fn texture(
    gpu: &Gpu,
    label: &str,
    (width, height): (u32, u32),
    format: wgpu::TextureFormat,
    sample_count: u32,
    usage: wgpu::TextureUsages,
) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    })
}
