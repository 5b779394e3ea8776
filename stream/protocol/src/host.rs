//! Messages from the host to a viewer over the `state` channel.

use super::token::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// One message: `{"type": ..., "timestamp": ms, "data": {...}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct HostMessage {
    /// Milliseconds since the host started.
    pub timestamp: f64,
    /// What it is about.
    #[serde(flatten)]
    #[ts(flatten)]
    pub body: HostBody,
}

/// The types of messages to a viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", content = "data")]
pub enum HostBody {
    /// Everything. First message on the channel, and whenever a difference would say more.
    #[serde(rename = "state:full")]
    StateFull(FullState),
    /// What changed since the message before.
    #[serde(rename = "state:update")]
    StateUpdate(StateUpdate),
    /// Who is here.
    #[serde(rename = "presence")]
    Presence(Presence),
    /// The last input of this viewer that was applied.
    #[serde(rename = "ack")]
    Ack(Ack),
    /// What a picture shows that goes out to this viewer; only for those who asked by `picture:watch`.
    #[serde(rename = "picture")]
    Picture(Picture),
    /// How fast the host is and what it drew; only for those who asked by `stats:watch`, at most once a second.
    #[serde(rename = "stats")]
    Stats(crate::stats::HostStats),
    /// A message of this viewer was refused and changed nothing, or something went wrong that a person should know.
    #[serde(rename = "error")]
    Error(HostError),
    /// A piece of a message too long for one: join `text` of `index` 0 to `count` - 1 and parse the whole.
    #[serde(rename = "part")]
    Part(Part),
}

/// A property's value: true or false, a number, or text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
pub enum Property {
    /// true or false
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
}

/// A placed machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceState {
    /// Unique in the workspace.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Such as `conveyor`.
    pub kind: String,
    /// Metres, Y up.
    pub position: [f32; 3],
    /// Unit quaternion x, y, z, w.
    pub rotation: [f32; 4],
    /// Even scale.
    pub scale: f32,
    /// Smallest and largest corner of its box in the world, metres.
    pub bounds: Bounds,
    /// Whether its geometry is loaded.
    pub model: ModelState,
    /// Whatever is known about it.
    pub properties: BTreeMap<String, Property>,
}

/// An axis-aligned box, metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Bounds {
    /// Smallest coordinates.
    pub min: [f32; 3],
    /// Largest coordinates.
    pub max: [f32; 3],
}

/// State of a device's geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "lowercase")]
pub enum ModelState {
    /// It has none.
    None,
    /// Being read.
    Loading,
    /// In the picture.
    Ready,
    /// Could not be read; a marker stands for it.
    Failed,
}

/// A directed link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionState {
    /// Unique in the workspace.
    pub id: String,
    /// Where the flow starts.
    pub source_device_id: String,
    /// Where it ends.
    pub target_device_id: String,
    /// Such as `production_flow`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The camera of the picture. With it a viewer can place things over the video.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct CameraState {
    /// The point in the middle of the picture, metres.
    pub target: [f32; 3],
    /// From the target to the eye, metres.
    pub distance: f32,
    /// Turn about the vertical, radians: 0 looks along -z, growing moves the eye towards +x.
    pub yaw: f32,
    /// Height of the eye above the target's horizon, radians.
    pub pitch: f32,
    /// Vertical field of view, radians.
    pub fov_y: f32,
}

/// A measurement: of one thing, or between two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementState {
    /// Unique in the session.
    pub id: u32,
    /// The participant who made it.
    pub participant_id: u32,
    /// Their next `measure:pick` gives its second thing.
    pub is_open: bool,
    /// The most telling value, as the picture shows it, such as `R 12.50 mm`.
    pub label: String,
    /// One or two.
    pub things: Vec<MeasuredThing>,
    /// Everything that is known, the most telling first.
    pub facts: Vec<FactState>,
}

/// Something that is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredThing {
    /// Whose it is.
    pub device_id: String,
    /// What it is.
    pub kind: crate::client::MeasureKind,
}

/// One number of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct FactState {
    /// Stable, for programs.
    pub quantity: QuantityName,
    /// For people, such as `Distance`.
    pub name: String,
    /// Metres, or radians of angles.
    pub value: f64,
    /// How far it may be off, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<f64>,
    /// For people, with its unit, such as `12.50 mm`.
    pub text: String,
}

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub enum QuantityName {
    /// Between the two points, or the nearest points of edges.
    Distance,
    /// Part of a distance along the x axis.
    DeltaX,
    /// Part of a distance along the y axis, upwards.
    DeltaY,
    /// Part of a distance along the z axis.
    DeltaZ,
    /// Between parallel planes or lines, or from a point to a plane, straight across.
    Gap,
    /// Between the middles of two circles, or from a point to the middle of one.
    Centres,
    /// Along an edge.
    Length,
    /// Of a circular edge.
    Radius,
    /// Of a circular edge.
    Diameter,
    /// How far an arc goes around.
    Sweep,
    /// Between straight edges, flat faces, or one of each.
    Angle,
    /// Coordinate of a point.
    X,
    /// Coordinate of a point: height above the floor.
    Y,
    /// Coordinate of a point.
    Z,
}

