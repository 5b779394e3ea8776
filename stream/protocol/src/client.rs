//! Messages from a viewer to the host over the data channels.
//!
//! Continuous input (camera, pointer, drags) belongs on the `input` channel, where a lost message is replaced by the
//! next one; edits that must not be lost (`device:add`, `connection:create`, `control:request`, the last message of a
//! drag, ...) belong on the `state` channel. The host takes every message on either.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// One message: `{"type": ..., "timestamp": ms, "seq": n, "data": {...}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ClientMessage {
    /// Clock of the sender in milliseconds; grows from message to message. Older drags and pointers are ignored.
    #[serde(default)]
    pub timestamp: f64,
    /// Counts the sender's messages; comes back in `ack` and `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub seq: Option<u64>,
    /// What it is about.
    #[serde(flatten)]
    #[ts(flatten)]
    pub body: ClientBody,
}

/// The types of messages to the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", content = "data")]
pub enum ClientBody {
    /// Turns the camera about its target.
    #[serde(rename = "camera:orbit")]
    CameraOrbit(Delta),
    /// Shifts the camera: the point under the pointer follows it.
    #[serde(rename = "camera:pan")]
    CameraPan(Delta),
    /// Moves the camera along its direction.
    #[serde(rename = "camera:zoom")]
    CameraZoom(Zoom),
    /// Goes to a named view, or to `iso`, `front`, `back`, `left`, `right`, `top`, `fit`.
    #[serde(rename = "camera:view")]
    CameraView(ViewName),
    /// Leaves the shared view for a camera of one's own, or comes back. Messages about the camera are about that one then.
    /// Whether the host has room for another camera is in the `error` that may follow.
    #[serde(rename = "camera:own")]
    CameraOwn(OwnCamera),
    /// Turns to a device and fits it, keeping the direction.
    #[serde(rename = "camera:focus")]
    CameraFocus(DeviceRef),
    /// Cuts everything open along planes, for everybody; an empty list shows all of it again. Steering, like the
    /// camera: whoever may move that may set this.
    #[serde(rename = "section:set")]
    SectionSet(SectionPlanes),
    /// Measures what is at a point of the picture: an edge says how long or round it is; with a second thing, the two say
    /// how far apart they are and at what angle. Measurements are for everybody; who may steer may make and remove them.
    #[serde(rename = "measure:pick")]
    MeasurePick(MeasurePick),
    /// Shows in the picture what a `measure:pick` at this point would take.
    #[serde(rename = "measure:aim")]
    MeasureAim(Point),
    /// Ends the measurement that waits for its second thing. What says something by itself stays.
    #[serde(rename = "measure:end")]
    MeasureEnd(Nothing),
    /// Takes a measurement away.
    #[serde(rename = "measure:remove")]
    MeasureRemove(MeasurementRef),
    /// Takes all measurements away.
    #[serde(rename = "measure:clear")]
    MeasureClear(Nothing),
    /// The pointer is over this point of the picture.
    #[serde(rename = "pointer:move")]
    PointerMove(Point),
    /// The pointer left the picture.
    #[serde(rename = "pointer:leave")]
    PointerLeave(Nothing),
    /// Selects the device at a point of the picture or by its id; empty space clears the selection.
    #[serde(rename = "device:click")]
    DeviceClick(Click),
    /// Moves a device to a place in the world.
    #[serde(rename = "device:drag")]
    DeviceDrag(Drag),
    /// Places a new device.
    #[serde(rename = "device:add")]
    DeviceAdd(NewDevice),
    /// Removes a device and its connections.
    #[serde(rename = "device:remove")]
    DeviceRemove(DeviceRef),
    /// Connects two devices.
    #[serde(rename = "connection:create")]
    ConnectionCreate(NewConnection),
    /// Removes a connection.
    #[serde(rename = "connection:remove")]
    ConnectionRemove(ConnectionRef),
    /// Takes the last change back.
    #[serde(rename = "edit:undo")]
    EditUndo(Nothing),
    /// Does again what was taken back.
    #[serde(rename = "edit:redo")]
    EditRedo(Nothing),
    /// Asks to be the presenter: the one who steers the camera.
    #[serde(rename = "control:request")]
    ControlRequest(Nothing),
    /// Gives the presenter's place back.
    #[serde(rename = "control:release")]
    ControlRelease(Nothing),
    /// Asks for `stats`, or for no more of them.
    #[serde(rename = "stats:watch")]
    StatsWatch(StatsWatch),
    /// Asks for `picture` with each picture, or for no more of them.
    #[serde(rename = "picture:watch")]
    PictureWatch(PictureWatch),
    /// Latency probe: the host draws a small mark at this point and answers with `ack`.
    #[serde(rename = "test:click")]
    TestClick(Point),
}

