//! What stands behind other things is not drawn: the depth of the last picture, reduced to the farthest of each tile,
//! tells which boxes were hidden from where the camera stood.
//!
//! That is one frame late. What comes out from behind something while the camera moves is missing in one frame: its
//! place shows what is behind it, so that the next frame finds it uncovered. When the camera rests, the second frame is
//! exact, and [`Occluded::is_late`] says that it is worth drawing.

use crate::gpu::{Gpu, GpuError};
use crate::returns::Returns;
use glam::{Mat4, Vec2};
use rr_scene::{Aabb, Section};

/// Pixels along the edge of a tile, as in `tiles.wgsl`.
const TILE: u32 = 8;
/// A box that covers more tiles than this along an edge is tried against coarser ones.
const MOST: i32 = 4;
/// Pictures on their way back.
const PLACES: usize = 3;

/// What a depth belongs to: it says something about frames of the same only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shown {
    pub(crate) renderer: u64,
    /// Of placements and models.
    pub(crate) generation: u64,
    pub(crate) section: Section,
}

/// What was hidden from one place.
#[derive(Debug)]
pub(crate) struct Occluded {
    shown: Shown,
    pub(crate) clip_from_world: Mat4,
    /// Of the picture, pixels.
    pub(crate) size: Vec2,
    /// From the finest tiles to a single one.
    pub(crate) levels: Vec<Level>,
    pub(crate) farthest: Vec<f32>,
    /// The camera stood elsewhere than now.
    pub(crate) is_late: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    pub(crate) first: usize,
    pub(crate) across: usize,
    pub(crate) down: usize,
}

impl Occluded {
    /// Takes the memory of an older one.
    fn new(
        older: Option<Self>,
        shown: Shown,
        clip_from_world: Mat4,
        (width, height): (u32, u32),
        tiles: &[f32],
    ) -> Self {
        let (mut across, mut down) = (width.div_ceil(TILE) as usize, height.div_ceil(TILE) as usize);
        let (mut levels, mut farthest) = older.map_or_else(Default::default, |o| (o.levels, o.farthest));
        farthest.clear();
        farthest.extend_from_slice(&tiles[..(across * down).min(tiles.len())]);
        farthest.resize(across * down, 0.0);
        levels.clear();
        levels.push(Level { first: 0, across, down });
        while across.max(down) > 1 {
            let finer = levels[levels.len() - 1];
            (across, down) = (across.div_ceil(2), down.div_ceil(2));
            let first = farthest.len();
            for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                let (right, below) = ((x * 2 + 1).min(finer.across - 1), (y * 2 + 1).min(finer.down - 1));
                let at = |x: usize, y: usize| farthest[finer.first + y * finer.across + x];
                let least = at(x * 2, y * 2).min(at(right, y * 2)).min(at(x * 2, below)).min(at(right, below));
                farthest.push(least);
            }
            levels.push(Level { first, across, down });
        }
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let size = Vec2::new(width as f32, height as f32);
        Self { shown, clip_from_world, size, levels, farthest, is_late: true }
    }

    /// True when no pixel of the box could have been seen.
    pub(crate) fn hides(&self, bounds: &Aabb) -> bool {
        if bounds.is_empty() {
            return false;
        }
        let (mut low, mut high, mut nearest) = (Vec2::INFINITY, Vec2::NEG_INFINITY, 0.0f32);
        for corner in bounds.corners() {
            let clip = self.clip_from_world * corner.extend(1.0);
            // Behind the near plane, where reversed depth reaches 1.
            if clip.w <= clip.z {
                return false;
            }
            let at = Vec2::new(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5) * self.size;
            (low, high, nearest) = (low.min(at), high.max(at), nearest.max(clip.z / clip.w));
        }
        // A frame at rest is drawn up to half a pixel aside.
        (low, high) = (low - 1.0, high + 1.0);
        if self.is_late && (low.cmplt(Vec2::ZERO).any() || high.cmpgt(self.size).any()) {
            // Nobody knows what is beside the picture.
            return false;
        }
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let tile = |v: Vec2| v.clamp(Vec2::ZERO, self.size - 1.0) / TILE as f32;
        let ((left, top), (right, bottom)) = (whole(tile(low)), whole(tile(high)));
        let mut level = 0;
        while level + 1 < self.levels.len()
            && ((right >> level) - (left >> level)).max((bottom >> level) - (top >> level)) > MOST
        {
            level += 1;
        }
        let Level { first, across, .. } = self.levels[level];
        // A hair, so that a face never hides itself.
        let nearest = nearest * 1.0002;
        (top >> level..=bottom >> level).all(|y| {
            (left >> level..=right >> level).all(|x| {
                #[expect(clippy::cast_sign_loss, reason = "clamped to the picture")]
                let at = first + y as usize * across + x as usize;
                self.farthest[at] > nearest
            })
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "within the picture")]
fn whole(v: Vec2) -> (i32, i32) {
    (v.x as i32, v.y as i32)
}

/// Whether looking for what is hidden pays.
#[derive(Debug, Default)]
struct Worth {
    /// Frames for which nobody looks.
    rest: u32,
}

impl Worth {
    /// On a software adapter the depth itself costs about a tenth of a frame.
    fn judge(&mut self, spared: u32, drawn: u32) {
        self.rest = if spared.saturating_mul(4) < drawn { 24 } else { 0 };
    }
}

/// The depth of a target, on its way to [`Occluded`].
#[derive(Debug, Default)]
pub(crate) struct DepthTiles {
    buffers: Option<(wgpu::Buffer, Returns<Recorded>)>,
    known: Option<Occluded>,
    recorded: u64,
    worth: Worth,
}

/// A depth whose reduction is on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    shown: Shown,
    clip_from_world: Mat4,
    number: u64,
    place: usize,
}

