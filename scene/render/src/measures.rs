//! Measurements and what is about to be measured, drawn over everything: lines with ticks, arcs of angles, and notes that
//! the labels show. What is made here is made only while there is something to draw.

use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::target::COLOUR_FORMAT;
use crate::theme::Theme;
use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec2, Vec3, Vec4};
use rr_scene::measure::Mark;
use rr_scene::{Rgba8, SceneSnapshot};

/// The shader with its name, as given to the device.
pub(crate) const SHADER: (&str, &str) = ("measure", include_str!("shaders/measure.wgsl"));

/// Widths in points.
const LINE_PT: f32 = 1.6;
const EDGE_PT: f32 = 3.0;
const LEADER_PT: f32 = 1.0;
const DOT_PT: f32 = 7.0;
/// Half a tick at the end of a line.
const TICK_PT: f32 = 5.5;
/// What lines have around them, so that they are seen on any ground.
const CASING_PT: f32 = 1.4;
/// A line at least this long has its value on it.
const NOTE_PT: f32 = 130.0;
/// How far the middle of a value is beside a shorter one.
const BESIDE_PT: Vec2 = Vec2::new(48.0, 20.0);
/// Points of one curve that are drawn.
const MAX_POINTS: usize = 400;

const ATTRIBUTES: [wgpu::VertexAttribute; 4] =
    wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Float32x2, 3 => Unorm8x4];

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
struct Vertex {
    position: [f32; 2],
    local: [f32; 2],
    half_size: [f32; 2],
    colour: [u8; 4],
}

/// A text at a point of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    /// Its middle, pixels.
    pub(crate) at: Vec2,
    pub(crate) text: String,
}

/// What the drawing of a frame depends on.
pub(crate) struct MeasureFrame<'a> {
    pub(crate) clip_from_world: &'a Mat4,
    /// Pixels.
    pub(crate) size: Vec2,
    pub(crate) scale: f32,
    pub(crate) theme: &'a Theme,
}

#[derive(Debug, Default)]
pub(crate) struct Measures {
    pipeline: Option<wgpu::RenderPipeline>,
    vertices: Vec<Vertex>,
    buffer: Option<wgpu::Buffer>,
    notes: Vec<Note>,
}

impl Measures {
    /// Lays out what the snapshot has to show; false when there is nothing.
    pub(crate) fn prepare(
        &mut self,
        gpu: &Gpu,
        snapshot: &SceneSnapshot,
        frame: &MeasureFrame<'_>,
    ) -> Result<bool, GpuError> {
        self.vertices.clear();
        self.notes.clear();
        if snapshot.measurements.is_empty() && snapshot.aim.is_empty() {
            return Ok(false);
        }
        let marks = || snapshot.measurements.iter().flat_map(|m| &m.measured.marks);
        let mut pen = Pen { frame, vertices: &mut self.vertices, notes: &mut self.notes, span: None };
        // All casings first: none of them may cover a line.
        for is_casing in [true, false] {
            marks().for_each(|mark| pen.draw(mark, frame.theme.accent, is_casing));
            snapshot.aim.iter().for_each(|mark| pen.draw(mark, frame.theme.label_text, is_casing));
        }
        if self.vertices.is_empty() {
            return Ok(!self.notes.is_empty());
        }
        if self.pipeline.is_none() {
            self.pipeline = Some(gpu.guarded(|| pipeline(gpu))?);
        }
        let bytes: &[u8] = bytemuck::cast_slice(&self.vertices);
        match &self.buffer {
            Some(b) if b.size() >= bytes.len() as u64 => gpu.queue().write_buffer(b, 0, bytes),
            _ => {
                let mut roomy = self.vertices.clone();
                roomy.resize(self.vertices.len().next_power_of_two().max(512), Vertex::zeroed());
                self.buffer = Some(gpu.guarded(|| buffer(gpu, "measures", &roomy, wgpu::BufferUsages::VERTEX))?);
            }
        }
        Ok(true)
    }

