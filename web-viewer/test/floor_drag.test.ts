import { expect, test } from 'vitest';
import { FloorDrag, pickByBox } from '../src/client/floor_drag.js';
import { aspect, project } from '../src/client/camera.js';
import type { Device, SessionState } from '../src/client/store.js';
import { device, fullState } from './samples.js';

const at = (state: SessionState, point: readonly [number, number, number]) => {
  const found = project(state.camera, aspect(state.picture), point);
  if (!found) throw new Error('behind the eye');
  return found;
};
const first = (state: SessionState): Device => state.devices[0] as Device;

test('what was grabbed stays under the pointer and on its height', () => {
  const state = fullState({ devices: [device('a', { position: [0, 0.25, 0] })] });
  const grabbed = at(state, [0, 1.25, 0]);
  const drag = FloorDrag.begin(state, first(state), grabbed);
  expect(drag?.position(state, grabbed)?.map((v) => Math.round(v * 1e6) / 1e6)).toEqual([0, 0.25, 0]);
  const moved = drag?.position(state, at(state, [2, 1.25, -1.5]));
  expect(moved?.[0]).toBeCloseTo(2);
  expect(moved?.[1]).toBe(0.25);
  expect(moved?.[2]).toBeCloseTo(-1.5);
});

test('a pointer beside the device takes hold of nothing', () => {
  const state = fullState();
  expect(FloorDrag.begin(state, first(state), { x: 0.02, y: 0.02 })).toBeNull();
});

test('seen level, a device moves sideways only', () => {
  const state = fullState({ camera: { target: [0, 0.5, 0], distance: 10, yaw: 0, pitch: 0, fovY: 0.785 } });
  const drag = FloorDrag.begin(state, first(state), { x: 0.5, y: 0.5 });
  const moved = drag?.position(state, { x: 0.6, y: 0.3 });
  expect(moved?.[0]).toBeGreaterThan(0.5);
  expect(moved?.[1]).toBe(0);
  expect(moved?.[2]).toBeCloseTo(0);
});

test('above the horizon there is no floor to go to', () => {
  const state = fullState({ camera: { target: [0, 0.5, 0], distance: 10, yaw: 0, pitch: 0.2, fovY: 1.2 } });
  const drag = FloorDrag.begin(state, first(state), at(state, [0, 0.5, 0]));
  expect(drag).not.toBeNull();
  expect(drag?.position(state, { x: 0.5, y: 0 })).toBeNull();
});

test('the nearest box is picked, and none where there is none', () => {
  const state = fullState({ devices: [device('far', { position: [0, 0, -4] }), device('near')], camera: { target: [0, 0.5, 0], distance: 10, yaw: 0, pitch: 0.05, fovY: 0.785 } });
  expect(pickByBox(state, { x: 0.5, y: 0.5 })?.id).toBe('near');
  expect(pickByBox(state, { x: 0.05, y: 0.9 })).toBeNull();
});

test('what is cut away is not picked, and a box that is cut open is', () => {
  const level = { target: [0, 0.5, 0] as [number, number, number], distance: 10, yaw: 0, pitch: 0.05, fovY: 0.785 };
  const state = fullState({ devices: [device('far', { position: [0, 0, -4] }), device('near')], camera: level });
  const cut = (offset: number) => ({ ...state, section: [{ normal: [0, 0, 1] as [number, number, number], offset }] });
  expect(pickByBox(cut(0), { x: 0.5, y: 0.5 })?.id).toBe('near');
  expect(pickByBox(cut(-1), { x: 0.5, y: 0.5 })?.id).toBe('far');
  expect(pickByBox(cut(-6), { x: 0.5, y: 0.5 })).toBeNull();
  expect(pickByBox({ ...state, section: [{ normal: [0, 1, 0], offset: -9 }] }, { x: 0.5, y: 0.5 })).toBeNull();
});