impl DepthTiles {
    /// What was hidden in the last frame of the same whose depth came back. The device was polled just before.
    pub(crate) fn take_up(&mut self, shown: &Shown, clip_from_world: &Mat4, size: (u32, u32)) -> Option<&Occluded> {
        let (known, mut newest) = (&mut self.known, None);
        if let Some((_, returns)) = &mut self.buffers {
            returns.take(|of, bytes| {
                if newest.replace(of.number).is_none_or(|n| n < of.number) {
                    let tiles = bytemuck::cast_slice(bytes);
                    *known = Some(Occluded::new(known.take(), of.shown, of.clip_from_world, size, tiles));
                }
            });
        }
        let known = self.known.as_mut().filter(|k| k.shown == *shown)?;
        known.is_late = known.clip_from_world != *clip_from_world;
        Some(known)
    }

    /// What the frame that was told of [`DepthTiles::take_up`] made of it.
    pub(crate) fn judge(&mut self, spared: u32, drawn: u32) {
        self.worth.judge(spared, drawn);
    }

    /// Records the reduction of a depth that was just drawn, unless nobody would have use for it. To be told
    /// [`DepthTiles::submitted`].
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn record(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        reducer: &Reducer,
        (depth, width, height): (&wgpu::TextureView, u32, u32),
        (shown, clip_from_world): (Shown, Mat4),
    ) -> Result<Option<Recorded>, GpuError> {
        if self.worth.rest > 0 {
            self.worth.rest -= 1;
            self.known = None;
            return Ok(None);
        }
        let (across, down) = (width.div_ceil(TILE), height.div_ceil(TILE));
        let size = u64::from(across * down) * 4;
        if self.buffers.is_none() {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
            let desc = wgpu::BufferDescriptor { label: Some("tiles"), size, usage, mapped_at_creation: false };
            let tiles = gpu.guarded(|| gpu.device().create_buffer(&desc))?;
            self.buffers = Some((tiles, Returns::new(gpu, "tiles", size, PLACES)?));
        }
        let Some((tiles, returns)) = &self.buffers else { return Ok(None) };
        let Some((place, buffer)) = returns.free() else { return Ok(None) };
        reducer.record(gpu, encoder, depth, tiles, (across, down));
        encoder.copy_buffer_to_buffer(tiles, 0, buffer, 0, size);
        self.recorded += 1;
        Ok(Some(Recorded { shown, clip_from_world, number: self.recorded, place }))
    }

    /// When the frame was submitted.
    pub(crate) fn submitted(&mut self, of: Recorded) {
        if let Some((_, returns)) = &mut self.buffers {
            returns.submitted(of.place, of);
        }
    }
}

