//! The geometry of a session's devices: what is there, what is on its way, what failed.

use rr_scene::{Model, ModelRef, PickModel, PickModels};
use std::collections::HashMap;
use std::sync::Arc;

/// State of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Being read.
    Loading,
    /// There.
    Ready,
    /// Could not be read, with the reason.
    Failed(String),
}

#[derive(Debug, Default)]
pub(crate) struct Models {
    /// Shared with snapshots.
    pub geometry: Arc<HashMap<ModelRef, Arc<Model>>>,
    pub picks: PickModels,
    pub states: HashMap<ModelRef, ModelState>,
}

impl Models {
    pub fn ready(&mut self, key: ModelRef, model: Arc<Model>, pick: Arc<PickModel>) {
        self.states.insert(key.clone(), ModelState::Ready);
        self.picks.insert(key.clone(), pick);
        Arc::make_mut(&mut self.geometry).insert(key, model);
    }

    pub fn retain(&mut self, keep: impl Fn(&ModelRef) -> bool) {
        self.states.retain(|k, _| keep(k));
        self.picks.retain(&keep);
        if self.geometry.keys().any(|k| !keep(k)) {
            Arc::make_mut(&mut self.geometry).retain(|k, _| keep(k));
        }
    }
}
