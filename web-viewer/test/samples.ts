import type { ConnectionState, DeviceState, FullState, HostStats } from '../src/protocol.gen.js';

export function device(id: string, change: Partial<DeviceState> = {}): DeviceState {
  const [x, y, z] = change.position ?? [0, 0, 0];
  return {
    id,
    name: id,
    kind: 'conveyor',
    position: [x, y, z],
    rotation: [0, 0, 0, 1],
    scale: 1,
    bounds: { min: [x - 0.5, y, z - 0.5], max: [x + 0.5, y + 1, z + 0.5] },
    model: 'ready',
    properties: {},
    ...change,
  };
}

export const connection = (id: string, source: string, target: string): ConnectionState => ({
  id,
  sourceDeviceId: source,
  targetDeviceId: target,
  type: 'production_flow',
});

export function fullState(change: Partial<FullState> = {}): FullState {
  return {
    protocolVersion: 1,
    revision: 1,
    workspace: 'Line',
    devices: [device('a'), device('b', { position: [3, 0, 0] })],
    connections: [connection('c1', 'a', 'b')],
    selection: [],
    measurements: [],
    section: [],
    camera: { target: [0, 0.5, 0], distance: 10, yaw: 0.5, pitch: 0.5, fovY: 0.785 },
    picture: { widthPx: 1280, heightPx: 720 },
    views: ['Operator'],
    you: { participantId: 7, role: 'engineer' },
    ...change,
  };
}

export function hostStats(change: Partial<HostStats> = {}): HostStats {
  return {
    renderedFps: 30,
    renderMs: 8.25,
    streams: [{ encoder: 'openh264', widthPx: 1280, heightPx: 720, fps: 29.7, bitrateBps: 4.2e6, targetBps: 5e6, encodeMs: 4, viewers: 2 }],
    triangles: 2_500_000,
    lines: 10,
    drawCalls: 12,
    drawn: 120,
    leftOut: { outside: 30, small: 0, hidden: 0, cutAway: 0 },
    standIns: 0,
    transparent: 0,
    restFrames: 1,
    culledOnDevice: false,
    deviceMs: null,
    passes: [],
    economy: '71 % resolution',
    ...change,
  };
}