/// Reduces a depth to its tiles.
#[derive(Debug)]
pub(crate) struct Reducer {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
}

impl Reducer {
    /// For depths of that many samples.
    pub(crate) fn new(gpu: &Gpu, samples: u32) -> Self {
        let (texture, count) =
            if samples > 1 { ("texture_depth_multisampled_2d", samples) } else { ("texture_depth_2d", 1) };
        let source = include_str!("shaders/tiles.wgsl")
            .replace(": DEPTH_TEXTURE", &format!(": {texture}"))
            .replace("s < SAMPLES", &format!("s < {count}"));
        let device = gpu.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("tiles"),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("tiles"),
            layout: None,
            module: &module,
            entry_point: Some("cs_tiles"),
            compilation_options: Default::default(),
            cache: None,
        });
        Self { layout: pipeline.get_bind_group_layout(0), pipeline }
    }

    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        depth: &wgpu::TextureView,
        tiles: &wgpu::Buffer,
        (across, down): (u32, u32),
    ) {
        let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("tiles"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(depth) },
                wgpu::BindGroupEntry { binding: 1, resource: tiles.as_entire_binding() },
            ],
        });
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("tiles"), ..Default::default() });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(across.div_ceil(8), down.div_ceil(8), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::Vec3;
    use rr_scene::Camera;

    const SIZE: (u32, u32) = (320, 200);

    /// A wall across the picture at `distance` metres, with holes where `is_hole` says so.
    fn wall(camera: &Camera, distance: f32, is_hole: impl Fn(usize, usize) -> bool) -> Occluded {
        let shown = Shown { renderer: 0, generation: 0, section: Section::default() };
        let clip_from_world = camera.clip_from_world(1.6);
        let ahead = clip_from_world * (camera.eye() - camera.back() * distance).extend(1.0);
        let tiles: Vec<f32> = (0..25)
            .flat_map(|y| (0..40).map(move |x| (x, y)))
            .map(|(x, y)| if is_hole(x, y) { 0.0 } else { ahead.z / ahead.w })
            .collect();
        let mut made = Occluded::new(None, shown, clip_from_world, SIZE, &tiles);
        made.is_late = false;
        made
    }

    #[test]
    fn boxes_behind_the_wall_are_hidden_and_those_before_it_are_not() {
        let camera = Camera { yaw: 0.0, pitch: 0.0, distance: 10.0, ..Camera::default() };
        let (target, back) = (camera.target, camera.back());
        let cube =
            |along: f32, half: f32| Aabb { min: target - back * along - half, max: target - back * along + half };
        let closed = wall(&camera, 10.0, |_, _| false);
        assert!(closed.hides(&cube(2.0, 0.5)) && closed.hides(&cube(30.0, 8.0)));
        assert!(!closed.hides(&cube(0.0, 0.5)), "it stands in the wall");
        assert!(!closed.hides(&cube(-5.0, 0.5)) && !closed.hides(&cube(-10.0, 0.5)));
        assert!(!closed.hides(&Aabb::EMPTY));
        // One open tile uncovers what is behind it, at every size.
        let open = wall(&camera, 10.0, |x, y| (x, y) == (20, 12));
        for half in [0.05, 0.5, 3.0] {
            assert!(!open.hides(&cube(5.0, half)), "{half}");
        }
        let aside = cube(5.0, 0.5);
        let aside = Aabb { min: aside.min + camera.right() * 3.0, max: aside.max + camera.right() * 3.0 };
        assert!(open.hides(&aside));
    }

    #[test]
    fn beside_the_picture_nobody_knows_unless_the_camera_rests() {
        let camera = Camera { yaw: 0.0, pitch: 0.0, distance: 10.0, ..Camera::default() };
        let mut closed = wall(&camera, 10.0, |_, _| false);
        let at = camera.target - camera.back() * 10.0;
        let wide = Aabb { min: at - Vec3::splat(30.0).with_z(0.5), max: at + Vec3::splat(30.0).with_z(0.5) };
        assert!(closed.hides(&wide));
        closed.is_late = true;
        assert!(!closed.hides(&wide));
    }
}
