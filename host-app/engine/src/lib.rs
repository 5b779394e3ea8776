//! The engine: session, loading, rendering and streaming wired into threads. The desktop window and the headless
//! worker run the same one and differ only in who calls it.
//!
//! ```text
//! caller (window, main) ──┐
//! network (rtc, signal) ──┼─ bounded queue ─► rr-session (single writer) ─ snapshot slot ─► rr-render ─ frame slot ─► rr-encode
//! rr-load threads ────────┘                                 │                                   └─ window picture
//!                                                            └─ status slot ─► caller
//! ```
//!
//! Nothing here waits on a viewer, and the session thread waits on nothing but its queue.

mod card_pictures;
mod device;
mod document;
mod engine;
mod faults;
mod host;
mod imports;
mod kept;
mod loading;
mod log;
mod meter;
mod output;
mod pictures;
mod place;
mod quality;
mod raw_pictures;
mod reach;
mod rehearsal;
mod render_thread;
mod room;
mod rtc_events;
mod sent_pictures;
mod session_thread;
mod sharing;
mod stats_watch;
mod status;
mod stream_picture;
mod stream_views;
mod viewers;
mod window;
mod wire;
mod wire_tools;

pub use card_pictures::{CardPictures, try_pictures_on_card};
pub use device::ReopenGpu;
pub use engine::{Engine, EngineConfig, EngineError, ImportRequest, PictureSize, Saving};
pub use kept::{Kept, KeptError};
pub use log::{LogEntry, LogLevel};
pub use quality::{Economy, Governor};
pub use reach::Reach;
pub use rr_load::{Cache, ImportOptions, Limits, LoadReport};
pub use rr_protocol::signaling::IceServer;
pub use rr_render::{AdapterChoice, Gpu, GpuError, GpuInfo, Pass, PassTimes, RenderStats, Theme};
pub use rr_session::{Input, MeasurePick, ModelState, OwnCameras, ParticipantId, PlaneWish, Settings};
pub use rr_signal::{IceServers, IceUrl, IceUrlError, Secret, TimeLimitedTurn};
pub use rr_stream::{
    CodecChoice, EncoderChoice, EncoderReport, NotUsed, Surveyed as SurveyedEncoder, survey as survey_encoders,
};
pub use sharing::{ShareConfig, ShareError, ShareTls};
pub use status::{
    DocumentStatus, Import, ImportId, ImportState, ParticipantStatus, PictureStats, ShareStatus, Status, StreamStatus,
};
pub use window::WindowPicture;
