//! What the renderer and the user interface see: one consistent state, shared and never changed.

use crate::camera::Camera;
use crate::measure::{Mark, Measurement};
use crate::model::Model;
use crate::section::Section;
use crate::workspace::{DeviceId, ModelRef, Workspace};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What people point at: changes often and is not part of the document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// Selected devices, shared by everybody in the session.
    pub selection: BTreeSet<DeviceId>,
    /// The device under the pointer.
    pub hover: Option<DeviceId>,
    /// A latency probe: a point of the picture (0 to 1 from the top left) where a small mark is drawn.
    pub probe: Option<glam::Vec2>,
}

/// Whose camera a picture is seen through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ViewId(pub u32);

impl ViewId {
    /// The one that everybody shares. Others are those of participants who look for themselves.
    pub const SHARED: Self = Self(0);
}

/// The camera of a participant who looks for themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnView {
    /// Whose.
    pub id: ViewId,
    /// Where it is.
    pub camera: Camera,
    /// The revision at which something that it sees changed last.
    pub changed: u64,
}

/// One state of the session. Cloning shares everything that is big.
#[derive(Debug, Clone, Default)]
pub struct SceneSnapshot {
    /// Grows with every change of anything in here.
    pub revision: u64,
    /// The document.
    pub workspace: Arc<Workspace>,
    /// Geometry that is loaded so far; a device whose model is missing here is drawn as a marker.
    pub models: Arc<HashMap<ModelRef, Arc<Model>>>,
    /// Selection and hover.
    pub marks: Arc<Marks>,
    /// The camera that it is seen through.
    pub camera: Camera,
    /// The revision at which something that this camera sees changed last.
    pub changed: u64,
    /// Cameras beside the shared one.
    pub own_views: Arc<Vec<OwnView>>,
    /// What is cut away.
    pub section: Section,
    /// What people measured, oldest first.
    pub measurements: Arc<Vec<Measurement>>,
    /// What somebody is about to measure.
    pub aim: Arc<Vec<Mark>>,
}

impl SceneSnapshot {
    /// The same seen through another camera; none when that participant does not look for themselves (any more).
    pub fn seen_by(self: &Arc<Self>, view: ViewId) -> Option<Arc<Self>> {
        if view == ViewId::SHARED {
            return Some(self.clone());
        }
        let &OwnView { camera, changed, .. } = self.own_views.iter().find(|own| own.id == view)?;
        Some(Arc::new(Self { camera, changed, ..Self::clone(self) }))
    }

    /// Geometry of a device, when it is loaded.
    pub fn model_of(&self, id: &DeviceId) -> Option<&Arc<Model>> {
        self.models.get(self.workspace.device(id)?.model.as_ref()?)
    }
}
