//! The document: devices, connections, named views.

use crate::camera::Camera;
use crate::connections::Connections;
use crate::geometry::{Unit, UpAxis};
use glam::{Affine3A, Quat, Vec3};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(s: &str) -> Self {
                Self(s.to_owned())
            }
        }
    };
}

id_type!(
    /// Names a device within its workspace: letters, digits, `-`, `_` and `.`, at most 64 bytes.
    DeviceId
);
id_type!(
    /// Names a connection within its workspace; same rules as [`DeviceId`].
    ConnectionId
);

/// What a device is. Unknown kinds of newer files are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A whole line.
    ProductionLine,
    /// A place where work is done.
    WorkCenter,
    /// A jointed robot.
    RobotArm,
    /// Moves goods along a path.
    Conveyor,
    /// A machine tool in its housing.
    MachiningCell,
    /// Carries goods.
    Pallet,
    /// A measuring device.
    Sensor,
    /// Anything else.
    #[default]
    Equipment,
    /// A kind this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl DeviceKind {
    /// The kinds a person may choose.
    pub const KNOWN: [Self; 8] = [
        Self::ProductionLine,
        Self::WorkCenter,
        Self::RobotArm,
        Self::Conveyor,
        Self::MachiningCell,
        Self::Pallet,
        Self::Sensor,
        Self::Equipment,
    ];

    /// Name in files and messages, such as `robot_arm`.
    pub fn name(&self) -> &str {
        match self {
            Self::ProductionLine => "production_line",
            Self::WorkCenter => "work_center",
            Self::RobotArm => "robot_arm",
            Self::Conveyor => "conveyor",
            Self::MachiningCell => "machining_cell",
            Self::Pallet => "pallet",
            Self::Sensor => "sensor",
            Self::Equipment => "equipment",
            Self::Other(name) => name,
        }
    }

    /// Kind of that name; unknown names become [`DeviceKind::Other`].
    pub fn from_name(name: &str) -> Self {
        Self::KNOWN.into_iter().find(|k| k.name() == name).unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

/// A property's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PropertyValue {
    /// true or false
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
}

impl fmt::Display for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Number(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// The file behind a device and how to read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelRef {
    /// Path of the file; relative to the workspace file where possible.
    pub path: String,
    /// Unit to use instead of what the file declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Axis of the file that points up, instead of what its format declares (Z where it declares nothing).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<UpAxis>,
}

/// Where a device stands: rotated about its origin, scaled evenly, then moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// Metres.
    pub position: Vec3,
    /// Unit quaternion x, y, z, w.
    #[serde(default)]
    pub rotation: Quat,
    /// Even scale, greater than zero.
    #[serde(default = "one")]
    pub scale: f32,
}

fn one() -> f32 {
    1.0
}

impl Default for Transform {
    fn default() -> Self {
        Self { position: Vec3::ZERO, rotation: Quat::IDENTITY, scale: 1.0 }
    }
}

impl Transform {
    /// A transform that only moves.
    pub fn at(position: Vec3) -> Self {
        Self { position, ..Self::default() }
    }

    /// From the device's model space to the world.
    pub fn world_from_device(&self) -> Affine3A {
        Affine3A::from_scale_rotation_translation(Vec3::splat(self.scale), self.rotation, self.position)
    }

    /// True when every number is finite, the scale positive and the rotation a rotation.
    pub fn is_valid(&self) -> bool {
        self.position.is_finite()
            && self.rotation.is_finite()
            && (self.rotation.length() - 1.0).abs() < 1e-3
            && self.scale.is_finite()
            && self.scale > 0.0
    }
}

/// A placed machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Unique in the workspace.
    pub id: DeviceId,
    /// Shown to people.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: DeviceKind,
    /// Geometry; a device without one is drawn as a marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
    /// Where it stands.
    #[serde(default)]
    pub transform: Transform,
    /// Whatever else is known about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
}

/// A directed link between two devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Unique in the workspace.
    pub id: ConnectionId,
    /// Where the flow starts.
    pub source: DeviceId,
    /// Where it ends.
    pub target: DeviceId,
    /// Such as `production_flow`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A camera people can come back to by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedView {
    /// Shown to people, unique in the workspace.
    pub name: String,
    /// What it looks at.
    pub camera: Camera,
}

/// The whole document. Change it through [`crate::Command`]s only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workspace {
    /// Shown to people.
    pub name: String,
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    pub(crate) connections: Connections,
    pub(crate) views: Vec<NamedView>,
}

impl Workspace {
    /// An empty workspace of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// All devices in the order of their ids.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = &Device> {
        self.devices.values()
    }

    /// One device.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// All connections in the order of their ids.
    pub fn connections(&self) -> impl ExactSizeIterator<Item = &Connection> {
        self.connections.iter()
    }

    /// One connection.
    pub fn connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections.get(id)
    }

    /// Named views in the order people gave them.
    pub fn views(&self) -> &[NamedView] {
        &self.views
    }

    /// An id that no device has, made from a name: `Robot arm` becomes `robot-arm`, then `robot-arm-2`, ...
    pub fn free_device_id(&self, name: &str) -> DeviceId {
        DeviceId(free_id(name, "device", |id| self.devices.contains_key(&DeviceId(id.to_owned()))))
    }

    /// An id that no connection has.
    pub fn free_connection_id(&self, source: &DeviceId, target: &DeviceId) -> ConnectionId {
        let name = format!("{source}-to-{target}");
        ConnectionId(free_id(&name, "connection", |id| self.connections.get(&ConnectionId(id.to_owned())).is_some()))
    }
}

/// Longest id in bytes.
pub const MAX_ID_LEN: usize = 64;

/// True for ids that are safe in files, links and logs.
pub fn is_valid_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_ID_LEN
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn free_id(name: &str, fallback: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut base = String::new();
    for c in name.chars() {
        if base.len() >= MAX_ID_LEN - 8 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            base.push(c.to_ascii_lowercase());
        } else if !base.ends_with('-') && !base.is_empty() {
            base.push('-');
        }
    }
    let base = base.trim_end_matches('-');
    let base = if base.is_empty() { fallback } else { base };
    if !taken(base) {
        return base.to_owned();
    }
    (2u32..).map(|n| format!("{base}-{n}")).find(|id| !taken(id)).unwrap_or_else(|| base.to_owned())
}
