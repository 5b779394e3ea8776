import { expect, test } from 'vitest';
import { applyUpdate, StateStore } from '../src/client/store.js';
import { connection, device, fullState } from './samples.js';

test('an update changes what it names and leaves the old state as it was', () => {
  const before = fullState();
  const frozen = structuredClone(before);
  const moved = device('a', { position: [9, 0, 0] });
  const after = applyUpdate(before, { revision: 2, devices: [moved], selection: ['a'] });
  expect(after.devices.map((d) => d.position[0])).toEqual([9, 3]);
  expect(after.selection).toEqual(['a']);
  expect(after.revision).toBe(2);
  expect(before).toEqual(frozen);
  expect(after.devices[1]).toBe(before.devices[1]);
  expect(after.connections).toBe(before.connections);
  expect(after.camera).toBe(before.camera);
});

test('measurements come, change and go', () => {
  const measurement = (id: number, label: string) => ({ id, participantId: 7, isOpen: false, label, things: [], facts: [] });
  const first = applyUpdate(fullState(), { revision: 2, measurements: [measurement(1, '1 m'), measurement(2, '2 m')] });
  expect(first.measurements.map((m) => m.label)).toEqual(['1 m', '2 m']);
  const next = applyUpdate(first, { revision: 3, measurements: [measurement(2, '3 m')], removedMeasurements: [1] });
  expect(next.measurements.map((m) => m.label)).toEqual(['3 m']);
  const cut = applyUpdate(next, { revision: 4, section: [{ normal: [1, 0, 0], offset: 2 }] });
  expect(cut.section.length).toBe(1);
  expect(cut.measurements).toBe(next.measurements);
  expect(applyUpdate(cut, { revision: 5, section: [] }).section).toEqual([]);
});

test('new things come at the end, removed ones go, the rest keeps its order', () => {
  const after = applyUpdate(fullState(), {
    revision: 2,
    devices: [device('z'), device('b', { name: 'B' })],
    removedDevices: ['a', 'never-there'],
    connections: [connection('c2', 'b', 'z')],
    removedConnections: ['c1'],
  });
  expect(after.devices.map((d) => d.name)).toEqual(['B', 'z']);
  expect(after.connections.map((c) => c.id)).toEqual(['c2']);
});

test('an id that is removed and sent anew in one update is there', () => {
  const after = applyUpdate(fullState(), { revision: 2, devices: [device('a', { name: 'new' })], removedDevices: ['a'] });
  expect(after.devices.find((d) => d.id === 'a')?.name).toBe('new');
});

test('an emptied selection is not the same as one that was not named', () => {
  const selected = fullState({ selection: ['a'] });
  expect(applyUpdate(selected, { revision: 2 }).selection).toEqual(['a']);
  expect(applyUpdate(selected, { revision: 2, selection: [] }).selection).toEqual([]);
});

test('every other field is taken over', () => {
  const camera = { ...fullState().camera, yaw: 2 };
  const after = applyUpdate(fullState(), {
    revision: 3,
    workspace: 'Other',
    camera,
    picture: { widthPx: 640, heightPx: 360 },
    views: [],
  });
  expect(after).toMatchObject({ workspace: 'Other', camera, picture: { widthPx: 640 }, views: [] });
  expect(after.you).toEqual(fullState().you);
});

test('the store finds devices by id in every state', () => {
  const store = new StateStore();
  expect(store.update({ revision: 1, selection: [] })).toBeNull();
  expect(store.device('a')).toBeUndefined();
  store.setFull(fullState());
  expect(store.device('a')?.id).toBe('a');
  store.update({ revision: 2, removedDevices: ['a'], devices: [device('n')] });
  expect(store.device('a')).toBeUndefined();
  expect(store.device('n')?.id).toBe('n');
});
