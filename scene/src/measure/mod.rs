//! Measuring: what a person points at, and everything that can be said about one or two such things.
//!
//! [`PickModels::snap`](crate::PickModels::snap) finds the [`Feature`] under a ray. Features lie in the space of their
//! device, so that a measurement follows a device that is moved: [`measure`] computes it anew, in the world, whenever one
//! of its devices changes. Lengths in metres, angles in radians, both in `f64`: features are exact to the grid of their
//! shape.

mod circle;
mod curve;
mod facts;
mod round;
mod snap;
pub mod text;

pub use circle::Circle;
pub use curve::{Curve, CurveKind};
pub use facts::{Fact, Mark, Measured, Quantity, measure, outline};
pub use round::Round;
pub use snap::Wanted;

pub(crate) use curve::SegmentBoxes;
pub(crate) use round::Meetings;

use crate::workspace::{Device, DeviceId, ModelRef, Workspace};
use glam::Vec3;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that can be measured, in the space of its device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Whose it is.
    pub device: DeviceId,
    /// The geometry that it is part of: another model of the device does not have it.
    pub model: Option<ModelRef>,
    /// Where it was pointed at.
    pub at: Vec3,
    /// What it is.
    pub shape: FeatureShape,
}

/// What a feature is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FeatureShape {
    /// The end of an edge.
    Vertex,
    /// An edge or a curve. Shared: it may have many points, and states of a session are copied.
    Edge(#[serde(with = "in_arc")] Arc<Curve>),
    /// A point on a face.
    Face {
        /// Outwards, of unit length, where the face is flat.
        normal: Option<Vec3>,
        /// Radians by which the normal may be off.
        error: f32,
    },
    /// A point on a face that is a part of a cylinder.
    Round(Round),
}

/// What is shared in memory is written as it is.
mod in_arc {
    use super::{Arc, Curve, Deserialize, Serialize};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(curve: &Arc<Curve>, serializer: S) -> Result<S::Ok, S::Error> {
        (**curve).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Curve>, D::Error> {
        Curve::deserialize(deserializer).map(Arc::new)
    }
}

impl Feature {
    fn new(device: &Device, at: Vec3, shape: FeatureShape) -> Option<Self> {
        at.is_finite().then(|| Self { device: device.id.clone(), model: device.model.clone(), at, shape })
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        match &self.shape {
            FeatureShape::Vertex => "vertex",
            FeatureShape::Edge(_) => "edge",
            FeatureShape::Face { .. } | FeatureShape::Round(_) => "face",
        }
    }

    /// False once its device is gone or shows another model.
    pub fn is_there(&self, workspace: &Workspace) -> bool {
        workspace.device(&self.device).is_some_and(|d| d.model == self.model)
    }
}

/// One measurement of a session: of one thing, or between two.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Unique in the session.
    pub id: u32,
    /// Number of the participant who made it.
    pub by: u32,
    /// The next thing that they point at becomes its second.
    pub is_open: bool,
    /// One or two.
    pub features: Vec<Feature>,
    /// What is known about them now.
    pub measured: Measured,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
