//! What people in a session have beside its document: it comes along when the session goes on at another host.

use crate::measure::MAX_MEASUREMENTS;
use crate::returning::Seat;
use crate::session::Session;
use rr_scene::measure::{self, Feature, Measurement};
use rr_scene::{Camera, DeviceId, History, Section, SectionPlane, Workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// Camera, section, selection, measurements and people of a session.
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
    /// What people get back when they come again.
    #[serde(default)]
    pub seats: Vec<Seat>,
}

impl Session {
    /// As it is now.
    pub fn shared_view(&self) -> SharedView {
        SharedView {
            camera: self.views.shared.camera,
            section: self.section,
            selection: self.marks.selection.clone(),
            measurements: self.measuring.list.iter().map(|m| m.features.clone()).collect(),
            seats: self.seats(),
        }
    }

    /// Goes on with another document, what people saw of it and what they can take back. What does not fit the document, or
    /// is no number, is left out.
    pub fn restore(&mut self, now: Instant, workspace: Workspace, view: &SharedView, history: History) {
        self.replace_workspace(workspace);
        self.history = history;
        self.wait_for_all(now, &view.seats);
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
