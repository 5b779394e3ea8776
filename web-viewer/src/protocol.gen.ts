// Generated from the Rust definitions in stream/protocol by `make protocol`. Do not edit.

export const PROTOCOL_VERSION = 1;
export const INPUT_CHANNEL = "input";
export const STATE_CHANNEL = "state";

export type Role = "viewer" | "engineer" | "admin";

export type Nothing = Record<symbol, never>;

export type Delta = { 
/**
 * CSS pixels to the right, taking the picture as 720 pixels high whatever its size on the screen.
 */
deltaX: number, 
/**
 * CSS pixels down, likewise.
 */
deltaY: number, };

export type Zoom = { 
/**
 * As `WheelEvent.deltaY` in pixels: the distance to the target grows by the factor exp(delta / 1000).
 */
delta: number, };

export type ViewName = { 
/**
 * A named view of the workspace or a standard direction.
 */
name: string, };

export type SectionPlane = { 
/**
 * Points to the side that is cut away; the host brings it to unit length.
 */
normal: [number, number, number], 
/**
 * Metres from the origin along the normal. Without it the plane goes through the middle of the selection, or of
 * everything when nothing is selected.
 */
offset?: number, };

export type SectionPlanes = { 
/**
 * Three at most.
 */
planes: Array<SectionPlane>, };

export type MeasureKind = "vertex" | "edge" | "face";

export type MeasurePick = { 
/**
 * 0 at the left edge of the picture, 1 at the right.
 */
screenX: number, 
/**
 * 0 at the top edge of the picture, 1 at the bottom.
 */
screenY: number, 
/**
 * What is wanted there; by default a vertex, else an edge, else a point on a face, whatever is near.
 */
kind?: MeasureKind, 
/**
 * How near a vertex or an edge counts, in pixels of a picture 720 high: 10 when absent, 64 at most.
 */
radiusPx?: number, 
/**
 * Begins another measurement although one waits for its second thing.
 */
startsAnew?: boolean, };

export type MeasurementRef = { 
/**
 * Its id.
 */
measurementId: number, };

export type Point = { 
/**
 * 0 at the left edge, 1 at the right.
 */
x: number, 
/**
 * 0 at the top, 1 at the bottom.
 */
y: number, };

export type Click = { 
/**
 * 0 at the left edge of the picture, 1 at the right.
 */
screenX: number, 
/**
 * 0 at the top edge of the picture, 1 at the bottom.
 */
screenY: number, 
/**
 * Selects this device whatever is at the point.
 */
deviceId?: string, 
/**
 * Adds to the selection (or takes away) instead of replacing it.
 */
toggle?: boolean, };

export type Drag = { 
/**
 * Which device.
 */
deviceId: string, 
/**
 * New position, metres.
 */
positionX: number, 
/**
 * New position, metres; up.
 */
positionY: number, 
/**
 * New position, metres.
 */
positionZ: number, 
/**
 * Messages with the same number are one movement and are undone together.
 */
gesture?: number, };

export type NewDevice = { 
/**
 * Wished id; the host makes one when it is absent.
 */
deviceId?: string, 
/**
 * Shown to people.
 */
name: string, 
/**
 * Such as `conveyor`.
 */
kind?: string, 
/**
 * Place its geometry is copied from: another device of this workspace. Viewers name no files of the host.
 */
copyModelOf?: string, 
/**
 * Metres.
 */
position: [number, number, number], 
/**
 * Whatever is known about it.
 */
properties?: { [key in string]: Property }, };

export type DeviceRef = { 
/**
 * Its id.
 */
deviceId: string, };

export type NewConnection = { 
/**
 * Where the flow starts.
 */
sourceDeviceId: string, 
/**
 * Where it ends.
 */
targetDeviceId: string, 
/**
 * Such as `production_flow`, which is also the default.
 */
type?: string, };

export type ConnectionRef = { 
/**
 * Its id.
 */
connectionId: string, };

export type OwnCamera = { 
/**
 * From now on; a new connection begins in the shared view.
 */
on: boolean, };

export type StatsWatch = { 
/**
 * From now on; a new connection begins without.
 */
on: boolean, };