/// A section plane in force.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SectionState {
    /// Of unit length; points to the side that is cut away.
    pub normal: [f32; 3],
    /// Metres from the origin along the normal.
    pub offset: f32,
}

/// Size of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureSize {
    /// Pixels.
    pub width_px: u32,
    /// Pixels.
    pub height_px: u32,
}

/// Everything a viewer shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct FullState {
    /// [`crate::PROTOCOL_VERSION`] of the host.
    pub protocol_version: u32,
    /// Grows with every change.
    #[ts(type = "number")]
    pub revision: u64,
    /// Name of the workspace.
    pub workspace: String,
    /// All devices.
    pub devices: Vec<DeviceState>,
    /// All connections.
    pub connections: Vec<ConnectionState>,
    /// Ids of the selected devices.
    pub selection: Vec<String>,
    /// What people measured, oldest first.
    pub measurements: Vec<MeasurementState>,
    /// The camera.
    pub camera: CameraState,
    /// The section planes in force; what any of them has beyond it is cut away.
    pub section: Vec<SectionState>,
    /// Size of the picture that the camera fills.
    pub picture: PictureSize,
    /// Names of the workspace's views.
    pub views: Vec<String>,
    /// Who this viewer is.
    pub you: You,
}

/// Who the receiver of a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct You {
    /// Id among the participants.
    pub participant_id: u32,
    /// What this viewer may do.
    pub role: Role,
}

/// What changed; absent fields did not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(optional_fields)]
pub struct StateUpdate {
    /// Grows with every change.
    #[ts(type = "number")]
    pub revision: u64,
    /// New name of the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Devices that are new or changed, whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<DeviceState>>")]
    pub devices: Vec<DeviceState>,
    /// Ids of devices that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>")]
    pub removed_devices: Vec<String>,
    /// Connections that are new or changed, whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<ConnectionState>>")]
    pub connections: Vec<ConnectionState>,
    /// Ids of connections that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>")]
    pub removed_connections: Vec<String>,
    /// Measurements that are new or changed, whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<MeasurementState>>")]
    pub measurements: Vec<MeasurementState>,
    /// Ids of measurements that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<u32>>")]
    pub removed_measurements: Vec<u32>,
    /// The new selection, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Vec<String>>,
    /// The new camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraState>,
    /// The new section planes, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Vec<SectionState>>,
    /// The new size of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureSize>,
    /// The new list of views.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<Vec<String>>,
}

impl StateUpdate {
    /// True when it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self { revision: self.revision, ..Self::default() }
    }
}

/// Who is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Everybody, the engineer at the workstation included.
    pub participants: Vec<Participant>,
    /// Who steers the camera; nobody when everybody may.
    pub presenter: Option<u32>,
}

/// Somebody in the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Unique in the session.
    pub id: u32,
    /// Shown to people.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where their pointer is in the picture.
    pub pointer: Option<crate::client::Point>,
}

/// An input was applied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// `timestamp` of the last message that was applied.
    pub input_timestamp: f64,
    /// `seq` of that message.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
    /// Number of the first frame that shows it; null as long as none does.
    #[ts(type = "number | null")]
    pub frame: Option<u64>,
    /// RTP timestamp of that frame, as `requestVideoFrameCallback` reports it.
    pub rtp_timestamp: Option<u32>,
    /// What the host did between the message and that frame; null when there is no frame.
    #[serde(default)]
    pub stages: Option<HostStages>,
}

/// The stations of an input on its way through the host. All of them are milliseconds since the host received the message,
/// by the host's clock: they need no common one. Each is at least as large as the one before.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct HostStages {
    /// The input was applied, and the frame that shows it was begun.
    pub begun_ms: f32,
    /// It was drawn and read back.
    pub drawn_ms: f32,
    /// It was encoded.
    pub encoded_ms: f32,
    /// Its first packet went out.
    pub sent_ms: f32,
}