/// An empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
pub struct Nothing {}

/// Whether to look through a camera of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct OwnCamera {
    /// From now on; a new connection begins in the shared view.
    pub on: bool,
}

/// Whether a viewer wants `stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct StatsWatch {
    /// From now on; a new connection begins without.
    pub on: bool,
}

/// Whether a viewer wants `picture`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PictureWatch {
    /// From now on; a new connection begins without.
    pub on: bool,
}

/// Movement of a pointer or finger.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// CSS pixels to the right, taking the picture as 720 pixels high whatever its size on the screen.
    pub delta_x: f32,
    /// CSS pixels down, likewise.
    pub delta_y: f32,
}

/// Movement of a wheel or the spread of two fingers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Zoom {
    /// As `WheelEvent.deltaY` in pixels: the distance to the target grows by the factor exp(delta / 1000).
    pub delta: f32,
}

/// The name of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ViewName {
    /// A named view of the workspace or a standard direction.
    pub name: String,
}

/// The section planes that are wished for, all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SectionPlanes {
    /// Three at most.
    pub planes: Vec<SectionPlane>,
}

/// A plane that cuts everything beyond it away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SectionPlane {
    /// Points to the side that is cut away; the host brings it to unit length.
    pub normal: [f32; 3],
    /// Metres from the origin along the normal. Without it the plane goes through the middle of the selection, or of
    /// everything when nothing is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub offset: Option<f32>,
}

/// What somebody wants to measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasurePick {
    /// 0 at the left edge of the picture, 1 at the right.
    pub screen_x: f32,
    /// 0 at the top edge of the picture, 1 at the bottom.
    pub screen_y: f32,
    /// What is wanted there; by default a vertex, else an edge, else a point on a face, whatever is near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub kind: Option<MeasureKind>,
    /// How near a vertex or an edge counts, in pixels of a picture 720 high: 10 when absent, 64 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub radius_px: Option<f32>,
    /// Begins another measurement although one waits for its second thing.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub starts_anew: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "lowercase")]
pub enum MeasureKind {
    /// The end of an edge.
    Vertex,
    /// An edge or a curve.
    Edge,
    /// A point on a face.
    Face,
}

/// Names a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementRef {
    /// Its id.
    pub measurement_id: u32,
}

/// A point of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Point {
    /// 0 at the left edge, 1 at the right.
    pub x: f32,
    /// 0 at the top, 1 at the bottom.
    pub y: f32,
}

/// A click or tap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Click {
    /// 0 at the left edge of the picture, 1 at the right.
    pub screen_x: f32,
    /// 0 at the top edge of the picture, 1 at the bottom.
    pub screen_y: f32,
    /// Selects this device whatever is at the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub device_id: Option<String>,
    /// Adds to the selection (or takes away) instead of replacing it.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub toggle: bool,
}

/// A device follows a pointer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Drag {
    /// Which device.
    pub device_id: String,
    /// New position, metres.
    pub position_x: f32,
    /// New position, metres; up.
    pub position_y: f32,
    /// New position, metres.
    pub position_z: f32,
    /// Messages with the same number are one movement and are undone together.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub gesture: u32,
}

/// A device to place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewDevice {
    /// Wished id; the host makes one when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub device_id: Option<String>,
    /// Shown to people.
    pub name: String,
    /// Such as `conveyor`.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub kind: String,
    /// Place its geometry is copied from: another device of this workspace. Viewers name no files of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub copy_model_of: Option<String>,
    /// Metres.
    pub position: [f32; 3],
    /// Whatever is known about it.
    #[serde(default)]
    #[ts(optional, as = "Option<BTreeMap<String, super::host::Property>>")]
    pub properties: BTreeMap<String, super::host::Property>,
}

/// Names a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRef {
    /// Its id.
    pub device_id: String,
}