export type PictureWatch = { 
/**
 * From now on; a new connection begins without.
 */
on: boolean, };

export type ClientBody = { "type": "camera:orbit", "data": Delta } | { "type": "camera:pan", "data": Delta } | { "type": "camera:zoom", "data": Zoom } | { "type": "camera:view", "data": ViewName } | { "type": "camera:own", "data": OwnCamera } | { "type": "camera:focus", "data": DeviceRef } | { "type": "section:set", "data": SectionPlanes } | { "type": "measure:pick", "data": MeasurePick } | { "type": "measure:aim", "data": Point } | { "type": "measure:end", "data": Nothing } | { "type": "measure:remove", "data": MeasurementRef } | { "type": "measure:clear", "data": Nothing } | { "type": "pointer:move", "data": Point } | { "type": "pointer:leave", "data": Nothing } | { "type": "device:click", "data": Click } | { "type": "device:drag", "data": Drag } | { "type": "device:add", "data": NewDevice } | { "type": "device:remove", "data": DeviceRef } | { "type": "connection:create", "data": NewConnection } | { "type": "connection:remove", "data": ConnectionRef } | { "type": "edit:undo", "data": Nothing } | { "type": "edit:redo", "data": Nothing } | { "type": "control:request", "data": Nothing } | { "type": "control:release", "data": Nothing } | { "type": "stats:watch", "data": StatsWatch } | { "type": "picture:watch", "data": PictureWatch } | { "type": "test:click", "data": Point };

export type ClientMessage = { 
/**
 * Clock of the sender in milliseconds; grows from message to message. Older drags and pointers are ignored.
 */
timestamp: number, 
/**
 * Counts the sender's messages; comes back in `ack` and `error`.
 */
seq?: number, } & ({ "type": "camera:orbit", "data": Delta } | { "type": "camera:pan", "data": Delta } | { "type": "camera:zoom", "data": Zoom } | { "type": "camera:view", "data": ViewName } | { "type": "camera:own", "data": OwnCamera } | { "type": "camera:focus", "data": DeviceRef } | { "type": "section:set", "data": SectionPlanes } | { "type": "measure:pick", "data": MeasurePick } | { "type": "measure:aim", "data": Point } | { "type": "measure:end", "data": Nothing } | { "type": "measure:remove", "data": MeasurementRef } | { "type": "measure:clear", "data": Nothing } | { "type": "pointer:move", "data": Point } | { "type": "pointer:leave", "data": Nothing } | { "type": "device:click", "data": Click } | { "type": "device:drag", "data": Drag } | { "type": "device:add", "data": NewDevice } | { "type": "device:remove", "data": DeviceRef } | { "type": "connection:create", "data": NewConnection } | { "type": "connection:remove", "data": ConnectionRef } | { "type": "edit:undo", "data": Nothing } | { "type": "edit:redo", "data": Nothing } | { "type": "control:request", "data": Nothing } | { "type": "control:release", "data": Nothing } | { "type": "stats:watch", "data": StatsWatch } | { "type": "picture:watch", "data": PictureWatch } | { "type": "test:click", "data": Point });

export type Property = boolean | number | string;

export type Bounds = { 
/**
 * Smallest coordinates.
 */
min: [number, number, number], 
/**
 * Largest coordinates.
 */
max: [number, number, number], };

export type ModelState = "none" | "loading" | "ready" | "failed";

export type DeviceState = { 
/**
 * Unique in the workspace.
 */
id: string, 
/**
 * Shown to people.
 */
name: string, 
/**
 * Such as `conveyor`.
 */
kind: string, 
/**
 * Metres, Y up.
 */
position: [number, number, number], 
/**
 * Unit quaternion x, y, z, w.
 */
rotation: [number, number, number, number], 
/**
 * Even scale.
 */
scale: number, 
/**
 * Smallest and largest corner of its box in the world, metres.
 */
bounds: Bounds, 
/**
 * Whether its geometry is loaded.
 */
model: ModelState, 
/**
 * Whatever is known about it.
 */
properties: { [key in string]: Property }, };

