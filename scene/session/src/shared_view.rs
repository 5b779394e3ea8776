//! What people in a session share beside its document: it comes along when the session goes on at another host. Who is
//! there does not, nor what could be taken back.

use crate::measure::MAX_MEASUREMENTS;
use crate::session::Session;
use rr_scene::measure::{self, Feature, Measurement};
use rr_scene::{Camera, DeviceId, SceneSnapshot, Section, SectionPlane, Workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Camera, section, selection and measurements of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedView {
    /// The camera that is not anybody's own.
    pub camera: Camera,
    /// What is cut away.
    #[serde(default)]
    pub section: Section,
    /// The selected devices.
    #[serde(default)]
    pub selection: BTreeSet<DeviceId>,
    /// One or two features of each measurement, oldest first.
    #[serde(default)]
    pub measurements: Vec<Vec<Feature>>,
}

impl SharedView {
    /// As others see it.
    pub fn of(scene: &SceneSnapshot) -> Self {
        Self {
            camera: scene.camera,
            section: scene.section,
            selection: scene.marks.selection.clone(),
            measurements: scene.measurements.iter().map(|m| m.features.clone()).collect(),
        }
    }
}

impl Session {
    /// Goes on with another document and what people saw of it. What does not fit the document, or is no number, is left
    /// out.
    pub fn restore(&mut self, workspace: Workspace, view: &SharedView) {
        self.replace_workspace(workspace);
        if view.camera.is_valid() {
            self.views.all_to(view.camera);
        }
        // Whatever the planes come from, their normals are of unit length.
        let planes = view.section.planes().filter_map(|plane| SectionPlane::new(plane.normal, plane.offset));
        self.section = Section::of(planes);
        let is_there = |id: &&DeviceId| self.workspace.device(id).is_some();
        let selection = view.selection.iter().filter(is_there).cloned().collect();
        Arc::make_mut(&mut self.marks).selection = selection;
        let mut measured = Vec::new();
        for features in view.measurements.iter().take(MAX_MEASUREMENTS) {
            let is_there = (1..=2).contains(&features.len()) && features.iter().all(|f| f.is_there(&self.workspace));
            let found = measure::measure(features, &self.workspace).filter(|found| is_there && found.is_telling());
            measured.extend(found.map(|found| (features.clone(), found)));
        }
        self.measuring.take_over(measured);
    }
}

impl crate::measure::Measuring {
    /// Measurements that nobody here made.
    fn take_over(&mut self, measured: Vec<(Vec<Feature>, measure::Measured)>) {
        let list = measured.into_iter().map(|(features, measured)| {
            self.last_id += 1;
            Measurement { id: self.last_id, by: 0, is_open: false, features, measured }
        });
        self.list = Arc::new(list.collect());
    }
}