/// A picture that goes out. With it a viewer knows from where it sees what is on its screen, and can tell what the
/// inputs that are still on their way will make of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// Names it, as in `ack`.
    pub rtp_timestamp: u32,
    /// The camera it was drawn with.
    pub camera: CameraState,
    /// `seq` of the last message of this viewer that it shows; null when it shows none. Earlier ones are shown, too, or
    /// were lost.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
}

/// Something was refused or went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct HostError {
    /// Stable, for programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: String,
    /// `seq` of the message that was refused.
    #[ts(type = "number | null")]
    pub seq: Option<u64>,
}

/// Kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The message is not of this protocol.
    Malformed,
    /// The role does not reach, or somebody else is presenter.
    Forbidden,
    /// The thing named is not there.
    NotFound,
    /// A value out of range or in conflict with the workspace.
    Invalid,
    /// More messages than are taken; the sender is disconnected when it goes on.
    TooMany,
    /// The link is not valid or not any longer.
    Unauthorized,
    /// No more viewers fit.
    Full,
    /// The host is ending, or this session of it; coming back may work.
    Closing,
    /// The engineer has sent this viewer away.
    Removed,
    /// The host has trouble of its own.
    Internal,
}

/// A piece of a long message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Part {
    /// Which long message.
    pub id: u32,
    /// Which piece, from 0.
    pub index: u32,
    /// How many pieces.
    pub count: u32,
    /// The piece.
    pub text: String,
}

impl HostMessage {
    /// The texts to send for this message: itself, or pieces of it when it is longer than
    /// [`crate::MAX_HOST_MESSAGE_LEN`]. `id` names it among the long messages of one channel.
    pub fn to_texts(&self, id: u32) -> Result<Vec<String>, serde_json::Error> {
        let whole = serde_json::to_string(self)?;
        if whole.len() <= crate::MAX_HOST_MESSAGE_LEN {
            return Ok(vec![whole]);
        }
        // Quoting may double a piece, so that half the limit keeps the text of each within it.
        let pieces = split_at_chars(&whole, crate::MAX_HOST_MESSAGE_LEN / 2);
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        pieces
            .into_iter()
            .zip(0u32..)
            .map(|(text, index)| {
                let body = HostBody::Part(Part { id, index, count, text: text.to_owned() });
                serde_json::to_string(&Self { timestamp: self.timestamp, body })
            })
            .collect()
    }
}

fn split_at_chars(text: &str, len: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > len {
        let mut at = len;
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        let (piece, tail) = rest.split_at(at);
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_names_only_what_changed() {
        let update = StateUpdate { revision: 4, selection: Some(vec![]), ..StateUpdate::default() };
        let message = HostMessage { timestamp: 1.0, body: HostBody::StateUpdate(update) };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(text, r#"{"timestamp":1.0,"type":"state:update","data":{"revision":4,"selection":[]}}"#);
        assert!(StateUpdate { revision: 9, ..StateUpdate::default() }.is_empty());
    }

    #[test]
    fn an_answer_without_stages_is_one_of_an_older_host() {
        let text =
            r#"{"timestamp":1,"type":"ack","data":{"inputTimestamp":5.5,"seq":3,"frame":null,"rtpTimestamp":null}}"#;
        let HostBody::Ack(ack) = serde_json::from_str::<HostMessage>(text).unwrap().body else { panic!() };
        assert_eq!((ack.seq, ack.stages), (Some(3), None));
        let stages = HostStages { begun_ms: 1.5, drawn_ms: 20.0, encoded_ms: 27.25, sent_ms: 27.5 };
        let json = serde_json::to_value(Ack { stages: Some(stages), ..ack }).unwrap();
        assert_eq!((json["stages"]["begunMs"].as_f64(), json["stages"]["sentMs"].as_f64()), (Some(1.5), Some(27.5)));
    }

    #[test]
    fn long_messages_travel_in_pieces() {
        let message = |text: String| HostMessage {
            timestamp: 5.0,
            body: HostBody::Error(HostError { code: ErrorCode::Internal, message: text, seq: None }),
        };
        let long = message("ä\"\\".repeat(30_000));
        let texts = long.to_texts(3).unwrap();
        assert!(texts.len() > 2);
        let mut joined = String::new();
        for (i, text) in texts.iter().enumerate() {
            assert!(text.len() <= crate::MAX_HOST_MESSAGE_LEN, "{}", text.len());
            let HostBody::Part(part) = serde_json::from_str::<HostMessage>(text).unwrap().body else { panic!() };
            assert_eq!((part.id, part.index as usize, part.count as usize), (3, i, texts.len()));
            joined.push_str(&part.text);
        }
        assert_eq!(serde_json::from_str::<HostMessage>(&joined).unwrap(), long);
        assert_eq!(message("short".into()).to_texts(0).unwrap().len(), 1);
    }
}
