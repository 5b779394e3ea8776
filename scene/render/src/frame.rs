//! What a frame shows, and what it cost.

use crate::cull::Culled;
use crate::detail::{Culling, Detail};
use crate::timing::PassTimes;
use rr_scene::{Camera, SceneSnapshot, Section};

/// Where light is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lighting {
    /// Per pixel on hardware, per corner on software.
    #[default]
    Auto,
    /// Per corner of a triangle: fast on a software adapter, coarse on large smooth triangles.
    PerCorner,
    /// Per pixel.
    PerPixel,
}

/// Who decides what is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Culler {
    /// A hardware adapter where there are many objects, else the processor, which does not look for what stands behind
    /// other things for a while where that was of little use.
    #[default]
    Auto,
    /// The processor.
    Processor,
    /// The graphics device; the processor where it cannot.
    Device,
}

/// Which frames have ambient occlusion: corners and gaps are darker, because less light gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AmbientOcclusion {
    /// All on hardware. On software those of the average of a resting picture, from the second one on: the first one
    /// comes as soon as it can.
    #[default]
    Auto,
    /// None.
    Off,
    /// All.
    On,
}

/// What a frame shows besides the devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameOptions {
    /// Seconds on any clock that does not jump: moves the flow of connections.
    pub time_secs: f64,
    /// Names above devices.
    pub labels: bool,
    /// Lines on the floor.
    pub grid: bool,
    /// Feature edges of faces.
    pub edges: bool,
    /// Contact shadow on the floor.
    pub shadows: bool,
    /// Darker corners and gaps.
    pub ambient_occlusion: AmbientOcclusion,
    /// Connections between devices.
    pub connections: bool,
    /// Outlines of selected and hovered devices.
    pub outlines: bool,
    /// Pixels per point: widths and text follow it.
    pub ui_scale: f32,
    /// Where light is computed.
    pub lighting: Lighting,
    /// How much of the geometry is shown.
    pub detail: Detail,
    /// How much larger its differences from the full geometry may be than usual: 1 and more.
    pub coarseness: f32,
    /// What is left out because nobody would see it.
    pub culling: Culling,
    /// Who decides that.
    pub culler: Culler,
    /// Frames that are averaged to smooth borders when the camera rests, one with each call: 1 for none. Only for
    /// targets of one sample per pixel.
    pub rest_frames: u32,
    /// How many of them one call draws: a fast adapter shows a smooth picture at once.
    pub rest_step: u32,
    /// Parts that [`Renderer::render_while`](crate::Renderer::render_while) draws one after the other, from top to
    /// bottom.
    pub bands: u32,
}

impl Default for FrameOptions {
    fn default() -> Self {
        Self {
            time_secs: 0.0,
            labels: true,
            grid: true,
            edges: true,
            shadows: true,
            ambient_occlusion: AmbientOcclusion::Auto,
            connections: true,
            outlines: true,
            ui_scale: 1.0,
            lighting: Lighting::Auto,
            detail: Detail::Fine,
            coarseness: 1.0,
            culling: Culling::default(),
            culler: Culler::Auto,
            rest_frames: 1,
            rest_step: 1,
            bands: 1,
        }
    }
}

impl RenderStats {
    pub(crate) fn count(&mut self, culled: &Culled) {
        let Culled { outside, small, hidden, cut_away, stand_ins, drawn } = *culled;
        (self.culled_outside, self.culled_small, self.culled_hidden) = (outside, small, hidden);
        (self.culled_by_section, self.stand_ins, self.instances) = (cut_away, stand_ins, drawn);
        self.culled = outside + small + hidden + cut_away;
    }

    /// Adds the lasting part of a picture, which may be drawn more than once.
    pub(crate) fn add(&mut self, lasting: &Self) {
        let before = *self;
        *self = Self {
            draw_calls: before.draw_calls + lasting.draw_calls,
            triangles: before.triangles + lasting.triangles,
            lines: before.lines + lasting.lines,
            models: before.models,
            model_bytes: before.model_bytes,
            waiting_models: before.waiting_models,
            times: before.times,
            ..*lasting
        };
    }
}

/// All that the lasting part of a picture depends on: faces, floor and edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StillKey {
    camera: Camera,
    /// Of placements and models.
    generation: u64,
    options: FrameOptions,
    section: Section,
    renderer: u64,
}

impl StillKey {
    /// `generation` is that of placements and models, `renderer` tells those apart that share a target.
    pub(crate) fn new(snapshot: &SceneSnapshot, generation: u64, options: &FrameOptions, renderer: u64) -> Self {
        // What changes from frame to frame and is drawn on top does not count.
        let options = FrameOptions {
            time_secs: 0.0,
            labels: false,
            outlines: false,
            connections: false,
            rest_frames: 1,
            rest_step: 1,
            bands: 1,
            ..*options
        };
        Self { camera: snapshot.camera, generation, options, section: snapshot.section, renderer }
    }
}

impl FrameOptions {
    /// Nothing but faces and background.
    pub fn bare() -> Self {
        Self {
            labels: false,
            grid: false,
            edges: false,
            shadows: false,
            ambient_occlusion: AmbientOcclusion::Off,
            connections: false,
            outlines: false,
            ..Self::default()
        }
    }

    /// Full detail leaves out nothing that is in the picture.
    pub(crate) fn culling(&self) -> Culling {
        let exact = self.detail == Detail::Full;
        if exact {
            Culling { occlusion: false, small: false, levels: false, stand_ins: false, ..self.culling }
        } else {
            self.culling
        }
    }

    pub(crate) fn scale(&self) -> f32 {
        if self.ui_scale.is_finite() { self.ui_scale.clamp(0.5, 6.0) } else { 1.0 }
    }
}

/// What one frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RenderStats {
    /// Draw commands of all passes.
    pub draw_calls: u32,
    /// Triangles of faces.
    pub triangles: u64,
    /// Line segments: edges and wireframe.
    pub lines: u64,
    /// Objects drawn: placed parts, and stand-ins of whole devices.
    pub instances: u32,
    /// Objects left out, for whatever reason.
    pub culled: u32,
    /// Objects left out because they are outside the picture.
    pub culled_outside: u32,
    /// Objects left out because they are smaller than a pixel.
    pub culled_small: u32,
    /// Objects left out because they are behind others.
    pub culled_hidden: u32,
    /// Objects left out because they are beyond a section plane.
    pub culled_by_section: u32,
    /// Objects that one sees through.
    pub transparent: u32,
    /// Devices whose faces are drawn as one coarse shape.
    pub stand_ins: u32,
    /// Labels shown.
    pub labels: u32,
    /// Models on the device.
    pub models: u32,
    /// Bytes that models take on the device.
    pub model_bytes: u64,
    /// Frames of which the picture is the average.
    pub rest_frames: u32,
    /// The graphics device chose what is drawn; the numbers of objects, triangles and lines are those of a frame some
    /// frames ago.
    pub culled_on_device: bool,
    /// Another frame of the same will be smoother.
    pub is_refining: bool,
    /// Models that are still to be brought onto the device: another frame will show more.
    pub waiting_models: u32,
    /// What the device took for each pass of a frame some frames ago.
    pub times: PassTimes,
}
