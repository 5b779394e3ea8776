//! Undo and redo over commands.
//!
//! Steps of a drag that follow each other closely are one step for the person who takes them back: the caller says so
//! by giving them the same group.

use crate::command::{Command, CommandError, Event, Role};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many steps can be taken back.
pub const MAX_STEPS: usize = 500;

/// Names steps that belong together, such as one drag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(pub u64);

#[derive(Debug, Clone, PartialEq)]
struct Step {
    group: Option<Group>,
    /// Applied in order they take the step back.
    undo: Vec<Command>,
}

/// What was done and can be taken back. Copies share their steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    undo: VecDeque<Arc<Step>>,
    redo: Vec<Arc<Step>>,
}

/// A history outside of the program: each step is what takes it back, in order, oldest step first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// What can be taken back.
    #[serde(default)]
    pub undo: VecDeque<Vec<Command>>,
    /// What can be done again.
    #[serde(default)]
    pub redo: VecDeque<Vec<Command>>,
}

impl History {
    /// Applies a command and remembers how to take it back.
    pub fn apply(
        &mut self,
        workspace: &mut Workspace,
        command: &Command,
        role: Role,
        group: Option<Group>,
    ) -> Result<Vec<Event>, CommandError> {
        let (events, undo) = workspace.apply(command, role)?;
        self.redo.clear();
        let same = |s: &&mut Arc<Step>| group.is_some() && s.group == group;
        if let (Some(last), Command::SetTransform { id, .. }) = (self.undo.back_mut().filter(same), command)
            && last.undo.iter().any(|c| matches!(c, Command::SetTransform { id: other, .. } if other == id))
        {
            // The place before the drag is remembered already.
            return Ok(events);
        }
        match self.undo.back_mut().filter(same) {
            Some(last) => {
                let last = Arc::make_mut(last);
                let earlier = std::mem::replace(&mut last.undo, undo);
                last.undo.extend(earlier);
            }
            None => {
                if self.undo.len() == MAX_STEPS {
                    self.undo.pop_front();
                }
                self.undo.push_back(Arc::new(Step { group, undo }));
            }
        }
        Ok(events)
    }

    /// Takes the last step back. Nothing to take back yields no events.
    pub fn undo(&mut self, workspace: &mut Workspace) -> Result<Vec<Event>, CommandError> {
        let Some(step) = self.undo.pop_back() else { return Ok(Vec::new()) };
        let (events, step) = replay(workspace, &step)?;
        self.redo.push(Arc::new(step));
        Ok(events)
    }

    /// Does again what was taken back last.
    pub fn redo(&mut self, workspace: &mut Workspace) -> Result<Vec<Event>, CommandError> {
        let Some(step) = self.redo.pop() else { return Ok(Vec::new()) };
        let (events, step) = replay(workspace, &step)?;
        self.undo.push_back(Arc::new(step));
        Ok(events)
    }

    /// True when something can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// True when something can be done again.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// The last steps, as many as have room in `most_bytes` of JSON, changed by `f` before. What can be taken back goes
    /// before what can be done again.
    #[must_use]
    pub fn steps(&self, most_bytes: usize, f: impl Fn(&mut Command)) -> Steps {
        let mut room = most_bytes;
        let mut take = |newest_first: &mut dyn Iterator<Item = &Arc<Step>>| {
            let mut all = VecDeque::new();
            for step in newest_first {
                let mut undo = step.undo.clone();
                undo.iter_mut().for_each(&f);
                let bytes = serde_json::to_vec(&undo).map_or(usize::MAX, |json| json.len());
                // One that is left out would make those before it wrong.
                let Some(left) = room.checked_sub(bytes) else {
                    room = 0;
                    break;
                };
                room = left;
                all.push_front(undo);
            }
            all
        };
        let undo = take(&mut self.undo.iter().rev());
        let redo = take(&mut self.redo.iter().rev());
        Steps { undo, redo }
    }

    /// From outside. Steps that do not fit the workspace are refused when their turn comes.
    #[must_use]
    pub fn of(mut steps: Steps) -> Self {
        let too_many = |steps: &VecDeque<Vec<Command>>| steps.len().saturating_sub(MAX_STEPS);
        steps.undo.drain(..too_many(&steps.undo));
        steps.redo.drain(..too_many(&steps.redo));
        let step = |undo| Arc::new(Step { group: None, undo });
        Self { undo: steps.undo.into_iter().map(step).collect(), redo: steps.redo.into_iter().map(step).collect() }
    }
}

