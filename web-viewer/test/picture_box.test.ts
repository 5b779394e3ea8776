import { expect, test } from 'vitest';
import { inputScale, isInside, pictureBox, toPicture, wheelPixels } from '../src/page/picture_box.js';

test('bars above and below are not part of the picture', () => {
  const box = pictureBox({ left: 10, top: 20, width: 1024, height: 768 }, 1280, 720);
  expect(box).toEqual({ left: 10, top: 116, width: 1024, height: 576 });
  expect(toPicture(box, 522, 404)).toEqual({ x: 0.5, y: 0.5 });
  expect(toPicture(box, 10, 116)).toEqual({ x: 0, y: 0 });
  expect(isInside(toPicture(box, 522, 115))).toBe(false);
  expect(isInside(toPicture(box, 522, 693))).toBe(false);
});

test('bars at the sides neither', () => {
  const box = pictureBox({ left: 0, top: 0, width: 2000, height: 720 }, 1280, 720);
  expect(box).toEqual({ left: 360, top: 0, width: 1280, height: 720 });
  expect(isInside(toPicture(box, 359, 300))).toBe(false);
});

test('input is measured in a picture of 720 pixels', () => {
  expect(inputScale({ left: 0, top: 0, width: 640, height: 360 })).toBe(2);
});

test('before the first picture the element counts', () => {
  const element = { left: 0, top: 0, width: 100, height: 100 };
  expect(pictureBox(element, 0, 0)).toEqual(element);
  expect(Number.isFinite(toPicture({ ...element, width: 0, height: 0 }, 5, 5).x)).toBe(true);
});

test('wheels speak in pixels, lines, pages and pinches', () => {
  expect(wheelPixels({ deltaY: 100, deltaMode: 0, ctrlKey: false })).toBe(100);
  expect(wheelPixels({ deltaY: 3, deltaMode: 1, ctrlKey: false })).toBe(48);
  expect(wheelPixels({ deltaY: -1, deltaMode: 2, ctrlKey: false })).toBe(-720);
  expect(wheelPixels({ deltaY: 2, deltaMode: 0, ctrlKey: true })).toBe(16);
  expect(wheelPixels({ deltaY: 1e9, deltaMode: 0, ctrlKey: false })).toBe(1000);
});
