import { beforeEach, expect, test } from 'vitest';
import { GestureRecogniser, type Gesture, type PointerInput } from '../src/page/gestures.js';

let recogniser: GestureRecogniser;
let time: number;

beforeEach(() => {
  recogniser = new GestureRecogniser();
  time = 1000;
});

const pointer = (x: number, y: number, change: Partial<PointerInput> = {}): PointerInput => ({
  id: 1,
  pointerType: 'touch',
  button: 0,
  x,
  y,
  shift: false,
  ctrl: false,
  ...change,
});
const down = (x: number, y: number, change?: Partial<PointerInput>) => recogniser.down(pointer(x, y, change), time);
const move = (x: number, y: number, id = 1) => recogniser.move({ id, x, y });
const up = (x: number, y: number, id = 1) => recogniser.up({ id, x, y }, time);
const types = (gestures: Gesture[]) => gestures.map((g) => g.type);

test('a short touch that trembles is a tap', () => {
  expect(down(100, 100)).toEqual([]);
  expect(move(104, 103)).toEqual([]);
  expect(up(104, 103)).toEqual([{ type: 'tap', x: 104, y: 103, toggle: false, isTouch: true }]);
});

test('two taps at one place are a tap and a double tap, a third begins anew', () => {
  const seen: Gesture[] = [];
  for (let i = 0; i < 3; i++) {
    down(50, 50);
    time += 60;
    seen.push(...up(50, 50));
    time += 80;
  }
  expect(types(seen)).toEqual(['tap', 'doubleTap', 'tap']);
});

test('taps that are far apart in time or place are two taps', () => {
  down(50, 50);
  up(50, 50);
  time += 400;
  down(50, 50);
  expect(types(up(50, 50))).toEqual(['tap']);
  time += 50;
  down(150, 50);
  expect(types(up(150, 50))).toEqual(['tap']);
});

test('a drag begins where the finger came down and loses no movement', () => {
  down(100, 100);
  const begun = move(115, 100);
  expect(begun).toEqual([
    { type: 'dragStart', x: 100, y: 100, pan: false },
    { type: 'drag', x: 115, y: 100, dx: 15, dy: 0, pan: false },
  ]);
  expect(move(120, 95)).toEqual([{ type: 'drag', x: 120, y: 95, dx: 5, dy: -5, pan: false }]);
  expect(types(up(122, 95))).toEqual(['drag', 'dragEnd']);
});

test('a mouse needs less movement than a finger', () => {
  down(0, 0, { pointerType: 'mouse' });
  expect(types(move(5, 0))).toEqual(['dragStart', 'drag']);
});

test.each([
  ['middle button', { button: 1 }],
  ['right button', { button: 2 }],
  ['shift', { shift: true }],
])('a mouse drag with %s shifts', (_, change) => {
  down(0, 0, { pointerType: 'mouse', ...change });
  expect(move(20, 0)[1]).toMatchObject({ type: 'drag', pan: true });
});

test('a right click opens the menu, a middle click does nothing, Ctrl+click adds', () => {
  down(5, 5, { pointerType: 'mouse', button: 2 });
  expect(up(5, 5)).toEqual([{ type: 'context', x: 5, y: 5 }]);
  down(5, 5, { pointerType: 'mouse', button: 1 });
  expect(up(5, 5)).toEqual([]);
  down(5, 5, { pointerType: 'mouse', ctrl: true });
  expect(up(5, 5)).toEqual([{ type: 'tap', x: 5, y: 5, toggle: true, isTouch: false }]);
});

test('a finger that rests is a long press and no tap', () => {
  down(40, 40);
  expect(recogniser.deadline).toBe(1500);
  expect(recogniser.tick(1499)).toEqual([]);
  expect(recogniser.tick(1500)).toEqual([{ type: 'context', x: 40, y: 40 }]);
  expect(recogniser.deadline).toBeNull();
  expect(move(90, 90)).toEqual([]);
  expect(up(90, 90)).toEqual([]);
});

test('neither a moving finger nor a mouse is a long press', () => {
  down(40, 40);
  move(80, 40);
  expect(recogniser.deadline).toBeNull();
  up(80, 40);
  down(40, 40, { pointerType: 'mouse' });
  expect(recogniser.deadline).toBeNull();
});

test('two fingers shift by their middle and zoom by their distance', () => {
  down(100, 100);
  down(200, 100, { id: 2 });
  const apart = move(300, 100, 2);
  expect(apart).toEqual([{ type: 'pinch', x: 200, y: 100, dx: 50, dy: 0, spread: 2 }]);
  // Both by 20 down: together the middle moves by 20 and the distance comes back to what it was.
  const both = [...move(100, 120, 1), ...move(300, 120, 2)] as Extract<Gesture, { type: 'pinch' }>[];
  expect(both.reduce((sum, g) => sum + g.dy, 0)).toBe(20);
  expect(both.reduce((product, g) => product * g.spread, 1)).toBeCloseTo(1, 9);
});

test('a second finger ends the drag of the first, and what is left after a pinch does nothing', () => {
  down(100, 100);
  move(150, 100);
  expect(types(down(200, 100, { id: 2 }))).toEqual(['dragEnd']);
  up(200, 100, 2);
  expect(move(300, 300)).toEqual([]);
  expect(up(300, 300)).toEqual([]);
  down(10, 10);
  expect(types(up(10, 10))).toEqual(['tap']);
});

test('a third finger ends the pinch', () => {
  down(0, 0);
  down(100, 0, { id: 2 });
  down(50, 90, { id: 3 });
  expect(move(300, 0, 2)).toEqual([]);
});

test('a pointer that the browser takes away ends its drag and is no tap', () => {
  down(0, 0);
  expect(recogniser.cancel(1)).toEqual([]);
  down(0, 0);
  move(50, 0);
  expect(types(recogniser.cancel(1))).toEqual(['dragEnd']);
  expect(recogniser.cancel(1)).toEqual([]);
  expect(move(60, 0)).toEqual([]);
});
