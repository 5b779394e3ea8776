//! Measurements: everybody in the session sees them, whoever may steer makes and removes them. They are neither in the
//! document nor undone. A measurement follows its devices; it goes with them, and when they get another model.

use crate::input::{Outcome, Refusal};
use crate::participants::ParticipantId;
use crate::session::{PICK_RADIANS, REFERENCE_HEIGHT_PX, Session};
use glam::Vec2;
use rr_scene::measure::{self, Feature, FeatureShape, Mark, Measurement, Wanted};
use rr_scene::{DeviceId, Event};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most measurements of a session.
pub const MAX_MEASUREMENTS: usize = 32;
/// A pointer snaps to what is this near, when it does not say otherwise: in pixels of a picture 720 high.
const SNAP_PX: f32 = 10.0;
/// A finger is no larger than that.
const MAX_SNAP_PX: f32 = 64.0;

/// Where and at what somebody points to measure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MeasurePick {
    /// Point of the picture.
    pub at: Vec2,
    /// What they want there.
    pub wanted: Wanted,
    /// How near things count, in pixels of a picture 720 high.
    pub radius_px: Option<f32>,
    /// Begins another measurement although one waits for its second thing.
    pub starts_anew: bool,
}

/// What measuring keeps.
#[derive(Debug, Default)]
pub(crate) struct Measuring {
    pub list: Arc<Vec<Measurement>>,
    /// What the next pick would take, and whose pointer is there.
    pub aim: Option<(ParticipantId, Arc<Vec<Mark>>)>,
    pub last_id: u32,
}

impl Measuring {
    /// Forgets all of it. Numbers are not given twice.
    pub fn clear(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::default() };
    }
}

impl Session {
    /// All measurements, oldest first.
    pub fn measurements(&self) -> &[Measurement] {
        &self.measuring.list
    }

    /// Takes what is at a point: the second thing of the measurement that the participant has begun, or the first of a
    /// new one.
    pub(crate) fn measure_pick(&mut self, from: ParticipantId, pick: MeasurePick) -> Result<Outcome, Refusal> {
        self.may_steer(from)?;
        let feature = self.snap(from, &pick).ok_or(Refusal::NothingToMeasure)?;
        if pick.starts_anew {
            self.close_measurements(from);
        }
        let begun = self.measuring.list.iter().position(|m| m.is_open && m.by == from.0);
        if begun.is_none() && self.measuring.list.len() >= MAX_MEASUREMENTS {
            return Err(Refusal::TooManyMeasurements);
        }
        let mut features = begun.map_or_else(Vec::new, |at| self.measuring.list[at].features.clone());
        // The same thing twice has no distance from itself: it stays alone.
        if !features.iter().any(|f| is_same(f, &feature)) {
            features.push(feature);
        }
        let measured = measure::measure(&features, &self.workspace).ok_or(Refusal::NothingToMeasure)?;
        let list = Arc::make_mut(&mut self.measuring.list);
        let id = match begun.and_then(|at| list.get_mut(at)) {
            Some(open) => {
                *open = Measurement { is_open: false, features, measured, ..open.clone() };
                open.id
            }
            None => {
                self.measuring.last_id += 1;
                let id = self.measuring.last_id;
                list.push(Measurement { id, by: from.0, is_open: true, features, measured });
                id
            }
        };
        self.changes.measured(id);
        self.set_aim(None);
        Ok(Outcome::Applied)
    }

    /// Shows what a pick would take. It comes with every movement of a pointer: who may not measure is told by the first
    /// pick, not by each of those.
    pub(crate) fn measure_aim(&mut self, from: ParticipantId, at: Option<Vec2>) -> Result<Outcome, Refusal> {
        if self.may_steer(from).is_err() {
            return Ok(Outcome::Stale);
        }
        let feature = at.and_then(|at| self.snap(from, &MeasurePick { at, ..MeasurePick::default() }));
        self.set_aim(feature.map(|f| (from, Arc::new(measure::outline(&f, &self.workspace)))));
        self.update_hover_from(from);
        Ok(Outcome::Applied)
    }