fn replay(workspace: &mut Workspace, step: &Step) -> Result<(Vec<Event>, Step), CommandError> {
    let mut events = Vec::new();
    let mut inverse = Vec::new();
    for command in &step.undo {
        // The step was allowed when it was made, so taking it back is allowed too.
        match workspace.apply(command, Role::Admin) {
            Ok((mut e, undo)) => {
                events.append(&mut e);
                inverse.splice(0..0, undo);
            }
            Err(error) => {
                // One from outside may not fit: then nothing of it is done.
                for command in &inverse {
                    let _ = workspace.apply(command, Role::Admin);
                }
                return Err(error);
            }
        }
    }
    Ok((events, Step { group: None, undo: inverse }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Connection, Device, Transform};
    use glam::Vec3;

    fn start() -> (Workspace, History) {
        let mut ws = Workspace::new("w");
        let mut history = History::default();
        for id in ["a", "b"] {
            let device = Device {
                id: id.into(),
                name: id.into(),
                kind: Default::default(),
                model: None,
                transform: Transform::default(),
                properties: Default::default(),
            };
            history.apply(&mut ws, &Command::AddDevice(device), Role::Admin, None).unwrap();
        }
        (ws, history)
    }

    fn move_to(x: f32) -> Command {
        Command::SetTransform { id: "a".into(), transform: Transform::at(Vec3::new(x, 0.0, 0.0)) }
    }

    fn x_of_a(ws: &Workspace) -> f32 {
        ws.device(&"a".into()).unwrap().transform.position.x
    }

    #[test]
    fn a_drag_is_one_step() {
        let (mut ws, mut history) = start();
        for x in 1..=20 {
            history.apply(&mut ws, &move_to(x as f32), Role::Engineer, Some(Group(7))).unwrap();
        }
        history.apply(&mut ws, &move_to(50.0), Role::Engineer, Some(Group(8))).unwrap();
        history.undo(&mut ws).unwrap();
        assert_eq!(x_of_a(&ws), 20.0);
        history.undo(&mut ws).unwrap();
        assert_eq!(x_of_a(&ws), 0.0);
        history.redo(&mut ws).unwrap();
        assert_eq!(x_of_a(&ws), 20.0);
        history.redo(&mut ws).unwrap();
        assert_eq!(x_of_a(&ws), 50.0);
        assert!(!history.can_redo());
    }

    #[test]
    fn a_removed_device_comes_back_with_its_connections_and_goes_again() {
        let (mut ws, mut history) = start();
        let link = Connection { id: "l".into(), source: "a".into(), target: "b".into(), kind: "data".into() };
        history.apply(&mut ws, &Command::AddConnection(link), Role::Admin, None).unwrap();
        let full = ws.clone();
        history.apply(&mut ws, &Command::RemoveDevice("a".into()), Role::Admin, None).unwrap();
        let removed = ws.clone();
        history.undo(&mut ws).unwrap();
        assert_eq!(ws, full);
        history.redo(&mut ws).unwrap();
        assert_eq!(ws, removed);
        history.undo(&mut ws).unwrap();
        assert_eq!(ws, full);
    }

    #[test]
    fn a_new_change_forgets_what_was_taken_back() {
        let (mut ws, mut history) = start();
        history.apply(&mut ws, &move_to(1.0), Role::Engineer, None).unwrap();
        history.undo(&mut ws).unwrap();
        history.apply(&mut ws, &move_to(2.0), Role::Engineer, None).unwrap();
        assert!(history.redo(&mut ws).unwrap().is_empty());
        assert_eq!(x_of_a(&ws), 2.0);
    }

    #[test]
    fn a_refused_command_leaves_no_step() {
        let (mut ws, mut history) = start();
        let before = history.undo.len();
        assert!(history.apply(&mut ws, &move_to(1.0), Role::Viewer, None).is_err());
        assert_eq!(history.undo.len(), before);
    }

    #[test]
    fn steps_go_on_elsewhere() {
        let (mut ws, mut history) = start();
        for x in 1..=3 {
            history.apply(&mut ws, &move_to(x as f32 / 3.0), Role::Engineer, None).unwrap();
        }
        history.apply(&mut ws, &Command::RemoveDevice("b".into()), Role::Admin, None).unwrap();
        history.undo(&mut ws).unwrap();
        history.undo(&mut ws).unwrap();
        let json = serde_json::to_string(&history.steps(usize::MAX, |_| {})).unwrap();
        let mut elsewhere = History::of(serde_json::from_str(&json).unwrap());
        assert_eq!(elsewhere, history, "to the last bit");
        let mut there = ws.clone();
        for _ in 0..4 {
            assert_eq!(elsewhere.redo(&mut there).unwrap(), history.redo(&mut ws).unwrap());
        }
        for _ in 0..9 {
            assert_eq!(elsewhere.undo(&mut there).unwrap(), history.undo(&mut ws).unwrap());
            assert_eq!(there, ws);
        }
    }

    #[test]
    fn the_newest_steps_have_the_room() {
        let (mut ws, mut history) = start();
        for x in 0..100 {
            history.apply(&mut ws, &move_to(x as f32), Role::Engineer, None).unwrap();
        }
        history.undo(&mut ws).unwrap();
        let all = history.steps(usize::MAX, |_| {});
        assert_eq!((all.undo.len(), all.redo.len()), (101, 1));
        let some = history.steps(1_000, |_| {});
        let bytes = serde_json::to_vec(&some).unwrap().len();
        assert!((500..1_100).contains(&bytes) && some.redo.is_empty(), "{bytes}");
        assert_eq!(some.undo.back(), all.undo.back());
        assert_eq!(history.steps(0, |_| {}), Steps::default());
        // A text from outside is no larger than one of ours may be.
        let many = std::iter::repeat_n(all.undo[0].clone(), 2 * MAX_STEPS).collect();
        assert_eq!(History::of(Steps { undo: many, ..Steps::default() }).undo.len(), MAX_STEPS);
    }

    #[test]
    fn a_step_that_does_not_fit_changes_nothing() {
        let (mut ws, _) = start();
        let before = ws.clone();
        let step = vec![move_to(4.0), Command::RemoveDevice("nobody".into())];
        let mut history = History::of(Steps { undo: [step].into(), ..Steps::default() });
        assert!(history.undo(&mut ws).is_err());
        assert_eq!(ws, before);
        assert!(!history.can_undo() && !history.can_redo());
    }
}