    /// Values and where they go.
    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Draws what [`Measures::prepare`] laid out; returns the number of commands.
    pub(crate) fn draw(&self, pass: &mut wgpu::RenderPass<'_>) -> u32 {
        let (Some(pipeline), Some(buffer), false) = (&self.pipeline, &self.buffer, self.vertices.is_empty()) else {
            return 0;
        };
        pass.set_pipeline(pipeline);
        pass.set_vertex_buffer(0, buffer.slice(..));
        pass.draw(0..u32::try_from(self.vertices.len()).unwrap_or(0), 0..1);
        1
    }
}

fn pipeline(gpu: &Gpu) -> wgpu::RenderPipeline {
    let module = gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(SHADER.0),
        source: wgpu::ShaderSource::Wgsl(SHADER.1.into()),
    });
    let layout = gpu.device().create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(SHADER.0),
        bind_group_layouts: &[],
        immediate_size: 0,
    });
    let vertices = wgpu::VertexBufferLayout {
        array_stride: size_of::<Vertex>() as u64,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes: &ATTRIBUTES,
    };
    gpu.device().create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(SHADER.0),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vs_capsule"),
            compilation_options: Default::default(),
            buffers: &[Some(vertices)],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fs_capsule"),
            compilation_options: Default::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: COLOUR_FORMAT,
                blend: Some(wgpu::BlendState::ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

struct Pen<'a> {
    frame: &'a MeasureFrame<'a>,
    vertices: &'a mut Vec<Vertex>,
    notes: &'a mut Vec<Note>,
    /// Ends of the last line in pixels: its value follows.
    span: Option<[Vec2; 2]>,
}

impl Pen<'_> {
    fn draw(&mut self, mark: &Mark, colour: Rgba8, is_casing: bool) {
        let casing = casing(self.frame.theme);
        let (colour, wider) = if is_casing { (casing, CASING_PT * 2.0) } else { (colour, 0.0) };
        match mark {
            Mark::Edge(points) => self.path(points, EDGE_PT + wider, colour),
            Mark::Arc(points) => self.path(points, LINE_PT + wider, colour),
            Mark::Leader([a, b]) => _ = self.line(*a, *b, LEADER_PT + wider, colour),
            Mark::Dot(at) => {
                if let Some(at) = self.project(*at) {
                    self.capsule(at, at, DOT_PT + wider, colour);
                }
            }
            Mark::Span([a, b]) => {
                self.span = self.line(*a, *b, LINE_PT + wider, colour);
                if let Some([p, q]) = self.span {
                    let across = (q - p).normalize_or(Vec2::X).perp() * TICK_PT * self.frame.scale;
                    for end in [p, q] {
                        self.capsule(end - across, end + across, LINE_PT + wider, colour);
                    }
                }
            }
            Mark::Label(at, text) => {
                let span = self.span.take();
                if let Some(at) = self.project(*at).filter(|_| !is_casing) {
                    let at = at + span.map_or(Vec2::ZERO, |ends| self.beside(ends));
                    self.notes.push(Note { at, text: text.clone() });
                }
            }
        }
    }

    /// How far aside a value stands that would cover a short line.
    fn beside(&self, [p, q]: [Vec2; 2]) -> Vec2 {
        let way = q - p;
        if way.length() > NOTE_PT * self.frame.scale {
            return Vec2::ZERO;
        }
        let across = way.normalize_or(Vec2::X).perp();
        // Upwards, where fewer things are; beside an upright line the plate is as far away as it is wide.
        let up = if across.y > 0.0 { -across } else { across };
        up * (BESIDE_PT.x * up.x.abs() + BESIDE_PT.y * up.y.abs()) * self.frame.scale
    }

    fn path(&mut self, points: &[Vec3], width_pt: f32, colour: Rgba8) {
        let stride = points.len().div_ceil(MAX_POINTS).max(1);
        let last = points.last().filter(|_| !(points.len() - 1).is_multiple_of(stride));
        let thinned: Vec<Vec3> = points.iter().step_by(stride).chain(last).copied().collect();
        for ends in thinned.windows(2) {
            self.line(ends[0], ends[1], width_pt, colour);
        }
    }

    /// Draws what of a line is before the eye; gives its ends in pixels.
    fn line(&mut self, a: Vec3, b: Vec3, width_pt: f32, colour: Rgba8) -> Option<[Vec2; 2]> {
        let [mut a, mut b] = [a, b].map(|p| *self.frame.clip_from_world * p.extend(1.0));
        // Depth is reversed and infinite: z is the near distance everywhere, and w reaches it at the near plane.
        let near = a.z;
        if a.w < near && b.w < near {
            return None;
        }
        if a.w < near {
            a = a.lerp(b, (near - a.w) / (b.w - a.w));
        } else if b.w < near {
            b = b.lerp(a, (near - b.w) / (a.w - b.w));
        }
        let [p, q] = [a, b].map(|clip| self.pixel(clip));
        self.capsule(p, q, width_pt, colour);
        Some([p, q])
    }

    fn project(&self, point: Vec3) -> Option<Vec2> {
        let clip = *self.frame.clip_from_world * point.extend(1.0);
        (clip.w > clip.z).then(|| self.pixel(clip))
    }

    fn pixel(&self, clip: Vec4) -> Vec2 {
        Vec2::new(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5) * self.frame.size
    }

    fn capsule(&mut self, p: Vec2, q: Vec2, width_pt: f32, colour: Rgba8) {
        if !(p.is_finite() && q.is_finite()) {
            return;
        }
        // The far end of a line that leaves the picture may lie anywhere: what is far outside is cut off.
        let Some([p, q]) = clipped(p, q, self.frame.size, 64.0) else { return };
        let (along, half_length) = ((q - p).normalize_or(Vec2::X), (q - p).length() * 0.5);
        let half_width = width_pt * self.frame.scale * 0.5;
        let (middle, reach) = ((p + q) * 0.5, half_width + 1.0);
        let corner = |x: f32, y: f32| {
            let local = Vec2::new(x * (half_length + reach), y * reach);
            let at = (middle + along * local.x + along.perp() * local.y) / self.frame.size;
            Vertex {
                position: [at.x * 2.0 - 1.0, 1.0 - at.y * 2.0],
                local: local.to_array(),
                half_size: [half_length, half_width],
                colour: colour.0,
            }
        };
        let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(-1.0, 1.0), corner(1.0, 1.0)];
        self.vertices.extend([0, 1, 2, 2, 1, 3].map(|i: usize| corners[i]));
    }
}

