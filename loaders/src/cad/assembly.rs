//! Puts a model together from what one helper or several in turn deliver.
//!
//! A helper translates a file in steps. What a step delivers counts only when the step is done: a helper that dies
//! within a step leaves the model as it was before the step, and its successor is told to begin behind it.

use super::wire::{Header, Message, Placement};
use glam::{Affine3A, DAffine3, DMat3, DVec3};
use rr_scene::{Instance, Part};
use std::collections::{BTreeSet, HashSet};

/// The step at which a helper died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Culprit {
    /// This step; the text names the entity.
    Step(u32, String),
    /// One of several that were delivered together.
    Batch,
    /// Before the first step or after the last.
    None,
}

/// A model that grows.
#[derive(Debug, Default)]
pub struct Assembly {
    model: rr_scene::Assembly,
    header: Option<Header>,
    /// Number of steps in the first helper's count: further ones are parts of steps that were split.
    steps: u32,
    done: BTreeSet<u32>,
    warnings: Vec<String>,
    known_warnings: HashSet<String>,
    /// Files that the model names beside itself.
    pub beside: BTreeSet<String>,
    // From here on: of the present helper.
    first_part: usize,
    pending_parts: Vec<Part>,
    pending_instances: Vec<Instance>,
    current: Option<(u32, String)>,
    in_batch: bool,
}

impl Assembly {
    /// A new helper begins; what its predecessor left unfinished is forgotten.
    pub fn begin(&mut self) {
        self.pending_parts.clear();
        self.pending_instances.clear();
        self.first_part = self.model.parts.len();
        self.current = None;
        self.in_batch = false;
    }

    /// Takes one frame. An error when a helper in its right mind would not have sent it.
    pub fn take(&mut self, message: Message) -> Result<(), String> {
        match message {
            Message::Header(header) => {
                if !(header.mm_per_unit.is_finite() && header.mm_per_unit > 0.0) {
                    return Err(format!("it says that a unit has {} mm", header.mm_per_unit));
                }
                if self.header.is_none() {
                    self.steps = header.steps;
                }
                self.header = Some(header);
            }
            Message::StepBegins(step, entity) => {
                self.current = Some((step, entity));
                self.in_batch = false;
            }
            Message::BatchBegins => self.in_batch = true,
            Message::StepDone(step) => self.commit(step),
            Message::Part(part) => self.pending_parts.push(part),
            Message::Placement(placement) => {
                let instance = self.instance(placement)?;
                self.pending_instances.push(instance);
            }
            Message::Warning(text) => self.warn(text),
            Message::Beside(name) => _ = self.beside.insert(name),
            Message::Progress(..) | Message::Failed(..) | Message::Finished => {}
        }
        Ok(())
    }

    /// Adds a warning; the same one from two helpers counts once.
    pub fn warn(&mut self, text: String) {
        if self.known_warnings.insert(text.clone()) {
            self.warnings.push(text);
        }
    }

    /// Where the present helper is, or was when it died.
    pub fn culprit(&self) -> Culprit {
        match &self.current {
            _ if self.in_batch => Culprit::Batch,
            Some((step, entity)) if !self.done.contains(step) => Culprit::Step(*step, entity.clone()),
            _ => Culprit::None,
        }
    }

    /// What the file says about itself, once known.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Steps whose result is in the model.
    pub fn done(&self) -> &BTreeSet<u32> {
        &self.done
    }

    /// Steps of the file that are not in the model: neither whole nor, as far as known, in parts.
    pub fn missing(&self, given_up: &BTreeSet<u32>) -> usize {
        (0..self.steps).filter(|step| !self.done.contains(step) && !given_up.contains(step)).count()
    }

    /// True while nothing was placed.
    pub fn is_empty(&self) -> bool {
        self.model.instances.is_empty()
    }

    /// The model and the warnings.
    pub fn finish(self) -> (rr_scene::Assembly, Vec<String>) {
        (self.model, self.warnings)
    }