export type ConnectionState = { 
/**
 * Unique in the workspace.
 */
id: string, 
/**
 * Where the flow starts.
 */
sourceDeviceId: string, 
/**
 * Where it ends.
 */
targetDeviceId: string, 
/**
 * Such as `production_flow`.
 */
type: string, };

export type CameraState = { 
/**
 * The point in the middle of the picture, metres.
 */
target: [number, number, number], 
/**
 * From the target to the eye, metres.
 */
distance: number, 
/**
 * Turn about the vertical, radians: 0 looks along -z, growing moves the eye towards +x.
 */
yaw: number, 
/**
 * Height of the eye above the target's horizon, radians.
 */
pitch: number, 
/**
 * Vertical field of view, radians.
 */
fovY: number, };

export type SectionState = { 
/**
 * Of unit length; points to the side that is cut away.
 */
normal: [number, number, number], 
/**
 * Metres from the origin along the normal.
 */
offset: number, };

export type QuantityName = "distance" | "deltaX" | "deltaY" | "deltaZ" | "gap" | "centres" | "length" | "radius" | "diameter" | "sweep" | "angle" | "x" | "y" | "z";

export type FactState = { 
/**
 * Stable, for programs.
 */
quantity: QuantityName, 
/**
 * For people, such as `Distance`.
 */
name: string, 
/**
 * Metres, or radians of angles.
 */
value: number, 
/**
 * How far it may be off, where that is known.
 */
error?: number, 
/**
 * For people, with its unit, such as `12.50 mm`.
 */
text: string, };

export type MeasuredThing = { 
/**
 * Whose it is.
 */
deviceId: string, 
/**
 * What it is.
 */
kind: MeasureKind, };

export type MeasurementState = { 
/**
 * Unique in the session.
 */
id: number, 
/**
 * The participant who made it.
 */
participantId: number, 
/**
 * Their next `measure:pick` gives its second thing.
 */
isOpen: boolean, 
/**
 * The most telling value, as the picture shows it, such as `R 12.50 mm`.
 */
label: string, 
/**
 * One or two.
 */
things: Array<MeasuredThing>, 
/**
 * Everything that is known, the most telling first.
 */
facts: Array<FactState>, };

export type PictureSize = { 
/**
 * Pixels.
 */
widthPx: number, 
/**
 * Pixels.
 */
heightPx: number, };

export type You = { 
/**
 * Id among the participants.
 */
participantId: number, 
/**
 * What this viewer may do.
 */
role: Role, };

export type FullState = { 
/**
 * [`crate::PROTOCOL_VERSION`] of the host.
 */
protocolVersion: number, 
/**
 * Grows with every change.
 */
revision: number, 
/**
 * Name of the workspace.
 */
workspace: string, 
/**
 * All devices.
 */
devices: Array<DeviceState>, 
/**
 * All connections.
 */
connections: Array<ConnectionState>, 
/**
 * Ids of the selected devices.
 */
selection: Array<string>, 
/**
 * What people measured, oldest first.
 */
measurements: Array<MeasurementState>, 
/**
 * The camera.
 */
camera: CameraState, 
/**
 * The section planes in force; what any of them has beyond it is cut away.
 */
section: Array<SectionState>, 
/**
 * Size of the picture that the camera fills.
 */
picture: PictureSize, 
/**
 * Names of the workspace's views.
 */
views: Array<string>, 
/**
 * Who this viewer is.
 */
you: You, };

export type StateUpdate = { 
/**
 * Grows with every change.
 */
revision: number, 
/**
 * New name of the workspace.
 */
workspace?: string, 
/**
 * Devices that are new or changed, whole.
 */
devices?: Array<DeviceState>, 
/**
 * Ids of devices that are gone.
 */
removedDevices?: Array<string>, 
/**
 * Connections that are new or changed, whole.
 */
connections?: Array<ConnectionState>, 
/**
 * Ids of connections that are gone.
 */
removedConnections?: Array<string>, 
/**
 * Measurements that are new or changed, whole.
 */
measurements?: Array<MeasurementState>, 
/**
 * Ids of measurements that are gone.
 */
removedMeasurements?: Array<number>, 
/**
 * The new selection, whole.
 */
selection?: Array<string>, 
/**
 * The new camera.
 */
camera?: CameraState, 
/**
 * The new section planes, whole.
 */
section?: Array<SectionState>, 
/**
 * The new size of the picture.
 */
picture?: PictureSize, 
/**
 * The new list of views.
 */
views?: Array<string>, };