/// The ground of the picture: bright around dark lines and dark around bright ones.
fn casing(theme: &Theme) -> Rgba8 {
    let [r, g, b, _] = theme.background_top.0;
    Rgba8([r, g, b, 190])
}

/// The part of a line that lies within the picture and a margin around it (Liang and Barsky, 1984).
fn clipped(p: Vec2, q: Vec2, size: Vec2, margin: f32) -> Option<[Vec2; 2]> {
    let (mut from, mut to) = (0.0f32, 1.0f32);
    let way = q - p;
    for axis in 0..2 {
        let (low, high) = (-margin - p[axis], size[axis] + margin - p[axis]);
        if way[axis].abs() < 1e-6 {
            if low > 0.0 || high < 0.0 {
                return None;
            }
            continue;
        }
        let (a, b) = (low / way[axis], high / way[axis]);
        from = from.max(a.min(b));
        to = to.min(a.max(b));
    }
    (from <= to).then(|| [p + way * from, p + way * to])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_leave_the_picture() {
        let size = Vec2::new(100.0, 50.0);
        let cut = |p, q| clipped(p, q, size, 10.0);
        assert_eq!(cut(Vec2::new(5.0, 5.0), Vec2::new(50.0, 20.0)), Some([Vec2::new(5.0, 5.0), Vec2::new(50.0, 20.0)]));
        let long = cut(Vec2::new(50.0, 20.0), Vec2::new(1e6, 20.0)).unwrap();
        assert!((long[1] - Vec2::new(110.0, 20.0)).length() < 0.1, "{long:?}");
        assert_eq!(cut(Vec2::new(-50.0, 0.0), Vec2::new(-20.0, 40.0)), None);
        assert_eq!(cut(Vec2::new(-50.0, 20.0), Vec2::new(-50.0, 20.0)), None);
    }
}
