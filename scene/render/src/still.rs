//! The lasting part of a picture, kept while the camera rests: faces, floor and edges.
//!
//! The first frame of a resting camera is drawn as those before it were. Each further one is drawn a fraction of a pixel
//! aside and goes into the average of them all, until lines and borders are as smooth as they get; from then on the
//! average is copied and nothing is drawn but what moves on top.

use crate::frame::StillKey;
use crate::gpu::Gpu;
use crate::pipelines::{FlatPipelines, Layouts};
use crate::shadow::flat_pass;
use crate::target::{COLOUR_FORMAT, texture};
use crate::timing::{Pass, Timing};
use std::cell::OnceCell;

/// Sixteen bits hold the average of some dozens of pictures without visible loss.
pub(crate) const SUM_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

/// What to do for the lasting part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Draw it.
    Draw,
    /// Draw it once more and add it to that many others.
    Add(u32),
    /// It is all there.
    Restore,
}

#[derive(Debug, Default)]
pub(crate) struct Still {
    /// What the last frame drew; its depth is still there.
    drawn: Option<StillKey>,
    /// What the average is of. Never anything else than `drawn`, because the depth must fit.
    kept: Option<StillKey>,
    /// Number of frames in it.
    frames: u32,
    /// Made when a camera rests for the first time; none inside when the device has no memory for it.
    textures: OnceCell<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    picture: wgpu::Texture,
    sum: wgpu::TextureView,
    sum_bind_group: wgpu::BindGroup,
    picture_bind_group: wgpu::BindGroup,
}

impl Still {
    /// What the next frame needs to show this; `wanted` frames are to be averaged, at least one.
    pub(crate) fn plan(&self, key: &StillKey, wanted: u32) -> Plan {
        if self.kept.as_ref() == Some(key) {
            return if self.frames >= wanted { Plan::Restore } else { Plan::Add(self.frames) };
        }
        // From the second time on: a moving camera does not pay for what nobody uses.
        let can_keep = self.textures.get().is_none_or(Option::is_some);
        if self.drawn.as_ref() == Some(key) && can_keep { Plan::Add(0) } else { Plan::Draw }
    }

    /// Number of frames in the average, and whether more of `wanted` can be added.
    pub(crate) fn progress(&self, wanted: u32) -> (u32, bool) {
        let can_keep = self.textures.get().is_none_or(Option::is_some);
        (self.frames, can_keep && self.frames < wanted)
    }

    /// To be called when the lasting part was drawn for a moving camera.
    pub(crate) fn drew(&mut self, key: StillKey) {
        *self = Self { drawn: Some(key), kept: None, frames: 0, textures: std::mem::take(&mut self.textures) };
    }

    /// To be called when the lasting part was drawn into `colour` for [`Plan::Add`]: leaves the average there.
    pub(crate) fn add(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (colour, colour_view): (&wgpu::Texture, &wgpu::TextureView),
        (layouts, pipelines): (&Layouts, &FlatPipelines),
        (key, others): (StillKey, u32),
        timing: &Timing,
    ) {
        let made = || gpu.scoped(|| Kept::new(gpu, layouts, colour, colour_view)).ok();
        let Some(kept) = self.textures.get_or_init(made) else {
            // Without memory each frame is drawn in full.
            self.drawn = Some(key);
            return;
        };
        let share = 1.0 / f64::from(others + 1);
        {
            let mut pass = flat_pass(encoder, "average", &kept.sum, wgpu::LoadOp::Load, timing.of(Pass::Average));
            pass.set_pipeline(&pipelines.average);
            pass.set_blend_constant(wgpu::Color { r: share, g: share, b: share, a: share });
            pass.set_bind_group(0, &kept.picture_bind_group, &[]);
            pass.draw(0..3, 0..1);
        }
        if others > 0 {
            let mut pass = flat_pass(encoder, "averaged", colour_view, wgpu::LoadOp::Load, timing.of(Pass::Average));
            pass.set_pipeline(&pipelines.averaged);
            pass.set_bind_group(0, &kept.sum_bind_group, &[]);
            pass.draw(0..3, 0..1);
        }
        encoder.copy_texture_to_texture(colour.as_image_copy(), kept.picture.as_image_copy(), colour.size());
        (self.drawn, self.kept, self.frames) = (Some(key), Some(key), others + 1);
    }

    /// For [`Plan::Restore`].
    pub(crate) fn restore(&self, encoder: &mut wgpu::CommandEncoder, colour: &wgpu::Texture) {
        if let Some(Some(kept)) = self.textures.get() {
            encoder.copy_texture_to_texture(kept.picture.as_image_copy(), colour.as_image_copy(), colour.size());
        }
    }

    /// To be called when a frame went wrong: nobody knows what was drawn.
    pub(crate) fn forget(&mut self) {
        (self.drawn, self.kept, self.frames) = (None, None, 0);
    }
}

impl Kept {
    fn new(gpu: &Gpu, layouts: &Layouts, colour: &wgpu::Texture, colour_view: &wgpu::TextureView) -> Self {
        let size = (colour.width(), colour.height());
        let copied = wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::COPY_DST;
        let drawn = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        let bind = |view: &wgpu::TextureView| {
            gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("average"),
                layout: &layouts.mask,
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(view) }],
            })
        };
        let sum = texture(gpu, "average", size, SUM_FORMAT, 1, drawn).create_view(&Default::default());
        Self {
            picture: texture(gpu, "picture at rest", size, COLOUR_FORMAT, 1, copied),
            sum_bind_group: bind(&sum),
            picture_bind_group: bind(colour_view),
            sum,
        }
    }
}

/// How far aside the frame is drawn that is added to `others`, in pixels: points that cover the pixel evenly however
/// many they are (R2 sequence, M. Roberts, The Unreasonable Effectiveness of Quasirandom Sequences, 2018). The first
/// frame stands where the moving ones stood.
pub(crate) fn offset(others: u32) -> [f32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "between -0.5 and 0.5")]
    let axis = |step: f64| ((0.5 + f64::from(others) * step).fract() - 0.5) as f32;
    [axis(0.754_877_666_246_693), axis(0.569_840_290_998_053)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_cover_the_pixel_and_begin_in_its_middle() {
        assert_eq!(offset(0), [0.0; 2]);
        for count in [4u32, 8, 16] {
            let all: Vec<_> = (0..count).map(offset).collect();
            for axis in [0, 1] {
                #[expect(clippy::cast_precision_loss, reason = "a handful")]
                let mean = all.iter().map(|o| o[axis]).sum::<f32>() / count as f32;
                assert!(mean.abs() < 0.16, "{count}: {mean}");
                let near = |at: f32| all.iter().any(|o| (o[axis] - at).abs() < 0.26);
                assert!(near(-0.3) && near(0.3), "{count}: {all:?}");
            }
        }
    }
}
