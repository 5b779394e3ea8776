/**
 * How far things are in a picture, on a coarse grid. The host sends no depth: the viewer knows where the floor is and the
 * boxes around the devices. Measured against depths of the true surfaces on the same grid, that was no worse
 * (docs/benchmarks.md).
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

/**
 * Boxes without those that others stand in, such as the layout of a hall: between their faces is air.
 */
export function standing(boxes: readonly Box[]): Box[] {
  const middles = boxes.map(({ min, max }) => scale(add(min, max), 0.5));
  const areas = boxes.map(({ min, max }) => (max[0] - min[0]) * (max[2] - min[2]));
  const holds = (box: Box, at: Vec3) => at.every((value, i) => value >= (box.min[i] ?? 0) && value <= (box.max[i] ?? 0));
  const isLarger = (i: number, other: number) => (areas[i] ?? 0) > (areas[other] ?? 0);
  return boxes.filter((box, i) => !middles.some((at, other) => isLarger(i, other) && holds(box, at)));
}

/**
 * Depth along the line of sight, metres. What is seen is on the floor, or within a box on the plane through its middle that
 * faces the eye: most boxes are half empty, and on their faces things would be too near. What sees neither is far away.
 */
export function sceneDepths(camera: Camera, aspect: number, boxes: Iterable<Box>, out: Float32Array): void {
  const [origin, forward] = [eye(camera), scale(back(camera), -1)];
  const tan = Math.tan(camera.fovY / 2);
  const across = scale(right(camera), tan * aspect);
  const upward = scale(up(camera), tan);
  const far = camera.distance * FAR;
  const least = near(camera);
  // Of length 1 along the line of sight, so that what is found along it is depth.
  const direction = (x: number, y: number): Vec3 => {
    const [r, u] = [(x / COLUMNS) * 2 - 1, 1 - (y / ROWS) * 2];
    return [
      forward[0] + across[0] * r + upward[0] * u,
      forward[1] + across[1] * r + upward[1] * u,
      forward[2] + across[2] * r + upward[2] * u,
    ];
  };
  const floor = (along: Vec3): number => {
    const depth = -origin[1] / along[1];
    return depth > least && depth < far ? depth : far;
  };
  for (let y = 0, i = 0; y <= ROWS; y++) {
    for (let x = 0; x <= COLUMNS; x++, i++) out[i] = floor(direction(x, y));
  }
  for (const box of boxes) {
    const reach = reachOf(box, origin, forward, across, upward, least);
    if (!reach) continue;
    const [left, right, top, bottom] = reach;
    const middle = dot(subtract(scale(add(box.min, box.max), 0.5), origin), forward);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const along = direction(x, y);
        const face = entry(origin, along, box);
        if (face === null || face >= floor(along)) continue;
        const depth = Math.min(Math.max(middle, face, least), floor(along));
        const i = y * (COLUMNS + 1) + x;
        if (depth < (out[i] ?? 0)) out[i] = depth;
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
