/** Client library of Remote Render: connects to a host, keeps its state, sends input. Needs no framework. */
export * from './protocol.gen.js';
export { RemoteRenderClient } from './client/remote_render_client.js';
export type { ConnectOptions, Disconnection, DragOptions } from './client/remote_render_client.js';
export type { ClientError } from './client/errors.js';
export type { Environment } from './client/environment.js';
export type { EchoFrame, LocalEcho } from './client/echo/local_echo.js';
export type { LatencyReport } from './client/latency.js';
export { STAGES, type Stage, type StageFigures, type StageReport, type StageTimes } from './client/stages.js';
export type { ConnectionStats } from './client/stats.js';
export type { ConnectionPhase, ConnectionStatus } from './client/supervisor.js';
export type { Connection, Device, Measurement, SessionState } from './client/store.js';
export type { Unsubscribe } from './client/emitter.js';
export { parseShareLink, tokenFromText, type ShareLink } from './client/link.js';
export { FloorDrag, pickByBox, pictureRay } from './client/floor_drag.js';
export * as camera from './client/camera.js';
