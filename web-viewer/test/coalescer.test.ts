import { beforeEach, expect, test } from 'vitest';
import { Coalescer } from '../src/client/coalescer.js';
import type { ClientBody } from '../src/protocol.gen.js';

let sent: ClientBody[];
let frames: (() => void)[];
let now: number;
let coalescer: Coalescer;

beforeEach(() => {
  [sent, frames, now] = [[], [], 1000];
  const schedule = (callback: () => void) => {
    frames.push(callback);
    return () => void frames.splice(frames.indexOf(callback), 1);
  };
  coalescer = new Coalescer((body) => sent.push(body), schedule, () => now);
});

/** This moment is over. */
const after = () => Promise.resolve();
const frame = () => frames.splice(0).forEach((callback) => callback());
const drag = (deviceId: string, positionX: number) => ({ deviceId, positionX, positionY: 0, positionZ: 0, gesture: 1 });

test('movements of one moment are one message each, and need not wait for the screen', async () => {
  for (let i = 0; i < 10; i++) coalescer.addOrbit(1, -2);
  coalescer.addPan(3, 4);
  coalescer.addPan(1, 1);
  coalescer.addZoom(5);
  coalescer.addZoom(-2);
  expect(sent).toEqual([]);
  expect(frames).toEqual([]);
  await after();
  expect(sent).toEqual([
    { type: 'camera:orbit', data: { deltaX: 10, deltaY: -20 } },
    { type: 'camera:zoom', data: { delta: 3 } },
    { type: 'camera:pan', data: { deltaX: 4, deltaY: 5 } },
  ]);
  frame();
  expect(sent.length).toBe(3);
});

test('movements that follow are sent once a frame, and a later one at once again', async () => {
  coalescer.addOrbit(1, 0);
  await after();
  for (let i = 0; i < 7; i++) {
    now += 1;
    coalescer.addOrbit(1, 0);
    await after();
  }
  expect(sent.length).toBe(1);
  frame();
  expect(sent[1]).toEqual({ type: 'camera:orbit', data: { deltaX: 7, deltaY: 0 } });
  now += 8;
  coalescer.addOrbit(1, 0);
  await after();
  expect(sent.length).toBe(3);
  // A place of the pointer that waits holds nothing up.
  coalescer.setPointer({ x: 0.5, y: 0.5 });
  now += 8;
  coalescer.addOrbit(1, 0);
  await after();
  expect(sent.slice(3).map(({ type }) => type)).toEqual(['camera:orbit', 'pointer:move']);
  expect(frames).toEqual([]);
});

test('of the places of a device the last one counts, and each device has its own', async () => {
  coalescer.setDrag(drag('a', 1));
  coalescer.setDrag(drag('a', 2));
  coalescer.setDrag(drag('b', 5));
  await after();
  expect(sent).toEqual([
    { type: 'device:drag', data: drag('a', 2) },
    { type: 'device:drag', data: drag('b', 5) },
  ]);
});

test('a place that was dropped is not sent after the last message of the drag', async () => {
  coalescer.setDrag(drag('a', 1));
  coalescer.dropDrag('a');
  await after();
  frame();
  expect(sent).toEqual([]);
});

test('pointers go out 20 times a second, the last place always, and leaving at once', () => {
  for (let i = 0; i <= 20; i++) {
    coalescer.setPointer({ x: i / 20, y: 0 });
    frame();
    now += 10;
  }
  expect(sent.length).toBe(5);
  coalescer.setPointer({ x: 0.5, y: 0.5 });
  frame();
  now += 50;
  frame();
  expect(sent.at(-1)).toEqual({ type: 'pointer:move', data: { x: 0.5, y: 0.5 } });
  coalescer.setPointer(null);
  frame();
  expect(sent.at(-1)).toEqual({ type: 'pointer:leave', data: {} });
});

test('no movement is no message', () => {
  coalescer.addOrbit(0, 0);
  coalescer.addPan(0, 0);
  coalescer.addZoom(0);
  expect(frames).toEqual([]);
  frame();
  expect(sent).toEqual([]);
});

test('flush sends now and nothing twice; clear sends nothing', async () => {
  coalescer.addOrbit(1, 1);
  coalescer.flush();
  await after();
  frame();
  expect(sent.length).toBe(1);
  now += 100;
  coalescer.addOrbit(1, 1);
  coalescer.clear();
  await after();
  frame();
  expect(sent.length).toBe(1);
});