export type Participant = { 
/**
 * Unique in the session.
 */
id: number, 
/**
 * Shown to people.
 */
name: string, 
/**
 * What they may do.
 */
role: Role, 
/**
 * Where their pointer is in the picture that they see.
 */
pointer: Point | null, 
/**
 * They look through a camera of their own instead of the shared one.
 */
ownCamera: boolean, };

export type Presence = { 
/**
 * Everybody, the engineer at the workstation included.
 */
participants: Array<Participant>, 
/**
 * Who steers the camera; nobody when everybody may.
 */
presenter: number | null, };

export type HostStages = { 
/**
 * The input was applied, and the frame that shows it was begun.
 */
begunMs: number, 
/**
 * It was drawn and read back.
 */
drawnMs: number, 
/**
 * It was encoded.
 */
encodedMs: number, 
/**
 * Its first packet went out.
 */
sentMs: number, };

export type Ack = { 
/**
 * `timestamp` of the last message that was applied.
 */
inputTimestamp: number, 
/**
 * `seq` of that message.
 */
seq: number | null, 
/**
 * Number of the first frame that shows it; null as long as none does.
 */
frame: number | null, 
/**
 * RTP timestamp of that frame, as `requestVideoFrameCallback` reports it.
 */
rtpTimestamp: number | null, 
/**
 * What the host did between the message and that frame; null when there is no frame.
 */
stages: HostStages | null, };

export type Picture = { 
/**
 * Names it, as in `ack`.
 */
rtpTimestamp: number, 
/**
 * The camera it was drawn with.
 */
camera: CameraState, 
/**
 * `seq` of the last message of this viewer that it shows; null when it shows none. Earlier ones are shown, too, or
 * were lost.
 */
seq: number | null, };

export type ErrorCode = "malformed" | "forbidden" | "not_found" | "invalid" | "too_many" | "unauthorized" | "full" | "closing" | "removed" | "internal";

export type HostError = { 
/**
 * Stable, for programs.
 */
code: ErrorCode, 
/**
 * For people: what happened and what to do.
 */
message: string, 
/**
 * `seq` of the message that was refused.
 */
seq: number | null, };

export type Part = { 
/**
 * Which long message.
 */
id: number, 
/**
 * Which piece, from 0.
 */
index: number, 
/**
 * How many pieces.
 */
count: number, 
/**
 * The piece.
 */
text: string, };

export type LeftOut = { 
/**
 * Outside the picture.
 */
outside: number, 
/**
 * Smaller than a pixel.
 */
small: number, 
/**
 * Behind others.
 */
hidden: number, 
/**
 * Beyond a section plane.
 */
cutAway: number, };

export type PassMs = { 
/**
 * Its name, such as `main` or `shadow`.
 */
pass: string, 
/**
 * Milliseconds.
 */
ms: number, };

export type StreamStats = { 
/**
 * The encoder's name.
 */
encoder: string, 
/**
 * Width of its pictures, pixels.
 */
widthPx: number, 
/**
 * Their height, pixels.
 */
heightPx: number, 
/**
 * Pictures encoded a second.
 */
fps: number, 
/**
 * Bits a second.
 */
bitrateBps: number, 
/**
 * Bits a second that it may take.
 */
targetBps: number, 
/**
 * Milliseconds to encode one picture, median.
 */
encodeMs: number, 
/**
 * Viewers that get it.
 */
viewers: number, };

