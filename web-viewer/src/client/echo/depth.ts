/**
 * How far things are in a picture, on a coarse grid. The host sends no depth for that: the viewer knows where the floor is
 * and the boxes around the devices, and sees from where the picture was drawn.
 */
import { add, back, eye, near, right, scale, subtract, dot, up, type Camera, type Vec3 } from '../camera.js';

/** Cells of the grid. */
export const COLUMNS = 48;
export const ROWS = 27;
/** Points of the grid, row by row from the top left corner of the picture. */
export const POINTS = (COLUMNS + 1) * (ROWS + 1);
/** What is farther than so many times the distance to the target turns and does not shift. */
const FAR = 50;

export interface Box {
  readonly min: Vec3;
  readonly max: Vec3;
}

/** Everything on the plane through the target that faces the eye. */
export function flatDepths(camera: Camera, out: Float32Array): void {
  out.fill(camera.distance);
}

/** Floor and boxes: depth along the line of sight, metres. What sees neither is far away. */
export function sceneDepths(camera: Camera, aspect: number, boxes: Iterable<Box>, out: Float32Array): void {
  const [origin, forward] = [eye(camera), scale(back(camera), -1)];
  const tan = Math.tan(camera.fovY / 2);
  const across = scale(right(camera), tan * aspect);
  const upward = scale(up(camera), tan);
  const far = camera.distance * FAR;
  const least = near(camera);
  // Of length 1 along the line of sight, so that what is found along it is depth.
  const direction = (x: number, y: number): Vec3 =>
    add(add(forward, scale(across, (x / COLUMNS) * 2 - 1)), scale(upward, 1 - (y / ROWS) * 2));
  for (let y = 0, i = 0; y <= ROWS; y++) {
    for (let x = 0; x <= COLUMNS; x++, i++) {
      const fall = direction(x, y)[1];
      const depth = -origin[1] / fall;
      out[i] = depth > least && depth < far ? depth : far;
    }
  }
  for (const box of boxes) {
    const reach = reachOf(box, origin, forward, across, upward, least);
    if (!reach) continue;
    const [left, right, top, bottom] = reach;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const depth = entry(origin, direction(x, y), box);
        const i = y * (COLUMNS + 1) + x;
        if (depth !== null && depth > least && depth < (out[i] ?? 0)) out[i] = depth;
      }
    }
  }
}

/** Points of the grid that a box can cover: left, right, top, bottom. Null when it is out of the picture. */
function reachOf(box: Box, origin: Vec3, forward: Vec3, across: Vec3, upward: Vec3, least: number): [number, number, number, number] | null {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  const [width, height] = [dot(across, across), dot(upward, upward)];
  let isNear = false;
  let isSeen = false;
  for (let corner = 0; corner < 8; corner++) {
    const at: Vec3 = [
      corner & 1 ? box.max[0] : box.min[0],
      corner & 2 ? box.max[1] : box.min[1],
      corner & 4 ? box.max[2] : box.min[2],
    ];
    const v = subtract(at, origin);
    const depth = dot(v, forward);
    if (depth <= least) {
      isNear = true;
      continue;
    }
    isSeen = true;
    const x = ((dot(v, across) / width / depth + 1) / 2) * COLUMNS;
    const y = ((1 - dot(v, upward) / height / depth) / 2) * ROWS;
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (!isSeen) return null;
  // Partly behind the eye: it may be anywhere.
  if (isNear) [left, right, top, bottom] = [0, COLUMNS, 0, ROWS];
  if (right < 0 || left > COLUMNS || bottom < 0 || top > ROWS) return null;
  return [
    Math.max(0, Math.ceil(left)),
    Math.min(COLUMNS, Math.floor(right)),
    Math.max(0, Math.ceil(top)),
    Math.min(ROWS, Math.floor(bottom)),
  ];
}

/** Where a line enters a box; null when it passes by. */
function entry(origin: Vec3, direction: Vec3, box: Box): number | null {
  let [first, last] = [0, Infinity];
  for (const axis of [0, 1, 2] as const) {
    const inverse = 1 / direction[axis];
    const a = (box.min[axis] - origin[axis]) * inverse;
    const b = (box.max[axis] - origin[axis]) * inverse;
    // Not a number when the line runs within a face: then that face says nothing.
    if (a < b ? a > first : b > first) first = Math.min(a, b);
    if (a < b ? b < last : a < last) last = Math.max(a, b);
  }
  return first <= last ? first : null;
}