    fn commit(&mut self, step: u32) {
        self.model.parts.append(&mut self.pending_parts);
        self.model.instances.append(&mut self.pending_instances);
        self.done.insert(step);
        self.in_batch = false;
    }

    fn instance(&self, placement: Placement) -> Result<Instance, String> {
        let known = self.model.parts.len() + self.pending_parts.len();
        let index = self.first_part + placement.part as usize;
        let part = u32::try_from(index).ok().filter(|_| index < known);
        let part = part.ok_or_else(|| format!("it places part {} before delivering it", placement.part))?;
        let [a, b, c, x, d, e, f, y, g, h, i, z] = placement.matrix;
        let rows = DMat3::from_cols_array(&[a, b, c, d, e, f, g, h, i]);
        let placed = DAffine3::from_mat3_translation(rows.transpose(), DVec3::new(x, y, z));
        let model_from_part: Affine3A = placed.as_affine3a();
        if !model_from_part.is_finite() {
            return Err(format!("it places part {} at infinity", placement.part));
        }
        Ok(Instance { part, name: placement.name, model_from_part, colour: placement.colour })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(steps: u32) -> Message {
        let (unit_name, system) = (String::new(), String::new());
        Message::Header(Header { unit_flag: 2, unit_name, mm_per_unit: 1.0, system, entities: 9, steps })
    }

    fn part(name: &str) -> Message {
        Message::Part(Part { name: name.into(), ..Part::default() })
    }

    fn placement(part: u32) -> Message {
        let matrix = [1.0, 0.0, 0.0, 7.0, 0.0, 1.0, 0.0, 8.0, 0.0, 0.0, 1.0, 9.0];
        Message::Placement(Placement { part, name: "x".into(), matrix, colour: None })
    }

    fn take(assembly: &mut Assembly, messages: impl IntoIterator<Item = Message>) {
        messages.into_iter().for_each(|m| assembly.take(m).unwrap());
    }

    #[test]
    fn what_a_dying_helper_left_unfinished_is_forgotten() {
        let mut assembly = Assembly::default();
        assembly.begin();
        let begins = |step| Message::StepBegins(step, format!("D{step}"));
        take(&mut assembly, [header(3), begins(0), part("a"), placement(0), Message::StepDone(0)]);
        take(&mut assembly, [begins(1), part("b"), placement(1)]);
        assert_eq!(assembly.culprit(), Culprit::Step(1, "D1".into()));
        assembly.begin();
        assert_eq!(assembly.culprit(), Culprit::None);
        take(&mut assembly, [header(3), begins(2), part("c"), placement(0), placement(0), Message::StepDone(2)]);
        assert_eq!(assembly.missing(&BTreeSet::from([1])), 0);
        let (model, _) = assembly.finish();
        assert_eq!(model.parts.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(model.instances.iter().map(|i| i.part).collect::<Vec<_>>(), [0, 1, 1]);
        assert_eq!(model.instances[0].model_from_part.translation.to_array(), [7.0, 8.0, 9.0]);
    }

    #[test]
    fn a_part_cannot_be_placed_before_it_is_there() {
        let mut assembly = Assembly::default();
        assembly.begin();
        take(&mut assembly, [header(1), part("a"), placement(0), Message::StepDone(0)]);
        assert!(assembly.take(placement(1)).is_err());
        assembly.begin();
        assert!(assembly.take(placement(0)).is_err(), "parts of an earlier helper have no number any more");
    }

    #[test]
    fn a_crash_while_several_steps_are_delivered_blames_none_of_them() {
        let mut assembly = Assembly::default();
        assembly.begin();
        take(&mut assembly, [header(2), Message::StepBegins(1, "D3".into()), Message::BatchBegins]);
        assert_eq!(assembly.culprit(), Culprit::Batch);
        take(&mut assembly, [Message::StepDone(0), Message::StepDone(1)]);
        assert_eq!(assembly.culprit(), Culprit::None);
    }
}
