import { expect, test } from 'vitest';
import { axisOf, facingAxis, facingNormal, flipped, reach } from '../src/client/section.js';
import { device, fullState } from './samples.js';

const camera = (yaw: number, pitch = 0.4) => ({ ...fullState().camera, yaw, pitch });

test('a plane is recognised by its axis', () => {
  expect(axisOf([0, -1, 0])).toEqual({ axis: 1, sign: -1 });
  expect(axisOf([0.6, 0.8, 0])).toBeNull();
  expect(flipped({ normal: [1, 0, 0], offset: 2 })).toEqual({ normal: [-1, 0, 0], offset: -2 });
});

test('the half that faces the person is cut away', () => {
  expect(facingAxis(camera(0.1))).toEqual({ axis: 2, sign: 1 });
  expect(facingAxis(camera(3))).toEqual({ axis: 2, sign: -1 });
  expect(facingAxis(camera(-1.5))).toEqual({ axis: 0, sign: -1 });
  expect(facingAxis(camera(0.1, 1.5))).toEqual({ axis: 1, sign: 1 });
  expect(facingNormal(camera(3), 2)).toEqual([0, 0, -1]);
});

test('a plane goes from one end of the selection to the other, or of everything', () => {
  const state = fullState({ devices: [device('a'), device('b', { position: [3, 0, 0] })] });
  expect(reach(state, [1, 0, 0])).toEqual([-0.5, 3.5]);
  expect(reach(state, [-1, 0, 0])).toEqual([-3.5, 0.5]);
  expect(reach({ ...state, selection: ['b'] }, [1, 0, 0])).toEqual([2.5, 3.5]);
  expect(reach({ ...state, devices: [] }, [1, 0, 0])).toBeNull();
  expect(reach(state, [0, 1, 0])).toEqual([0, 1]);
});
