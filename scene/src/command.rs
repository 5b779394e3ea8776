//! The only way to change a workspace: a typed command, checked against the sender's role, that either applies whole
//! and yields events, or says why not and changes nothing.

use crate::camera::Camera;
use crate::workspace::{
    Connection, ConnectionId, Device, DeviceId, DeviceKind, ModelRef, NamedView, PropertyValue, Transform, Workspace,
    is_valid_id,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a person may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks, points, reads details.
    Viewer,
    /// Selects, moves devices, makes connections, takes control.
    Engineer,
    /// Adds and deletes devices, manages people and links.
    Admin,
}

impl Role {
    /// Name in links and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        }
    }

    /// Role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Engineer, Self::Admin].into_iter().find(|r| r.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Most devices in one workspace.
pub const MAX_DEVICES: usize = 20_000;
/// Most connections in one workspace.
pub const MAX_CONNECTIONS: usize = 50_000;
/// Most named views in one workspace.
pub const MAX_VIEWS: usize = 200;
/// Most properties of one device.
pub const MAX_PROPERTIES: usize = 200;
/// Longest name, property or connection type in bytes.
pub const MAX_TEXT_LEN: usize = 256;
/// Farthest coordinate of a device, metres.
pub const MAX_COORDINATE: f32 = 50_000.0;

/// A change somebody asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Places a device. Its id must be free.
    AddDevice(Device),
    /// Takes a device and all its connections away.
    RemoveDevice(DeviceId),
    /// Moves, turns or scales a device.
    SetTransform {
        /// Which device.
        id: DeviceId,
        /// Its new place.
        transform: Transform,
    },
    /// Gives a device another name.
    RenameDevice {
        /// Which device.
        id: DeviceId,
        /// Its new name.
        name: String,
    },
    /// Says what a device is.
    SetKind {
        /// Which device.
        id: DeviceId,
        /// Its new kind.
        kind: DeviceKind,
    },
    /// Gives a device other geometry.
    SetModel {
        /// Which device.
        id: DeviceId,
        /// Its new model, or none.
        model: Option<ModelRef>,
    },
    /// Sets a property, or removes it with `None`.
    SetProperty {
        /// Which device.
        id: DeviceId,
        /// Which property.
        key: String,
        /// Its new value.
        value: Option<PropertyValue>,
    },
    /// Links two devices. The id must be free, and no equal link may exist.
    AddConnection(Connection),
    /// Takes a link away.
    RemoveConnection(ConnectionId),
    /// Adds a named view or replaces the one of that name.
    SaveView(NamedView),
    /// Removes a named view.
    RemoveView(String),
    /// Renames the workspace.
    RenameWorkspace(String),
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The device is new or changed.
    DeviceChanged(DeviceId),
    /// The device is gone.
    DeviceRemoved(DeviceId),
    /// The connection is new.
    ConnectionAdded(ConnectionId),
    /// The connection is gone.
    ConnectionRemoved(ConnectionId),
    /// The list of named views changed.
    ViewsChanged,
    /// The workspace has another name.
    WorkspaceRenamed,
}

