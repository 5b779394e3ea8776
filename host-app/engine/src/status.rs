//! What the engine tells its caller: one small value, replaced whole, read without waiting.

use crate::log::LogEntry;
use crate::quality::Economy;
use rr_load::LoadReport;
use rr_render::RenderStats;
use rr_scene::{Aabb, Role};
use rr_session::ParticipantId;
use rr_stream::EncoderReport;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// State of everything but the scene itself.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The open document.
    pub document: DocumentStatus,
    /// Imports that run, and those that ended and nobody dismissed.
    pub imports: Vec<Import>,
    /// Everybody in the session; the first is the engineer at this machine.
    pub participants: Vec<ParticipantStatus>,
    /// Who steers the camera; nobody when everybody may.
    pub presenter: Option<ParticipantId>,
    /// While a section is on: box around what it is meant for, the selection or everything.
    pub section_bounds: Option<Aabb>,
    /// Where and how the session is shared; none while it is not.
    pub share: Option<ShareStatus>,
    /// Speed of the picture.
    pub picture: PictureStats,
    /// Why viewers get no new pictures at the moment; none while they do.
    pub picture_fault: Option<String>,
    /// Why the window gets no new pictures at the moment; none while it does.
    pub window_fault: Option<String>,
    /// Newest last; the oldest are dropped.
    pub log: Vec<Arc<LogEntry>>,
}

/// State of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentStatus {
    /// File it is saved to; none as long as it has no file.
    pub path: Option<PathBuf>,
    /// Changed since it was opened or saved.
    pub dirty: bool,
    /// There is something to take back.
    pub can_undo: bool,
    /// There is something to do again.
    pub can_redo: bool,
    /// Devices whose geometry is still being read.
    pub loading: usize,
}

/// Names an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportId(pub u64);

/// One file on its way into the workspace, or a model that a device of an opened workspace names.
#[derive(Debug, Clone)]
pub struct Import {
    /// Names it.
    pub id: ImportId,
    /// Which file.
    pub file: PathBuf,
    /// How far it is.
    pub state: ImportState,
}

/// How far an import is.
#[derive(Debug, Clone)]
pub enum ImportState {
    /// Waits for a free thread.
    Queued,
    /// Being read.
    Running {
        /// For people, such as "reading".
        stage: &'static str,
        /// 0 to 1, or none when the end is not known.
        done: Option<f32>,
    },
    /// Read, with what was found.
    Done(Arc<LoadReport>),
    /// Not read, with the reason.
    Failed(String),
    /// Stopped by the user.
    Cancelled,
}

impl ImportState {
    /// True when nothing more will happen.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_) | Self::Cancelled)
    }
}

/// Somebody in the session.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticipantStatus {
    /// Unique in the session.
    pub id: ParticipantId,
    /// Shown to people.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where their pointer is in the stream's picture, 0 to 1 from the top left.
    pub pointer: Option<glam::Vec2>,
    /// How well the picture gets there; none for the engineer at this machine and until the first report.
    pub link: Option<LinkStatus>,
}

/// How well the picture gets to a viewer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkStatus {
    /// Round trip time.
    pub rtt: Duration,
    /// Sent to this viewer, bits per second.
    pub bitrate_bps: f64,
    /// Lost on the way, 0 to 1.
    pub loss: f32,
}

/// Where and how the session is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareStatus {
    /// Addresses the page is served at, such as `https://192.0.2.7:8443`; the likeliest for others first.
    pub urls: Vec<String>,
    /// Whether only this machine can reach it.
    pub loopback_only: bool,
    /// Why nobody elsewhere can get the video, and what to do about it; none when somebody can.
    pub warning: Option<String>,
    /// The video encoder in use, and why not the better ones.
    pub encoder: EncoderReport,
}

/// Speed of the picture, over the last second.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PictureStats {
    /// Frames rendered per second, all targets.
    pub rendered_fps: f32,
    /// Milliseconds to render and read back one frame of the stream, median.
    pub render_ms: f32,
    /// Milliseconds to draw one frame of the stream in motion, the median of the last ones; 0 before there are some.
    pub moving_ms: f32,
    /// What is encoded, best first; empty while nobody watches.
    pub streams: Vec<StreamStatus>,
    /// The last picture that was really drawn: one that rests is kept, and says only how smooth it is by now.
    pub drawn: RenderStats,
    /// What pictures in motion do without, to keep up a steady rate.
    pub economy: Economy,
}

/// One quality level of the stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamStatus {
    /// Codec and encoder, such as `H.264 · NVENC (card)`.
    pub encoder: String,
    /// Size of its pictures, pixels.
    pub size_px: (u32, u32),
    /// Pictures encoded in the last second.
    pub fps: f32,
    /// Bits in the last second.
    pub bitrate_bps: f64,
    /// Bits a second that it may take.
    pub target_bps: f64,
    /// Milliseconds to encode one picture, median.
    pub encode_ms: f32,
    /// Viewers that get it.
    pub viewers: usize,
}

impl From<rr_stream::RungReport> for StreamStatus {
    fn from(rung: rr_stream::RungReport) -> Self {
        let stats = rung.stats;
        // Nothing was encoded yet.
        let codec = stats.codec.unwrap_or(rung.setting.codec);
        Self {
            encoder: format!("{codec} · {}", stats.encoder),
            size_px: stats.size,
            fps: stats.frames_per_second,
            bitrate_bps: stats.sent.as_f64(),
            target_bps: stats.target.as_f64(),
            encode_ms: stats.encode_ms_p50,
            viewers: rung.viewers,
        }
    }
}
