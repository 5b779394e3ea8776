//! What participants ask for and how it is answered.

use crate::measure::MeasurePick;
use glam::{Vec2, Vec3};
use rr_scene::{Camera, Command, CommandError, DeviceId, SectionPlane};
use std::collections::BTreeSet;

/// One wish of a participant. Pixels are those of a picture 720 high, points 0 to 1 from the top left.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Turns the camera.
    Orbit {
        /// Drag in pixels.
        delta_px: Vec2,
    },
    /// Shifts the camera.
    Pan {
        /// Drag in pixels.
        delta_px: Vec2,
    },
    /// Moves the camera along its direction.
    Zoom {
        /// As a wheel's movement in pixels; positive moves away.
        delta: f32,
    },
    /// Goes to a named view or a standard direction, smoothly.
    View(String),
    /// Goes to this camera at once.
    SetCamera(Camera),
    /// Sets the section planes, all at once; none of them shows everything again.
    Section {
        /// At most [`rr_scene::section::MAX_PLANES`].
        planes: Vec<PlaneWish>,
        /// Sender's clock.
        timestamp_ms: f64,
    },
    /// Takes what is at a point as the first or second thing of a measurement.
    MeasurePick(MeasurePick),
    /// Shows what a pick at a point would take.
    MeasureAim(Option<Vec2>),
    /// Ends the measurement that waits for its second thing.
    MeasureEnd,
    /// Takes a measurement away.
    MeasureRemove(u32),
    /// Takes all measurements away.
    MeasureClear,
    /// The camera turns to put a device in the middle, smoothly.
    Focus(DeviceId),
    /// The pointer moved or left the picture.
    Pointer {
        /// Where it is.
        at: Option<Vec2>,
        /// Sender's clock.
        timestamp_ms: f64,
    },
    /// Selects what is at a point.
    Click {
        /// Where.
        at: Vec2,
        /// Selects this one whatever is at the point.
        device: Option<DeviceId>,
        /// Adds or takes away instead of replacing.
        toggle: bool,
    },
    /// Replaces the selection.
    Select(BTreeSet<DeviceId>),
    /// Moves a device under a pointer.
    Drag {
        /// Which device.
        device: DeviceId,
        /// Where to, metres.
        position: Vec3,
        /// Inputs of one movement share a number and are undone together.
        gesture: u32,
        /// Sender's clock.
        timestamp_ms: f64,
    },
    /// Changes the document.
    Edit(Command),
    /// Takes the last change back.
    Undo,
    /// Does again what was taken back.
    Redo,
    /// Leaves the shared view for a camera of one's own, which begins where the shared one is, or comes back to it.
    OwnCamera {
        /// Leaves it.
        on: bool,
    },
    /// Asks to be presenter.
    RequestControl,
    /// Stops being presenter.
    ReleaseControl,
    /// Latency probe: shows a mark for a moment.
    Probe {
        /// Where.
        at: Vec2,
    },
}

/// A section plane that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneWish {
    /// Points to the side that is cut away; of any length but zero.
    pub normal: Vec3,
    /// Metres from the origin along the normal; none: through the middle of the selection, or of everything.
    pub offset: Option<f32>,
}

impl From<&SectionPlane> for PlaneWish {
    fn from(plane: &SectionPlane) -> Self {
        Self { normal: plane.normal, offset: Some(plane.offset) }
    }
}

/// What became of an input that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was applied.
    Applied,
    /// It came late and something newer holds already; nothing changed and nothing is wrong.
    Stale,
}

/// Why an input was refused; nothing changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The sender is not in the session (any longer).
    #[error("you are not in this session")]
    NotHere,
    /// Somebody else is presenter.
    #[error("{presenter} is presenting; ask for control to move the camera")]
    NotPresenter {
        /// Name of the presenter.
        presenter: String,
    },
    /// Viewers do not steer in this session.
    #[error("viewers do not move the camera in this session")]
    ViewersDoNotSteer,
    /// The owner of the session wants all to see the same.
    #[error("{who} may have a camera of their own in this session")]
    NoOwnCameras {
        /// Who may.
        who: &'static str,
    },
    /// Another picture would make all of them too slow.
    #[error("there is no room for another camera: {why}")]
    NoRoomForCamera {
        /// In figures.
        why: String,
    },
    /// Nothing that can be measured is seen where somebody pointed.
    #[error("there is nothing to measure at this point")]
    NothingToMeasure,
    /// No more measurements fit.
    #[error("there are {max} measurements already; remove some first", max = crate::measure::MAX_MEASUREMENTS)]
    TooManyMeasurements,
    /// The measurement named is not there.
    #[error("there is no measurement {0}")]
    NoMeasurement(u32),
    /// The role does not reach or the command is not valid.
    #[error(transparent)]
    Command(#[from] CommandError),
}