/// Why a command was refused. The workspace is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The role does not reach.
    #[error("this needs the role {needed}; you are {is}")]
    Forbidden {
        /// Smallest role that may do it.
        needed: Role,
        /// Role of the sender.
        is: Role,
    },
    /// No such device.
    #[error("there is no device \"{0}\"")]
    NoDevice(DeviceId),
    /// No such connection.
    #[error("there is no connection \"{0}\"")]
    NoConnection(ConnectionId),
    /// No such view.
    #[error("there is no view \"{0}\"")]
    NoView(String),
    /// The id is taken.
    #[error("the id \"{0}\" is taken")]
    IdTaken(String),
    /// The devices are linked like that already.
    #[error("\"{from}\" and \"{to}\" are connected by {kind} already")]
    AlreadyConnected {
        /// Source device.
        from: DeviceId,
        /// Target device.
        to: DeviceId,
        /// Type of the connection.
        kind: String,
    },
    /// A value out of its range.
    #[error("{0}")]
    Invalid(String),
    /// A limit is reached.
    #[error("the workspace is full: no more than {limit} {what}")]
    Full {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

impl Command {
    /// Smallest role that may send it.
    pub fn needed_role(&self) -> Role {
        match self {
            Self::AddDevice(_) | Self::RemoveDevice(_) | Self::SetModel { .. } | Self::RenameWorkspace(_) => {
                Role::Admin
            }
            Self::SetTransform { .. }
            | Self::RenameDevice { .. }
            | Self::SetKind { .. }
            | Self::SetProperty { .. }
            | Self::AddConnection(_)
            | Self::RemoveConnection(_)
            | Self::SaveView(_)
            | Self::RemoveView(_) => Role::Engineer,
        }
    }
}

fn text(what: &str, s: &str) -> Result<(), CommandError> {
    if s.trim().is_empty() {
        return Err(CommandError::Invalid(format!("{what} is empty")));
    }
    if s.len() > MAX_TEXT_LEN || s.chars().any(char::is_control) {
        return Err(CommandError::Invalid(format!(
            "{what} is longer than {MAX_TEXT_LEN} bytes or holds control characters"
        )));
    }
    Ok(())
}

fn new_id(id: &str) -> Result<(), CommandError> {
    if is_valid_id(id) {
        Ok(())
    } else {
        let shown: String = id.chars().take(80).collect();
        Err(CommandError::Invalid(format!(
            "\"{shown}\" is no id: use 1 to {} letters, digits, '-', '_' or '.'",
            crate::workspace::MAX_ID_LEN
        )))
    }
}

fn valid_transform(t: &Transform) -> Result<(), CommandError> {
    if !t.is_valid() || t.position.abs().max_element() > MAX_COORDINATE || !(1e-6..=1e6).contains(&t.scale) {
        return Err(CommandError::Invalid(format!(
            "the transform is out of range: finite numbers within {MAX_COORDINATE} m, a unit quaternion, a scale above 0"
        )));
    }
    Ok(())
}

fn valid_property(key: &str, value: &PropertyValue) -> Result<(), CommandError> {
    text("the property's name", key)?;
    match value {
        PropertyValue::Text(s) if s.len() > 16 * MAX_TEXT_LEN => {
            Err(CommandError::Invalid(format!("the property is longer than {} bytes", 16 * MAX_TEXT_LEN)))
        }
        PropertyValue::Number(n) if !n.is_finite() => {
            Err(CommandError::Invalid("the property is not a finite number".into()))
        }
        _ => Ok(()),
    }
}

fn valid_model(model: &ModelRef) -> Result<(), CommandError> {
    if model.path.trim().is_empty() || model.path.len() > 4096 || model.path.contains('\0') {
        return Err(CommandError::Invalid("the model's path is empty or too long".into()));
    }
    Ok(())
}

impl Workspace {
    /// Applies a command for somebody of that role: all of it, or nothing and an error.
    ///
    /// The second value undoes it: commands to apply in their order.
    pub fn apply(&mut self, command: &Command, role: Role) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        let needed = command.needed_role();
        if role < needed {
            return Err(CommandError::Forbidden { needed, is: role });
        }
        match command {
            Command::AddDevice(device) => self.add_device(device),
            Command::RemoveDevice(id) => self.remove_device(id),
            Command::SetTransform { id, transform } => {
                valid_transform(transform)?;
                self.change(id, |d| {
                    let old = std::mem::replace(&mut d.transform, *transform);
                    Command::SetTransform { id: id.clone(), transform: old }
                })
            }
            Command::RenameDevice { id, name } => {
                text("the name", name)?;
                self.change(id, |d| {
                    let old = std::mem::replace(&mut d.name, name.clone());
                    Command::RenameDevice { id: id.clone(), name: old }
                })
            }
            Command::SetKind { id, kind } => {
                text("the kind", kind.name())?;
                self.change(id, |d| {
                    let old = std::mem::replace(&mut d.kind, kind.clone());
                    Command::SetKind { id: id.clone(), kind: old }
                })
            }
            Command::SetModel { id, model } => {
                if let Some(model) = model {
                    valid_model(model)?;
                }
                self.change(id, |d| {
                    let old = std::mem::replace(&mut d.model, model.clone());
                    Command::SetModel { id: id.clone(), model: old }
                })
            }
            Command::SetProperty { id, key, value } => {
                let device = self.devices.get(id).ok_or_else(|| CommandError::NoDevice(id.clone()))?;
                if let Some(value) = value {
                    valid_property(key, value)?;
                    if device.properties.len() >= MAX_PROPERTIES && !device.properties.contains_key(key) {
                        return Err(CommandError::Full { what: "properties of a device", limit: MAX_PROPERTIES });
                    }
                }
                self.change(id, |d| {
                    let old = match value {
                        Some(value) => d.properties.insert(key.clone(), value.clone()),
                        None => d.properties.remove(key),
                    };
                    Command::SetProperty { id: id.clone(), key: key.clone(), value: old }
                })
            }
            Command::AddConnection(connection) => self.add_connection(connection),
            Command::RemoveConnection(id) => {
                let old = self.connections.remove(id).ok_or_else(|| CommandError::NoConnection(id.clone()))?;
                Ok((vec![Event::ConnectionRemoved(id.clone())], vec![Command::AddConnection(old)]))
            }
            Command::SaveView(view) => self.save_view(view),
            Command::RemoveView(name) => {
                let at = self.views.iter().position(|v| v.name == *name);
                let old = self.views.remove(at.ok_or_else(|| CommandError::NoView(name.clone()))?);
                Ok((vec![Event::ViewsChanged], vec![Command::SaveView(old)]))
            }
            Command::RenameWorkspace(name) => {
                text("the name", name)?;
                let old = std::mem::replace(&mut self.name, name.clone());
                Ok((vec![Event::WorkspaceRenamed], vec![Command::RenameWorkspace(old)]))
            }
        }
    }

    fn change(
        &mut self,
        id: &DeviceId,
        f: impl FnOnce(&mut Device) -> Command,
    ) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        let device = self.devices.get_mut(id).ok_or_else(|| CommandError::NoDevice(id.clone()))?;
        let undo = f(device);
        Ok((vec![Event::DeviceChanged(id.clone())], vec![undo]))
    }

    fn add_device(&mut self, device: &Device) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        new_id(&device.id.0)?;
        text("the name", &device.name)?;
        text("the kind", device.kind.name())?;
        valid_transform(&device.transform)?;
        if let Some(model) = &device.model {
            valid_model(model)?;
        }
        for (key, value) in &device.properties {
            valid_property(key, value)?;
        }
        if device.properties.len() > MAX_PROPERTIES {
            return Err(CommandError::Full { what: "properties of a device", limit: MAX_PROPERTIES });
        }
        if self.devices.contains_key(&device.id) {
            return Err(CommandError::IdTaken(device.id.0.clone()));
        }
        if self.devices.len() >= MAX_DEVICES {
            return Err(CommandError::Full { what: "devices", limit: MAX_DEVICES });
        }
        self.devices.insert(device.id.clone(), device.clone());
        Ok((vec![Event::DeviceChanged(device.id.clone())], vec![Command::RemoveDevice(device.id.clone())]))
    }

    fn remove_device(&mut self, id: &DeviceId) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        let device = self.devices.remove(id).ok_or_else(|| CommandError::NoDevice(id.clone()))?;
        let mut events = Vec::new();
        let mut undo = vec![Command::AddDevice(device)];
        let touching = |c: &Connection| c.source == *id || c.target == *id;
        let gone: Vec<ConnectionId> = self.connections.iter().filter(|c| touching(c)).map(|c| c.id.clone()).collect();
        for c in gone {
            undo.extend(self.connections.remove(&c).map(Command::AddConnection));
            events.push(Event::ConnectionRemoved(c));
        }
        events.push(Event::DeviceRemoved(id.clone()));
        Ok((events, undo))
    }

    fn add_connection(&mut self, c: &Connection) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        new_id(&c.id.0)?;
        text("the type", &c.kind)?;
        for end in [&c.source, &c.target] {
            if !self.devices.contains_key(end) {
                return Err(CommandError::NoDevice(end.clone()));
            }
        }
        if c.source == c.target {
            return Err(CommandError::Invalid("a device cannot be connected to itself".into()));
        }
        if self.connections.get(&c.id).is_some() {
            return Err(CommandError::IdTaken(c.id.0.clone()));
        }
        if self.connections.has_like(c) {
            let (from, to, kind) = (c.source.clone(), c.target.clone(), c.kind.clone());
            return Err(CommandError::AlreadyConnected { from, to, kind });
        }
        if self.connections.len() >= MAX_CONNECTIONS {
            return Err(CommandError::Full { what: "connections", limit: MAX_CONNECTIONS });
        }
        self.connections.insert(c.clone());
        Ok((vec![Event::ConnectionAdded(c.id.clone())], vec![Command::RemoveConnection(c.id.clone())]))
    }

    fn save_view(&mut self, view: &NamedView) -> Result<(Vec<Event>, Vec<Command>), CommandError> {
        text("the view's name", &view.name)?;
        valid_camera(&view.camera)?;
        let undo = match self.views.iter().position(|v| v.name == view.name) {
            Some(at) => Command::SaveView(std::mem::replace(&mut self.views[at], view.clone())),
            None if self.views.len() >= MAX_VIEWS => {
                return Err(CommandError::Full { what: "named views", limit: MAX_VIEWS });
            }
            None => {
                self.views.push(view.clone());
                Command::RemoveView(view.name.clone())
            }
        };
        Ok((vec![Event::ViewsChanged], vec![undo]))
    }
}

