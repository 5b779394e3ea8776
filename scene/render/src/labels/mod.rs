//! Names above devices: laid out on the screen each frame, drawn as rectangles with glyphs from an atlas.

mod atlas;
mod place;

use crate::frustum::Frustum;
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::measures::Note;
use crate::prepared::Prepared;
use crate::theme::Theme;
use atlas::Atlas;
use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec2, Vec3};
use place::{Candidate, Occluders, Rect};
use rr_scene::Section;
use std::collections::HashMap;

/// Height of the text in points.
const TEXT_PT: f32 = 13.0;
const PAD_X_PT: f32 = 7.0;
const PLATE_HEIGHT_PT: f32 = 20.0;
const CORNER_PT: f32 = 5.0;
/// Distance between a device's top and its label: leaves room for the arrowhead of a connection.
const LIFT_PT: f32 = 17.0;
/// Labels in one picture; those farther away go first.
const MAX_LABELS: usize = 160;
const MAX_CHARS: usize = 40;
/// Height of capital letters of the font, in ems.
const CAP_HEIGHT: f32 = 0.727;
/// Layouts kept before old names are swept out.
const MAX_LAYOUTS: usize = 8192;

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct RawLabel {
    rect: [f32; 4],
    uv: [u16; 4],
    colour: [u8; 4],
}

/// A name in glyphs, relative to the left end of its baseline, in pixels.
#[derive(Debug, Clone)]
struct Layout {
    width: f32,
    glyphs: Vec<(Rect, [u16; 4])>,
}

#[derive(Debug)]
pub(crate) struct Labels {
    atlas: Atlas,
    layouts: HashMap<String, Layout>,
    text_px: u32,
    candidates: Vec<Candidate>,
    occluders: Occluders,
    kept: Vec<Rect>,
    raw: Vec<RawLabel>,
    instances: Option<wgpu::Buffer>,
    screen: wgpu::Buffer,
    bind_group: Option<(u64, wgpu::BindGroup)>,
    sampler: wgpu::Sampler,
}

/// What the labels of a frame depend on.
pub(crate) struct LabelFrame<'a> {
    pub(crate) scene: &'a Prepared,
    pub(crate) frustum: &'a Frustum,
    pub(crate) clip_from_world: &'a Mat4,
    pub(crate) eye: Vec3,
    pub(crate) size: Vec2,
    pub(crate) scale: f32,
    pub(crate) theme: &'a Theme,
    pub(crate) section: &'a Section,
    /// Names of devices are shown.
    pub(crate) names: bool,
    /// Texts that go before all names.
    pub(crate) notes: &'a [Note],
}

fn plate_size(text: &Layout, scale: f32) -> Vec2 {
    Vec2::new(text.width + 2.0 * PAD_X_PT * scale, PLATE_HEIGHT_PT * scale).round()
}

