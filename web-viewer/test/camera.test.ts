// The numbers in golden/camera.json were printed by rr-scene: its `Camera` was asked for each value.
import { describe, expect, test } from 'vitest';
import * as camera from '../src/client/camera.js';
import type { Vec3 } from '../src/client/camera.js';
import golden from './golden/camera.json';

type Camera = Parameters<typeof camera.eye>[0];

/** The host calculates with 24 bits. */
function near(found: readonly number[], wanted: readonly number[], tolerance = 2e-5) {
  expect(found.length).toBe(wanted.length);
  const size = Math.max(1, ...wanted.map(Math.abs));
  found.forEach((value, i) => expect(Math.abs(value - (wanted[i] ?? NaN)), `[${i}] ${value}, not ${wanted[i]}`).toBeLessThan(tolerance * size));
}

describe.each(golden.map((g, i) => [i, g] as const))('camera %i is the host’s', (_, g) => {
  const cam = g.camera as unknown as Camera;

  test('eye and near plane', () => {
    near(camera.eye(cam), g.eye);
    near([camera.near(cam)], [g.near]);
  });

  test('view and projection matrices', () => {
    near(camera.eyeFromWorld(cam), g.eyeFromWorld);
    near(camera.clipFromWorld(cam, g.aspect), g.clipFromWorld, 1e-4);
  });

  test('points of the world in the picture', () => {
    for (const { point, at } of g.projections) {
      const found = camera.project(cam, g.aspect, point as unknown as Vec3);
      if (at === null) expect(found).toBeNull();
      else near([found?.x ?? NaN, found?.y ?? NaN], at, 5e-5);
    }
    expect(g.projections.some(({ at }) => at === null)).toBe(true);
  });

  test('rays through the picture', () => {
    for (const { at, origin, direction } of g.rays) {
      const [x = NaN, y = NaN] = at;
      const found = camera.ray(cam, g.aspect, { x, y });
      near(found.origin, origin);
      near(found.direction, direction);
    }
  });
});

const level: Camera = { target: [0, 0, 0], distance: 10, yaw: 0, pitch: Math.PI / 6, fovY: Math.PI / 4 };

test('a point projects to where its ray leaves', () => {
  for (const at of [{ x: 0.1, y: 0.2 }, { x: 0.93, y: 0.71 }]) {
    const { origin, direction } = camera.ray(level, 1.5, at);
    const back = camera.project(level, 1.5, camera.add(origin, camera.scale(direction, 7)));
    near([back?.x ?? NaN, back?.y ?? NaN], [at.x, at.y]);
  }
});

test('a ray meets the floor where the floor is, and nothing above the horizon', () => {
  const floor = camera.intersectLevel(camera.ray(level, 1.5, { x: 0.3, y: 0.8 }), 0);
  expect(floor?.[1]).toBeCloseTo(0, 9);
  const up: Camera = { ...level, pitch: -0.3 };
  expect(camera.intersectLevel(camera.ray({ ...up, target: [0, 5, 0] }, 1.5, { x: 0.5, y: 0 }), 0)).toBeNull();
});

test('a ray meets a box from outside, from inside, and passes by', () => {
  const box = { min: [-1, -1, -1] as Vec3, max: [1, 1, 1] as Vec3 };
  expect(camera.intersectBox({ origin: [0, 0, 5], direction: [0, 0, -1] }, box)).toBeCloseTo(4);
  expect(camera.intersectBox({ origin: [0, 0, 0], direction: [0, 0, -1] }, box)).toBe(0);
  expect(camera.intersectBox({ origin: [0, 3, 5], direction: [0, 0, -1] }, box)).toBeNull();
  expect(camera.intersectBox({ origin: [0, 0, 5], direction: [0, 0, 1] }, box)).toBeNull();
});