export type HostStats = { 
/**
 * Pictures rendered a second, those of the host's window included; 0 at rest.
 */
renderedFps: number, 
/**
 * Milliseconds to render one picture and read it back, median.
 */
renderMs: number, 
/**
 * What is encoded, best first: one quality level for all viewers, or several where their networks differ.
 */
streams: Array<StreamStats>, 
/**
 * Triangles drawn. This and what follows is of the last picture that was drawn; at rest it is kept.
 */
triangles: number, 
/**
 * Segments of edges and wireframe drawn.
 */
lines: number, 
/**
 * Draw commands.
 */
drawCalls: number, 
/**
 * Objects drawn: placed parts, and stand-ins of whole devices.
 */
drawn: number, 
/**
 * Objects that were not drawn.
 */
leftOut: LeftOut, 
/**
 * Distant devices drawn as one coarse shape each.
 */
standIns: number, 
/**
 * Objects that one sees through.
 */
transparent: number, 
/**
 * Pictures of which the resting one is the average: borders get smoother with each.
 */
restFrames: number, 
/**
 * The graphics card chose what is drawn.
 */
culledOnDevice: boolean, 
/**
 * Milliseconds the graphics device worked on a picture; null where it does not tell.
 */
deviceMs: number | null, 
/**
 * The same for each pass that was drawn.
 */
passes: Array<PassMs>, 
/**
 * For people: what pictures in motion do without to stay fluent, such as `71 % resolution`; empty when nothing.
 */
economy: string, };

export type HostBody = { "type": "state:full", "data": FullState } | { "type": "state:update", "data": StateUpdate } | { "type": "presence", "data": Presence } | { "type": "ack", "data": Ack } | { "type": "picture", "data": Picture } | { "type": "stats", "data": HostStats } | { "type": "error", "data": HostError } | { "type": "part", "data": Part };

export type HostMessage = { 
/**
 * Milliseconds since the host started.
 */
timestamp: number, } & ({ "type": "state:full", "data": FullState } | { "type": "state:update", "data": StateUpdate } | { "type": "presence", "data": Presence } | { "type": "ack", "data": Ack } | { "type": "picture", "data": Picture } | { "type": "stats", "data": HostStats } | { "type": "error", "data": HostError } | { "type": "part", "data": Part });

export type Hello = { 
/**
 * From the share link.
 */
token: string, 
/**
 * [`crate::PROTOCOL_VERSION`] of the viewer.
 */
protocolVersion: number, 
/**
 * Shown to the others.
 */
name?: string, 
/**
 * By which the host knows who comes again: made up by the viewer, nobody else's, 16 to 64 letters, digits, `-` and `_`.
 */
returnKey?: string, };

export type IceServer = { 
/**
 * `stun:` or `turn:` addresses.
 */
urls: Array<string>, 
/**
 * For TURN.
 */
username?: string, 
/**
 * For TURN.
 */
credential?: string, };

export type Waiting = { 
/**
 * 1: the next one.
 */
place: number, 
/**
 * How long it may take, seconds; none where nothing is known.
 */
estimateSecs?: number, };

export type Welcome = { 
/**
 * [`crate::PROTOCOL_VERSION`] of the host.
 */
protocolVersion: number, 
/**
 * What the viewer may do.
 */
role: Role, 
/**
 * STUN and TURN servers to use.
 */
iceServers: Array<IceServer>, };

export type Sdp = { 
/**
 * RFC 8866.
 */
sdp: string, };

export type Candidate = { 
/**
 * `candidate:...` of RFC 8839.
 */
candidate: string, 
/**
 * Which section of the description.
 */
sdpMid: string | null, 
/**
 * Which section of the description.
 */
sdpMLineIndex: number | null, };

export type SignalError = { 
/**
 * Stable, for programs.
 */
code: ErrorCode, 
/**
 * For people.
 */
message: string, };

export type Bye = { 
/**
 * Stable, for programs: after [`ErrorCode::Removed`] a viewer does not come back by itself.
 */
code: ErrorCode, 
/**
 * For people.
 */
message: string, };

export type SignalFromViewer = { "type": "hello", "data": Hello } | { "type": "offer", "data": Sdp } | { "type": "candidate", "data": Candidate };

export type SignalFromHost = { "type": "waiting", "data": Waiting } | { "type": "welcome", "data": Welcome } | { "type": "answer", "data": Sdp } | { "type": "candidate", "data": Candidate } | { "type": "error", "data": SignalError } | { "type": "bye", "data": Bye };
