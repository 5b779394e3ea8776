//! A [`Sink`] that keeps everything: for callers that want the whole result at once.

use crate::{Header, OcctError, Part, Placement, Settings, Sink, Stage, load_iges};
use std::path::Path;

/// All that a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CadScene {
    /// What the file says about itself; `None` until it was read.
    pub header: Option<Header>,
    /// Every distinct shape once.
    pub parts: Vec<Part>,
    /// Where the parts stand.
    pub placements: Vec<Placement>,
    /// What was wrong with the file.
    pub warnings: Vec<String>,
    /// Steps that were delivered.
    pub steps_done: u32,
}

impl CadScene {
    /// Reads a whole IGES file. An error when it holds nothing that can be shown.
    pub fn load_iges(path: &Path, settings: &Settings) -> Result<Self, OcctError> {
        let mut scene = Self::default();
        load_iges(path, settings, &mut scene)?;
        if scene.placements.is_empty() {
            return Err(OcctError::Unreadable("nothing in the file can be shown".into()));
        }
        Ok(scene)
    }
}

impl Sink for CadScene {
    fn header(&mut self, header: Header) {
        self.header = Some(header);
    }

    fn progress(&mut self, _stage: Stage, _done: Option<f32>) -> bool {
        true
    }

    fn step_begins(&mut self, _step: u32, _entity: String) {}

    fn batch_begins(&mut self) {}

    fn step_done(&mut self, _step: u32) {
        self.steps_done += 1;
    }

    fn part(&mut self, part: Part) {
        self.parts.push(part);
    }

    fn placement(&mut self, placement: Placement) {
        self.placements.push(placement);
    }

    fn warning(&mut self, text: String) {
        self.warnings.push(text);
    }
}