    /// Nobody has to come back to a measurement that was begun: what says something by itself stays, the rest goes.
    pub(crate) fn close_measurements(&mut self, by: ParticipantId) {
        self.drop_aim(by);
        let open: Vec<u32> = self.measuring.list.iter().filter(|m| m.is_open && m.by == by.0).map(|m| m.id).collect();
        if open.is_empty() {
            return;
        }
        let list = Arc::make_mut(&mut self.measuring.list);
        list.retain_mut(|m| {
            let closes = open.contains(&m.id);
            m.is_open &= !closes;
            !closes || m.measured.is_telling()
        });
        for id in open {
            self.note_measurement(id);
        }
    }

    pub(crate) fn measure_remove(&mut self, from: ParticipantId, id: u32) -> Result<Outcome, Refusal> {
        self.may_steer(from)?;
        if !self.measuring.list.iter().any(|m| m.id == id) {
            return Err(Refusal::NoMeasurement(id));
        }
        Arc::make_mut(&mut self.measuring.list).retain(|m| m.id != id);
        self.note_measurement(id);
        Ok(Outcome::Applied)
    }

    pub(crate) fn measure_clear(&mut self, from: ParticipantId) -> Result<Outcome, Refusal> {
        self.may_steer(from)?;
        self.set_aim(None);
        let gone = std::mem::take(&mut self.measuring.list);
        gone.iter().for_each(|m| self.note_measurement(m.id));
        Ok(Outcome::Applied)
    }

    /// Devices moved, changed or went: so do the measurements at them.
    pub(crate) fn follow_devices(&mut self, events: &[Event]) {
        if self.measuring.list.is_empty() {
            return;
        }
        let touched: BTreeSet<&DeviceId> = events
            .iter()
            .filter_map(|event| match event {
                Event::DeviceChanged(id) | Event::DeviceRemoved(id) => Some(id),
                _ => None,
            })
            .collect();
        let is_touched = |m: &Measurement| m.features.iter().any(|f| touched.contains(&f.device));
        let affected: Vec<u32> = self.measuring.list.iter().filter(|m| is_touched(m)).map(|m| m.id).collect();
        if affected.is_empty() {
            return;
        }
        let workspace = &self.workspace;
        Arc::make_mut(&mut self.measuring.list).retain_mut(|m| {
            if !is_touched(m) {
                return true;
            }
            let is_there = m.features.iter().all(|f| f.is_there(workspace));
            match measure::measure(&m.features, workspace).filter(|_| is_there) {
                Some(measured) => m.measured = measured,
                None => return false,
            }
            true
        });
        affected.into_iter().for_each(|id| self.note_measurement(id));
    }

    /// Says whether it changed or is gone.
    fn note_measurement(&mut self, id: u32) {
        if self.measuring.list.iter().any(|m| m.id == id) {
            self.changes.measured(id);
        } else {
            self.changes.measurement_removed(id);
        }
    }

    /// The pointer that aimed is gone.
    pub(crate) fn drop_aim(&mut self, of: ParticipantId) {
        if self.measuring.aim.as_ref().is_some_and(|(who, _)| *who == of) {
            self.set_aim(None);
        }
    }

    fn set_aim(&mut self, aim: Option<(ParticipantId, Arc<Vec<Mark>>)>) {
        if self.measuring.aim != aim {
            self.measuring.aim = aim;
            self.changes.picture = true;
        }
    }

    fn snap(&self, from: ParticipantId, pick: &MeasurePick) -> Option<Feature> {
        let radius = pick.radius_px.unwrap_or(SNAP_PX).clamp(1.0, MAX_SNAP_PX);
        // Pixels become smaller angles when the view is narrower.
        let camera = self.camera_of(from);
        let radians = (camera.fov_y / REFERENCE_HEIGHT_PX * radius).max(PICK_RADIANS * 0.1);
        let ray = camera.ray(pick.at, self.aspect());
        self.pick_models().snap(&self.snapshot(), &ray, radians, pick.wanted)
    }
}

/// True for the same vertex or the same edge. Two points of one face are two.
fn is_same(a: &Feature, b: &Feature) -> bool {
    let is_same_shape = match a.shape {
        FeatureShape::Vertex => a.at == b.at,
        FeatureShape::Edge(_) => true,
        FeatureShape::Face { .. } | FeatureShape::Round(_) => false,
    };
    a.device == b.device && is_same_shape && a.shape == b.shape
}
