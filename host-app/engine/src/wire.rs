//! Translation between what crosses the wire and what the scene and the session speak.

use crate::engine::PictureSize;
use crate::wire_tools;
use glam::{Vec2, Vec3};
use rr_protocol::client::{ClientBody, NewDevice};
use rr_protocol::host::{
    Bounds, CameraState, ConnectionState, DeviceState, ErrorCode, FullState, ModelState as WireModelState,
    Participant as WireParticipant, Presence, Property, StateUpdate, You,
};
use rr_scene::{
    Camera, Command, CommandError, Connection, ConnectionId, Device, DeviceId, DeviceKind, PropertyValue, Role,
    Transform, ViewId,
};
use rr_session::{Changes, Input, ModelState, ParticipantId, Refusal, Session};

pub(crate) fn role_to_wire(role: Role) -> rr_protocol::Role {
    match role {
        Role::Viewer => rr_protocol::Role::Viewer,
        Role::Engineer => rr_protocol::Role::Engineer,
        Role::Admin => rr_protocol::Role::Admin,
    }
}

pub(crate) fn role_from_wire(role: rr_protocol::Role) -> Role {
    match role {
        rr_protocol::Role::Viewer => Role::Viewer,
        rr_protocol::Role::Engineer => Role::Engineer,
        rr_protocol::Role::Admin => Role::Admin,
    }
}

/// The input behind a message; none where it concerns the sender alone. A message about things that are not there is
/// refused here already.
pub(crate) fn input_from_wire(
    session: &Session,
    body: ClientBody,
    timestamp_ms: f64,
) -> Result<Option<Input>, Refusal> {
    let delta = |d: rr_protocol::client::Delta| Vec2::new(d.delta_x, d.delta_y);
    Ok(Some(match body {
        ClientBody::CameraOrbit(d) => Input::Orbit { delta_px: delta(d) },
        ClientBody::CameraPan(d) => Input::Pan { delta_px: delta(d) },
        ClientBody::CameraZoom(z) => Input::Zoom { delta: z.delta },
        ClientBody::CameraView(v) => Input::View(v.name),
        ClientBody::CameraOwn(own) => Input::OwnCamera { on: own.on },
        ClientBody::CameraFocus(d) => Input::Focus(DeviceId(d.device_id)),
        ClientBody::SectionSet(s) => wire_tools::section_input(&s, timestamp_ms),
        ClientBody::MeasurePick(m) => wire_tools::pick_input(&m),
        ClientBody::MeasureAim(p) => Input::MeasureAim(Some(Vec2::new(p.x, p.y))),
        ClientBody::MeasureEnd(_) => Input::MeasureEnd,
        ClientBody::MeasureRemove(m) => Input::MeasureRemove(m.measurement_id),
        ClientBody::MeasureClear(_) => Input::MeasureClear,
        ClientBody::PointerMove(p) => Input::Pointer { at: Some(Vec2::new(p.x, p.y)), timestamp_ms },
        ClientBody::PointerLeave(_) => Input::Pointer { at: None, timestamp_ms },
        ClientBody::DeviceClick(c) => {
            Input::Click { at: Vec2::new(c.screen_x, c.screen_y), device: c.device_id.map(DeviceId), toggle: c.toggle }
        }
        ClientBody::DeviceDrag(d) => Input::Drag {
            device: DeviceId(d.device_id),
            position: Vec3::new(d.position_x, d.position_y, d.position_z),
            gesture: d.gesture,
            timestamp_ms,
        },
        ClientBody::DeviceAdd(d) => Input::Edit(Command::AddDevice(new_device(session, d)?)),
        ClientBody::DeviceRemove(d) => Input::Edit(Command::RemoveDevice(DeviceId(d.device_id))),
        ClientBody::ConnectionCreate(c) => {
            let (source, target) = (DeviceId(c.source_device_id), DeviceId(c.target_device_id));
            let id = session.workspace().free_connection_id(&source, &target);
            Input::Edit(Command::AddConnection(Connection { id, source, target, kind: c.kind }))
        }
        ClientBody::ConnectionRemove(c) => Input::Edit(Command::RemoveConnection(ConnectionId(c.connection_id))),
        ClientBody::EditUndo(_) => Input::Undo,
        ClientBody::EditRedo(_) => Input::Redo,
        ClientBody::ControlRequest(_) => Input::RequestControl,
        ClientBody::ControlRelease(_) => Input::ReleaseControl,
        ClientBody::TestClick(p) => Input::Probe { at: Vec2::new(p.x, p.y) },
        ClientBody::StatsWatch(_) | ClientBody::PictureWatch(_) => return Ok(None),
    }))
}

fn new_device(session: &Session, d: NewDevice) -> Result<Device, CommandError> {
    let workspace = session.workspace();
    let like = d.copy_model_of.map(DeviceId);
    let like = like.map(|id| workspace.device(&id).ok_or(CommandError::NoDevice(id))).transpose()?;
    Ok(Device {
        id: d.device_id.map_or_else(|| workspace.free_device_id(&d.name), DeviceId),
        kind: if d.kind.is_empty() {
            like.map_or(DeviceKind::Equipment, |l| l.kind.clone())
        } else {
            DeviceKind::from_name(&d.kind)
        },
        name: d.name,
        model: like.and_then(|l| l.model.clone()),
        transform: Transform {
            position: Vec3::from(d.position),
            ..like.map_or_else(Transform::default, |l| l.transform)
        },
        properties: d.properties.into_iter().map(|(k, v)| (k, property_from_wire(v))).collect(),
    })
}

