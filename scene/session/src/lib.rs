//! Who is here and who may do what.
//!
//! A [`Session`] owns the workspace and is its single writer. It is sans-IO: time and input are arguments, changes are
//! taken out by the caller. The engine runs one on its session thread; tests run it in virtual time.
//!
//! Who steers: as long as nobody is presenter, everybody may move the shared camera (viewers only while
//! [`Settings::viewers_may_steer`] holds). As soon as somebody takes control, only they do. Edits depend on the
//! role alone.

mod changes;
mod input;
mod measure;
mod models;
mod participants;
mod returning;
mod section;
mod session;
mod shared_view;
mod views;

pub use changes::Changes;
pub use input::{Input, Outcome, PlaneWish, Refusal};
pub use measure::{MAX_MEASUREMENTS, MeasurePick};
pub use models::ModelState;
pub use participants::{Participant, ParticipantId};
pub use returning::{Newcomer, RETURNS_WITHIN, Seat};
pub use session::{Session, Settings};
pub use shared_view::SharedView;
pub use views::{CameraRoom, OwnCameras};
