//! The section tool: part of the view that everybody shares. Who may steer the camera may set it; it is neither in the
//! document nor undone.

use crate::input::{Outcome, PlaneWish, Refusal};
use crate::participants::ParticipantId;
use crate::session::Session;
use rr_scene::section::MAX_PLANES;
use rr_scene::{Aabb, CommandError, Section, SectionPlane};

impl Session {
    /// Box around the selected devices, or around all of them when nothing is selected: what a section goes through.
    pub fn bounds_of_interest(&self) -> Aabb {
        let selected = self.selection().iter().filter_map(|id| self.device_bounds(id)).fold(Aabb::EMPTY, Aabb::union);
        if selected.is_empty() { self.bounds() } else { selected }
    }

    pub(crate) fn set_section(
        &mut self,
        from: ParticipantId,
        wishes: &[PlaneWish],
        timestamp_ms: f64,
    ) -> Result<Outcome, Refusal> {
        self.may_steer(from)?;
        if wishes.len() > MAX_PLANES {
            return Err(invalid(&format!("a section has {MAX_PLANES} planes at most")));
        }
        let planes: Option<Vec<SectionPlane>> = wishes.iter().map(|wish| self.plane(wish)).collect();
        let Some(planes) = planes else { return Err(invalid("a section plane needs a direction and finite numbers")) };
        let participant = self.participants.get_mut(&from).ok_or(Refusal::NotHere)?;
        if timestamp_ms < participant.last_section_ms {
            return Ok(Outcome::Stale);
        }
        participant.last_section_ms = timestamp_ms;
        let section = Section::of(planes);
        if section != self.section {
            self.section = section;
            self.changes.section = true;
        }
        Ok(Outcome::Applied)
    }

    fn plane(&self, wish: &PlaneWish) -> Option<SectionPlane> {
        match wish.offset {
            // What is off by a hair is turned, not moved: the offset counts along the normal as it was sent.
            Some(offset) => SectionPlane::new(wish.normal, offset),
            None => SectionPlane::through(self.bounds_of_interest().centre(), wish.normal),
        }
    }
}

fn invalid(reason: &str) -> Refusal {
    CommandError::Invalid(reason.to_owned()).into()
}
