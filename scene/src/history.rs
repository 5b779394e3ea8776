//! Undo and redo over commands.
//!
//! Steps of a drag that follow each other closely are one step for the person who takes them back: the caller says so
//! by giving them the same group.

use crate::command::{Command, CommandError, Event, Role};
use crate::workspace::Workspace;
use std::collections::VecDeque;

/// How many steps can be taken back.
pub const MAX_STEPS: usize = 500;

/// Names steps that belong together, such as one drag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(pub u64);

#[derive(Debug, Clone)]
struct Step {
    group: Option<Group>,
    /// Applied in order they take the step back.
    undo: Vec<Command>,
}

/// What was done and can be taken back.
#[derive(Debug, Clone, Default)]
pub struct History {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
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
        let same = |s: &&mut Step| group.is_some() && s.group == group;
        if let (Some(last), Command::SetTransform { id, .. }) = (self.undo.back_mut().filter(same), command)
            && last.undo.iter().any(|c| matches!(c, Command::SetTransform { id: other, .. } if other == id))
        {
            // The place before the drag is remembered already.
            return Ok(events);
        }
        match self.undo.back_mut().filter(same) {
            Some(last) => {
                let earlier = std::mem::replace(&mut last.undo, undo);
                last.undo.extend(earlier);
            }
            None => {
                if self.undo.len() == MAX_STEPS {
                    self.undo.pop_front();
                }
                self.undo.push_back(Step { group, undo });
            }
        }
        Ok(events)
    }

    /// Takes the last step back. Nothing to take back yields no events.
    pub fn undo(&mut self, workspace: &mut Workspace) -> Result<Vec<Event>, CommandError> {
        let Some(step) = self.undo.pop_back() else { return Ok(Vec::new()) };
        let (events, step) = replay(workspace, &step)?;
        self.redo.push(step);
        Ok(events)
    }

    /// Does again what was taken back last.
    pub fn redo(&mut self, workspace: &mut Workspace) -> Result<Vec<Event>, CommandError> {
        let Some(step) = self.redo.pop() else { return Ok(Vec::new()) };
        let (events, step) = replay(workspace, &step)?;
        self.undo.push_back(step);
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
}

fn replay(workspace: &mut Workspace, step: &Step) -> Result<(Vec<Event>, Step), CommandError> {
    let mut events = Vec::new();
    let mut inverse = Vec::new();
    for command in &step.undo {
        // The step was allowed when it was made, so taking it back is allowed too.
        let (mut e, undo) = workspace.apply(command, Role::Admin)?;
        events.append(&mut e);
        inverse.splice(0..0, undo);
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
}