fn property_from_wire(p: Property) -> PropertyValue {
    match p {
        Property::Bool(v) => PropertyValue::Bool(v),
        Property::Number(v) => PropertyValue::Number(v),
        Property::Text(v) => PropertyValue::Text(v),
    }
}

fn property_to_wire(p: &PropertyValue) -> Property {
    match p {
        PropertyValue::Bool(v) => Property::Bool(*v),
        PropertyValue::Number(v) => Property::Number(*v),
        PropertyValue::Text(v) => Property::Text(v.clone()),
    }
}

/// Code by which a program tells refusals apart.
pub(crate) fn error_code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotHere => ErrorCode::Unauthorized,
        Refusal::NotPresenter { .. } | Refusal::ViewersDoNotSteer | Refusal::NoOwnCameras { .. } => {
            ErrorCode::Forbidden
        }
        Refusal::NoRoomForCamera { .. } => ErrorCode::Full,
        Refusal::NothingToMeasure | Refusal::NoMeasurement(_) => ErrorCode::NotFound,
        Refusal::TooManyMeasurements => ErrorCode::Invalid,
        Refusal::Command(error) => match error {
            CommandError::Forbidden { .. } => ErrorCode::Forbidden,
            CommandError::NoDevice(_) | CommandError::NoConnection(_) | CommandError::NoView(_) => ErrorCode::NotFound,
            _ => ErrorCode::Invalid,
        },
    }
}

pub(crate) fn camera(c: &Camera) -> CameraState {
    CameraState { target: c.target.to_array(), distance: c.distance, yaw: c.yaw, pitch: c.pitch, fov_y: c.fov_y }
}

fn picture(p: PictureSize) -> rr_protocol::host::PictureSize {
    rr_protocol::host::PictureSize { width_px: p.width_px, height_px: p.height_px }
}

fn device(session: &Session, d: &Device) -> DeviceState {
    let bounds = session.device_bounds(&d.id).unwrap_or(rr_scene::pick::MARKER_BOUNDS);
    let model = match d.model.as_ref().map(|m| session.model_state(m)) {
        None => WireModelState::None,
        Some(None | Some(ModelState::Loading)) => WireModelState::Loading,
        Some(Some(ModelState::Ready)) => WireModelState::Ready,
        Some(Some(ModelState::Failed(_))) => WireModelState::Failed,
    };
    DeviceState {
        id: d.id.0.clone(),
        name: d.name.clone(),
        kind: d.kind.name().to_owned(),
        position: d.transform.position.to_array(),
        rotation: d.transform.rotation.to_array(),
        scale: d.transform.scale,
        bounds: Bounds { min: bounds.min.to_array(), max: bounds.max.to_array() },
        model,
        properties: d.properties.iter().map(|(k, v)| (k.clone(), property_to_wire(v))).collect(),
    }
}

fn connection(c: &Connection) -> ConnectionState {
    ConnectionState {
        id: c.id.0.clone(),
        source_device_id: c.source.0.clone(),
        target_device_id: c.target.0.clone(),
        kind: c.kind.clone(),
    }
}

fn selection(session: &Session) -> Vec<String> {
    session.selection().iter().map(|d| d.0.clone()).collect()
}

fn views(session: &Session) -> Vec<String> {
    session.workspace().views().iter().map(|v| v.name.clone()).collect()
}

/// Everything, for one participant.
pub(crate) fn full_state(session: &Session, size: PictureSize, you: ParticipantId, role: Role) -> FullState {
    let workspace = session.workspace();
    FullState {
        protocol_version: rr_protocol::PROTOCOL_VERSION,
        revision: session.revision(),
        workspace: workspace.name.clone(),
        devices: workspace.devices().map(|d| device(session, d)).collect(),
        connections: workspace.connections().map(connection).collect(),
        selection: selection(session),
        camera: camera(session.camera_of(you)),
        measurements: wire_tools::measurements(session),
        section: wire_tools::section(session),
        picture: picture(size),
        views: views(session),
        you: You { participant_id: you.0, role: role_to_wire(role) },
    }
}

/// What changed, for everybody who shares the camera.
pub(crate) fn update(session: &Session, changes: &Changes) -> StateUpdate {
    let workspace = session.workspace();
    StateUpdate {
        revision: session.revision(),
        workspace: changes.name.then(|| workspace.name.clone()),
        devices: changes
            .devices
            .union(&changes.models)
            .filter_map(|id| workspace.device(id))
            .map(|d| device(session, d))
            .collect(),
        removed_devices: changes.removed_devices.iter().map(|d| d.0.clone()).collect(),
        connections: changes.connections.iter().filter_map(|id| workspace.connection(id)).map(connection).collect(),
        removed_connections: changes.removed_connections.iter().map(|c| c.0.clone()).collect(),
        selection: changes.selection.then(|| selection(session)),
        camera: changes.camera.then(|| camera(session.camera())),
        measurements: wire_tools::changed_measurements(session, changes),
        removed_measurements: changes.removed_measurements.iter().copied().collect(),
        section: changes.section.then(|| wire_tools::section(session)),
        picture: None,
        views: changes.views.then(|| views(session)),
    }
}

/// Who is here.
pub(crate) fn presence(session: &Session) -> Presence {
    Presence {
        participants: session
            .participants()
            .map(|p| WireParticipant {
                id: p.id.0,
                name: p.name.clone(),
                role: role_to_wire(p.role),
                pointer: p.pointer.map(|at| rr_protocol::client::Point { x: at.x, y: at.y }),
                own_camera: session.view_of(p.id) != ViewId::SHARED,
            })
            .collect(),
        presenter: session.presenter().map(|p| p.0),
    }
}
