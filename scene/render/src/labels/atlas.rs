//! Glyphs of the bundled font as coverage in one texture, drawn when first needed.

use super::Layout;
use super::place::Rect;
use crate::gpu::{Gpu, GpuError};
use crate::target::texture;
use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};
use glam::Vec2;
use std::collections::HashMap;

/// Inter, SIL Open Font License 1.1; its text lies beside the file.
const FONT: &[u8] = include_bytes!("../../assets/Inter-Medium.otf");
const FIRST_SIZE: u32 = 512;
const LAST_SIZE: u32 = 2048;

#[derive(Debug, Clone, Copy)]
struct Glyph {
    /// Relative to the pen on the baseline; `None` for a glyph without ink.
    rect: Option<(Rect, [u16; 4])>,
}

#[derive(Debug)]
pub(super) struct Atlas {
    font: FontRef<'static>,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    size: u32,
    glyphs: HashMap<(GlyphId, u32), Glyph>,
    /// Where the next glyph goes: shelves from top to bottom.
    pen: (u32, u32),
    shelf_height: u32,
    generation: u64,
}

impl Atlas {
    pub(super) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let font = FontRef::try_from_slice(FONT).map_err(|e| GpuError::Refused(format!("bundled font: {e}")))?;
        let (texture, view) = make(gpu, FIRST_SIZE);
        Ok(Self {
            font,
            texture,
            view,
            size: FIRST_SIZE,
            glyphs: HashMap::new(),
            pen: (1, 1),
            shelf_height: 0,
            generation: 0,
        })
    }

    pub(super) fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Changes when the texture does.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Starts over with an empty texture, twice the size while that is allowed.
    pub(super) fn grow(&mut self, gpu: &Gpu) {
        self.size = (self.size * 2).min(LAST_SIZE);
        (self.texture, self.view) = make(gpu, self.size);
        self.glyphs.clear();
        self.pen = (1, 1);
        self.shelf_height = 0;
        self.generation += 1;
    }

    /// Lays a line of text out; `None` when the atlas is full.
    pub(super) fn lay_out(&mut self, gpu: &Gpu, text: &str, px: u32) -> Option<Layout> {
        #[expect(clippy::cast_precision_loss, reason = "at most 96")]
        let scale = PxScale::from(px as f32 * 1.21);
        let font = self.font.clone();
        let scaled = font.as_scaled(scale);
        let mut pen = 0.0f32;
        let mut last: Option<GlyphId> = None;
        let mut glyphs = Vec::with_capacity(text.len());
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            pen += last.map_or(0.0, |l| scaled.kern(l, id));
            if let Some((rect, uv)) = self.glyph(gpu, id, px, scale)?.rect {
                // Whole pixels keep stems sharp.
                glyphs.push((Rect { at: rect.at + Vec2::new(pen.round(), 0.0), size: rect.size }, uv));
            }
            pen += scaled.h_advance(id);
            last = Some(id);
        }
        Some(Layout { width: pen, glyphs })
    }

    fn glyph(&mut self, gpu: &Gpu, id: GlyphId, px: u32, scale: PxScale) -> Option<Glyph> {
        if let Some(found) = self.glyphs.get(&(id, px)) {
            return Some(*found);
        }
        let outlined = self.font.outline_glyph(id.with_scale(scale));
        let rect = match outlined {
            None => None,
            Some(outline) => {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x.floor(), bounds.min.y.floor());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a glyph of at most 96 px")]
                let (w, h) = ((bounds.max.x - left).ceil() as u32 + 1, (bounds.max.y - top).ceil() as u32 + 1);
                let (x, y) = self.room(w, h)?;
                let mut ink = vec![0u8; (w * h) as usize];
                outline.draw(|gx, gy, cover| {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cover is 0 to 1")]
                    let value = (cover.clamp(0.0, 1.0) * 255.0) as u8;
                    if let Some(texel) = ink.get_mut((gy * w + gx) as usize).filter(|_| gx < w) {
                        *texel = value;
                    }
                });
                self.write(gpu, (x, y), (w, h), &ink);
                #[expect(clippy::cast_precision_loss, reason = "texels")]
                let size = Vec2::new(w as f32, h as f32);
                let uv = [x, y, w, h].map(|v| u16::try_from(v * 65535 / self.size).unwrap_or(u16::MAX));
                Some((Rect { at: Vec2::new(left, top), size }, uv))
            }
        };
        let glyph = Glyph { rect };
        self.glyphs.insert((id, px), glyph);
        Some(glyph)
    }

    /// A free place, with one texel to its neighbours.
    fn room(&mut self, w: u32, h: u32) -> Option<(u32, u32)> {
        if self.pen.0 + w + 1 > self.size {
            self.pen = (1, self.pen.1 + self.shelf_height + 1);
            self.shelf_height = 0;
        }
        if w + 2 > self.size || self.pen.1 + h + 1 > self.size {
            return None;
        }
        let place = self.pen;
        self.pen.0 += w + 1;
        self.shelf_height = self.shelf_height.max(h);
        Some(place)
    }

    fn write(&self, gpu: &Gpu, (x, y): (u32, u32), (width, height): (u32, u32), ink: &[u8]) {
        gpu.queue().write_texture(
            wgpu::TexelCopyTextureInfo {
                texture: &self.texture,
                mip_level: 0,
                origin: wgpu::Origin3d { x, y, z: 0 },
                aspect: wgpu::TextureAspect::All,
            },
            ink,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width), rows_per_image: None },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
    }
}

fn make(gpu: &Gpu, size: u32) -> (wgpu::Texture, wgpu::TextureView) {
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let made = texture(gpu, "glyphs", (size, size), wgpu::TextureFormat::R8Unorm, 1, usage);
    let view = made.create_view(&Default::default());
    (made, view)
}