fn valid_camera(camera: &Camera) -> Result<(), CommandError> {
    if camera.is_valid() { Ok(()) } else { Err(CommandError::Invalid("the view's camera is out of range".into())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{Quat, Vec3};

    fn device(id: &str) -> Device {
        Device {
            id: id.into(),
            name: id.into(),
            kind: DeviceKind::Conveyor,
            model: None,
            transform: Transform::default(),
            properties: Default::default(),
        }
    }

    fn link(id: &str, source: &str, target: &str) -> Connection {
        Connection { id: id.into(), source: source.into(), target: target.into(), kind: "production_flow".into() }
    }

    fn line() -> Workspace {
        let mut ws = Workspace::new("line");
        for id in ["a", "b", "c"] {
            ws.apply(&Command::AddDevice(device(id)), Role::Admin).unwrap();
        }
        ws.apply(&Command::AddConnection(link("ab", "a", "b")), Role::Engineer).unwrap();
        ws.apply(&Command::AddConnection(link("bc", "b", "c")), Role::Engineer).unwrap();
        ws
    }

    fn all_commands() -> Vec<Command> {
        vec![
            Command::AddDevice(device("d")),
            Command::RemoveDevice("b".into()),
            Command::SetTransform { id: "a".into(), transform: Transform::at(Vec3::X) },
            Command::RenameDevice { id: "a".into(), name: "A".into() },
            Command::SetKind { id: "a".into(), kind: DeviceKind::RobotArm },
            Command::SetModel {
                id: "a".into(),
                model: Some(ModelRef { path: "x.stl".into(), unit: None, up: Default::default() }),
            },
            Command::SetProperty { id: "a".into(), key: "power".into(), value: Some(PropertyValue::Number(1.5)) },
            Command::AddConnection(link("ac", "a", "c")),
            Command::RemoveConnection("ab".into()),
            Command::SaveView(NamedView { name: "here".into(), camera: Camera::default() }),
            Command::RenameWorkspace("other".into()),
        ]
    }

    #[test]
    fn every_command_is_undone_by_what_it_returns() {
        for command in all_commands() {
            let mut ws = line();
            let before = ws.clone();
            let (events, undo) = ws.apply(&command, Role::Admin).unwrap();
            assert!(!events.is_empty() && ws != before, "{command:?} changed nothing");
            for c in undo {
                ws.apply(&c, Role::Admin).unwrap();
            }
            assert_eq!(ws, before, "{command:?}");
        }
    }

    #[test]
    fn roles_bound_what_a_sender_may_do() {
        for command in all_commands() {
            for role in [Role::Viewer, Role::Engineer, Role::Admin] {
                let mut ws = line();
                let before = ws.clone();
                let outcome = ws.apply(&command, role);
                assert_eq!(outcome.is_ok(), role >= command.needed_role(), "{command:?} by {role}");
                assert!(outcome.is_ok() || ws == before);
            }
            assert!(command.needed_role() > Role::Viewer, "{command:?}: a viewer changes nothing");
        }
    }

    #[test]
    fn refused_commands_say_why_and_change_nothing() {
        let bad_transform = |t| Command::SetTransform { id: "a".into(), transform: t };
        let cases = [
            (Command::RemoveDevice("x".into()), "no device"),
            (Command::RemoveConnection("x".into()), "no connection"),
            (Command::RemoveView("x".into()), "no view"),
            (Command::AddDevice(device("a")), "taken"),
            (Command::AddDevice(device("../x")), "no id"),
            (Command::AddDevice(device("")), "no id"),
            (Command::AddConnection(link("ab", "a", "c")), "taken"),
            (Command::AddConnection(link("n", "a", "b")), "already"),
            (Command::AddConnection(link("n", "a", "a")), "itself"),
            (Command::AddConnection(link("n", "a", "x")), "no device"),
            (bad_transform(Transform::at(Vec3::new(f32::NAN, 0.0, 0.0))), "out of range"),
            (bad_transform(Transform::at(Vec3::new(1e9, 0.0, 0.0))), "out of range"),
            (bad_transform(Transform { scale: 0.0, ..Transform::default() }), "out of range"),
            (
                bad_transform(Transform { rotation: Quat::from_xyzw(0.0, 0.0, 0.0, 2.0), ..Transform::default() }),
                "out of range",
            ),
            (Command::RenameDevice { id: "a".into(), name: "  ".into() }, "empty"),
            (Command::RenameDevice { id: "a".into(), name: "x".repeat(300) }, "longer"),
            (
                Command::SetProperty { id: "a".into(), key: "k".into(), value: Some(PropertyValue::Number(f64::NAN)) },
                "finite",
            ),
            (
                Command::SaveView(NamedView {
                    name: "v".into(),
                    camera: Camera { distance: -1.0, ..Camera::default() },
                }),
                "out of range",
            ),
        ];
        for (command, why) in cases {
            let mut ws = line();
            let before = ws.clone();
            let error = ws.apply(&command, Role::Admin).unwrap_err().to_string();
            assert!(error.contains(why), "{command:?} says \"{error}\"");
            assert_eq!(ws, before);
        }
    }

    #[test]
    fn removing_a_device_removes_its_connections() {
        let mut ws = line();
        let (events, _) = ws.apply(&Command::RemoveDevice("b".into()), Role::Admin).unwrap();
        assert_eq!(ws.connections().len(), 0);
        assert_eq!(events.len(), 3);
    }

    #[test]
    fn what_was_disconnected_may_be_connected_again() {
        let mut ws = line();
        let link = ws.connections().next().unwrap().clone();
        let again = Connection { id: "again".into(), ..link.clone() };
        let connect = |ws: &mut Workspace| ws.apply(&Command::AddConnection(again.clone()), Role::Admin).map(drop);
        assert!(matches!(connect(&mut ws), Err(CommandError::AlreadyConnected { .. })));
        ws.apply(&Command::RemoveConnection(link.id), Role::Admin).unwrap();
        connect(&mut ws).unwrap();
        let other = Connection { id: "other".into(), kind: "another kind".into(), ..again.clone() };
        ws.apply(&Command::AddConnection(other), Role::Admin).unwrap();
        ws.apply(&Command::RemoveDevice(again.source), Role::Admin).unwrap();
        assert_eq!(ws.connections().map(|c| c.id.0.as_str()).collect::<Vec<_>>(), ["bc"]);
    }
}