/// A connection to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewConnection {
    /// Where the flow starts.
    pub source_device_id: String,
    /// Where it ends.
    pub target_device_id: String,
    /// Such as `production_flow`, which is also the default.
    #[serde(rename = "type", default = "production_flow")]
    #[ts(optional, as = "Option<String>")]
    pub kind: String,
}

fn production_flow() -> String {
    "production_flow".to_owned()
}

/// Names a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRef {
    /// Its id.
    pub connection_id: String,
}

/// Why a message was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Over [`super::MAX_CLIENT_MESSAGE_LEN`].
    #[error("the message has {0} bytes; at most {max} are taken", max = super::MAX_CLIENT_MESSAGE_LEN)]
    TooLong(usize),
    /// Not a message of this protocol.
    #[error("the message is not understood: {0}")]
    Malformed(String),
    /// A number is not finite or beyond all reason.
    #[error("the message holds a number that is out of range")]
    OutOfRange,
}

impl ClientMessage {
    /// Reads a message that came from outside.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > super::MAX_CLIENT_MESSAGE_LEN {
            return Err(ParseError::TooLong(bytes.len()));
        }
        let message: Self = serde_json::from_slice(bytes).map_err(|e| ParseError::Malformed(e.to_string()))?;
        if message.in_range() { Ok(message) } else { Err(ParseError::OutOfRange) }
    }

    fn in_range(&self) -> bool {
        // JSON has no NaN, but 1e999 reads as infinity.
        let ok = |v: f32| v.is_finite() && v.abs() <= 1e6;
        self.timestamp.is_finite()
            && match &self.body {
                ClientBody::CameraOrbit(d) | ClientBody::CameraPan(d) => ok(d.delta_x) && ok(d.delta_y),
                ClientBody::CameraZoom(z) => ok(z.delta),
                ClientBody::PointerMove(p) | ClientBody::TestClick(p) | ClientBody::MeasureAim(p) => ok(p.x) && ok(p.y),
                ClientBody::MeasurePick(m) => [m.screen_x, m.screen_y].into_iter().chain(m.radius_px).all(ok),
                ClientBody::DeviceClick(c) => ok(c.screen_x) && ok(c.screen_y),
                ClientBody::DeviceDrag(d) => ok(d.position_x) && ok(d.position_y) && ok(d.position_z),
                ClientBody::SectionSet(s) => s.planes.iter().all(|p| p.normal.into_iter().chain(p.offset).all(ok)),
                ClientBody::DeviceAdd(d) => d.position.into_iter().all(ok),
                _ => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_shape_is_read() {
        let text = br#"{"type":"camera:orbit","timestamp":12.5,"data":{"deltaX":3,"deltaY":-4.5}}"#;
        let message = ClientMessage::parse(text).unwrap();
        assert_eq!(message.timestamp, 12.5);
        assert_eq!(message.body, ClientBody::CameraOrbit(Delta { delta_x: 3.0, delta_y: -4.5 }));
        let text =
            br#"{"type":"connection:create","timestamp":1,"seq":7,"data":{"sourceDeviceId":"a","targetDeviceId":"b"}}"#;
        let message = ClientMessage::parse(text).unwrap();
        assert_eq!(message.seq, Some(7));
        let again = ClientMessage::parse(&serde_json::to_vec(&message).unwrap()).unwrap();
        assert_eq!(again, message);
    }

    #[test]
    fn a_timestamp_is_read_to_its_last_bit() {
        // Milliseconds since 1970 with as many digits as browsers write.
        for timestamp in [1_795_379_229_186.900_1, 1_795_379_229_186.900_6, 0.1 + 0.2] {
            let text = format!(r#"{{"type":"test:click","timestamp":{timestamp:?},"data":{{"x":0.5,"y":0.5}}}}"#);
            assert_eq!(
                ClientMessage::parse(text.as_bytes()).unwrap().timestamp.to_bits(),
                f64::to_bits(timestamp),
                "{text}"
            );
        }
    }

    #[test]
    fn a_device_is_focused_by_its_id() {
        let text = br#"{"type":"camera:focus","timestamp":2,"data":{"deviceId":"robot-1"}}"#;
        let body = ClientMessage::parse(text).unwrap().body;
        assert_eq!(body, ClientBody::CameraFocus(DeviceRef { device_id: "robot-1".into() }));
        assert!(ClientMessage::parse(br#"{"type":"camera:focus","timestamp":2,"data":{}}"#).is_err());
    }

    #[test]
    fn section_planes_may_leave_their_place_to_the_host() {
        let read = |text: &str| ClientMessage::parse(text.as_bytes()).map(|m| m.body);
        let plane = |normal, offset| SectionPlane { normal, offset };
        let planes = vec![plane([1.0, 0.0, 0.0], Some(-2.5)), plane([0.0, 2.0, 0.0], None)];
        let text = r#"{"type":"section:set","data":{"planes":[{"normal":[1,0,0],"offset":-2.5},{"normal":[0,2,0]}]}}"#;
        assert_eq!(read(text), Ok(ClientBody::SectionSet(SectionPlanes { planes })));
        let off = read(r#"{"type":"section:set","data":{"planes":[]}}"#);
        assert_eq!(off, Ok(ClientBody::SectionSet(SectionPlanes { planes: vec![] })));
        for plane in [r#"{"normal":[1,0]}"#, r#"{"normal":[1e999,0,0]}"#, r#"{"normal":[1,0,0],"offset":1e9}"#] {
            assert!(read(&format!(r#"{{"type":"section:set","data":{{"planes":[{plane}]}}}}"#)).is_err(), "{plane}");
        }
    }

    #[test]
    fn a_measurement_is_asked_for_by_a_point() {
        let read = |data: &str| {
            let text = format!(r#"{{"type":"measure:pick","timestamp":1,"data":{data}}}"#);
            ClientMessage::parse(text.as_bytes()).map(|m| m.body)
        };
        let plain = MeasurePick { screen_x: 0.25, screen_y: 0.5, kind: None, radius_px: None, starts_anew: false };
        assert_eq!(read(r#"{"screenX":0.25,"screenY":0.5}"#), Ok(ClientBody::MeasurePick(plain)));
        let edge = MeasurePick { kind: Some(MeasureKind::Edge), radius_px: Some(24.0), starts_anew: true, ..plain };
        let text = r#"{"screenX":0.25,"screenY":0.5,"kind":"edge","radiusPx":24,"startsAnew":true}"#;
        assert_eq!(read(text), Ok(ClientBody::MeasurePick(edge)));
        assert!(read(r#"{"screenX":0.25,"screenY":0.5,"kind":"volume"}"#).is_err());
        assert!(read(r#"{"screenX":1e999,"screenY":0.5}"#).is_err());
        assert!(read(r#"{"screenX":0,"screenY":0.5,"radiusPx":1e30}"#).is_err());
    }

    #[test]
    fn figures_are_asked_for() {
        let read = |data: &str| {
            let text = format!(r#"{{"type":"stats:watch","timestamp":1,"data":{data}}}"#);
            ClientMessage::parse(text.as_bytes()).map(|m| m.body)
        };
        assert_eq!(read(r#"{"on":true}"#), Ok(ClientBody::StatsWatch(StatsWatch { on: true })));
        assert!(read("{}").is_err());
        assert!(read(r#"{"on":1}"#).is_err());
    }

    #[test]
    fn cameras_of_pictures_are_asked_for() {
        let read = |data: &str| {
            let text = format!(r#"{{"type":"picture:watch","timestamp":1,"data":{data}}}"#);
            ClientMessage::parse(text.as_bytes()).map(|m| m.body)
        };
        assert_eq!(read(r#"{"on":false}"#), Ok(ClientBody::PictureWatch(PictureWatch { on: false })));
        assert!(read("{}").is_err() && read(r#"{"on":"yes"}"#).is_err() && read("null").is_err());
    }

    #[test]
    fn hostile_messages_are_refused_with_a_reason() {
        let long = vec![b' '; super::super::MAX_CLIENT_MESSAGE_LEN + 1];
        let deep = "[".repeat(10_000);
        let cases: [&[u8]; 9] = [
            b"",
            b"null",
            b"{}",
            b"\xff\xfe",
            deep.as_bytes(),
            br#"{"type":"camera:explode","timestamp":1,"data":{}}"#,
            br#"{"type":"camera:orbit","timestamp":1,"data":{"deltaX":"3","deltaY":0}}"#,
            br#"{"type":"camera:orbit","timestamp":1,"data":{"deltaX":1e30,"deltaY":0}}"#,
            &long,
        ];
        for case in cases {
            let shown = String::from_utf8_lossy(&case[..case.len().min(60)]).into_owned();
            assert!(ClientMessage::parse(case).is_err(), "{shown} was taken");
        }
    }
}