impl Labels {
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let atlas = Atlas::new(gpu)?;
        let screen = buffer(gpu, "label screen", &[[0.0f32; 4]], wgpu::BufferUsages::UNIFORM);
        let sampler = gpu.device().create_sampler(&wgpu::SamplerDescriptor {
            label: Some("glyphs"),
            mag_filter: wgpu::FilterMode::Nearest,
            min_filter: wgpu::FilterMode::Nearest,
            ..Default::default()
        });
        Ok(Self {
            atlas,
            layouts: HashMap::new(),
            text_px: 0,
            candidates: Vec::new(),
            occluders: Occluders::default(),
            kept: Vec::new(),
            raw: Vec::new(),
            instances: None,
            screen,
            bind_group: None,
            sampler,
        })
    }

    /// Places the labels and uploads them; returns how many there are.
    pub(crate) fn prepare(&mut self, gpu: &Gpu, layout: &wgpu::BindGroupLayout, frame: &LabelFrame<'_>) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a sane size")]
        let text_px = (TEXT_PT * frame.scale).round().clamp(6.0, 96.0) as u32;
        if text_px != self.text_px || self.layouts.len() > MAX_LAYOUTS {
            self.layouts.clear();
            self.text_px = text_px;
        }
        if frame.names {
            place::candidates(frame, &mut self.candidates);
            self.occluders.collect(frame);
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        let mut shown = 0;
        // A full atlas starts over, larger; what was placed by then points into the old one and is placed again.
        for _ in 0..4 {
            let generation = self.atlas.generation();
            self.raw.clear();
            self.kept.clear();
            shown = frame.notes.iter().filter(|n| self.place_note(gpu, frame, n)).count();
            shown += candidates.iter().filter(|c| self.place(gpu, frame, c)).count();
            if self.atlas.generation() == generation {
                break;
            }
        }
        candidates.clear();
        self.candidates = candidates;
        if shown > 0 {
            self.upload(gpu, layout, frame);
        }
        shown
    }

    /// Adds a note in its place. Of two that would cover each other the first one is shown.
    fn place_note(&mut self, gpu: &Gpu, frame: &LabelFrame<'_>, note: &Note) -> bool {
        let Some(text) = self.layout(gpu, &note.text) else {
            return false;
        };
        let size = plate_size(&text, frame.scale);
        let plate = Rect { at: (note.at - size * 0.5).round(), size };
        if self.kept.iter().any(|k| k.overlaps(&plate, 0.0)) {
            return false;
        }
        self.write(&plate, &text, frame.scale, frame.theme.accent.0, frame.theme.label_selected.0);
        true
    }

    /// Adds a plate and the text on it.
    fn write(&mut self, plate: &Rect, text: &Layout, scale: f32, plate_colour: [u8; 4], text_colour: [u8; 4]) {
        self.kept.push(*plate);
        self.raw.push(RawLabel { rect: plate.to_array(), uv: [0; 4], colour: plate_colour });
        // Capital letters sit in the middle of the plate.
        let cap_height = CAP_HEIGHT * TEXT_PT * scale;
        let origin = Vec2::new(plate.at.x + PAD_X_PT * scale, plate.at.y + (plate.size.y + cap_height) * 0.5).round();
        for (rect, uv) in &text.glyphs {
            let rect = Rect { at: origin + rect.at, size: rect.size };
            self.raw.push(RawLabel { rect: rect.to_array(), uv: *uv, colour: text_colour });
        }
    }

    /// Adds one label unless it would cover one that is nearer.
    fn place(&mut self, gpu: &Gpu, frame: &LabelFrame<'_>, candidate: &Candidate) -> bool {
        if self.kept.len() == MAX_LABELS {
            return false;
        }
        let device = &frame.scene.devices[candidate.device];
        let top = device.bounds.centre().with_y(device.bounds.max.y);
        if !candidate.is_marked && self.occluders.hide(frame.eye, top) {
            return false;
        }
        let Some(text) = self.layout(gpu, &device.name) else {
            return false;
        };
        let scale = frame.scale;
        let size = plate_size(&text, scale);
        let at = (candidate.anchor - Vec2::new(size.x * 0.5, size.y + LIFT_PT * scale)).round();
        let plate = Rect { at, size };
        if self.kept.iter().any(|k| k.overlaps(&plate, 2.0 * scale)) {
            return false;
        }
        let (plate_colour, text_colour) = if device.is_selected {
            (frame.theme.accent.0, frame.theme.label_selected.0)
        } else {
            (frame.theme.label_plate.0, frame.theme.label_text.0)
        };
        let faded = |mut c: [u8; 4]| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "alpha is 0 to 1")]
            let alpha = (f32::from(c[3]) * candidate.alpha).round() as u8;
            c[3] = alpha;
            c
        };
        self.write(&plate, &text, scale, faded(plate_colour), faded(text_colour));
        true
    }

    fn layout(&mut self, gpu: &Gpu, name: &str) -> Option<Layout> {
        if let Some(found) = self.layouts.get(name) {
            return Some(found.clone());
        }
        let mut text: String = name.chars().filter(|c| !c.is_control()).take(MAX_CHARS + 1).collect();
        if text.chars().count() > MAX_CHARS {
            text.pop();
            text.push('\u{2026}');
        }
        let laid = match self.atlas.lay_out(gpu, &text, self.text_px) {
            Some(laid) => laid,
            None => {
                // Full of glyphs of other sizes or scripts.
                self.atlas.grow(gpu);
                self.layouts.clear();
                self.atlas.lay_out(gpu, &text, self.text_px)?
            }
        };
        self.layouts.insert(name.to_owned(), laid.clone());
        Some(laid)
    }

    fn upload(&mut self, gpu: &Gpu, layout: &wgpu::BindGroupLayout, frame: &LabelFrame<'_>) {
        let screen = [frame.size.x, frame.size.y, CORNER_PT * frame.scale, 0.0];
        gpu.queue().write_buffer(&self.screen, 0, bytemuck::bytes_of(&screen));
        let bytes: &[u8] = bytemuck::cast_slice(&self.raw);
        match &self.instances {
            Some(b) if b.size() >= bytes.len() as u64 => gpu.queue().write_buffer(b, 0, bytes),
            _ => {
                let mut roomy = self.raw.clone();
                roomy.resize(self.raw.len().next_power_of_two().max(256), RawLabel::zeroed());
                self.instances = Some(buffer(gpu, "labels", &roomy, wgpu::BufferUsages::VERTEX));
            }
        }
        if self.bind_group.as_ref().map(|(g, _)| *g) != Some(self.atlas.generation()) {
            let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("labels"),
                layout,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: self.screen.as_entire_binding() },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::TextureView(self.atlas.view()),
                    },
                    wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::Sampler(&self.sampler) },
                ],
            });
            self.bind_group = Some((self.atlas.generation(), bind_group));
        }
    }

    /// Draws what [`Labels::prepare`] placed.
    pub(crate) fn draw(&self, pass: &mut wgpu::RenderPass<'_>) {
        if let (Some(instances), Some((_, bind_group))) = (&self.instances, &self.bind_group) {
            pass.set_bind_group(0, bind_group, &[]);
            pass.set_vertex_buffer(0, instances.slice(..));
            pass.draw(0..4, 0..u32::try_from(self.raw.len()).unwrap_or(0));
        }
    }
}
