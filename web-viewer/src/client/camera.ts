/**
 * The host's camera, so that a page can place things over the picture and turn points of it into places in the world.
 * The same mathematics as `scene/src/camera.rs`; a test compares the numbers. Metres, radians, right-handed, Y up.
 * Matrices are column by column.
 */
import type { Bounds, CameraState, PictureSize } from '../protocol.gen.js';

export type Vec3 = readonly [number, number, number];
export type Mat4 = readonly number[];
export type Camera = Readonly<Omit<CameraState, 'target'>> & { readonly target: Vec3 };

/** A point of the picture: 0 to 1 from the top left corner. */
export interface PicturePoint {
  x: number;
  y: number;
}

/** A half-line from the eye. */
export interface Ray {
  origin: Vec3;
  /** Of length 1. */
  direction: Vec3;
}

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, s: number): Vec3 => [a[0] * s, a[1] * s, a[2] * s];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const normalize = (a: Vec3): Vec3 => scale(a, 1 / Math.hypot(...a));

/** Width over height. */
export const aspect = (picture: Readonly<PictureSize>): number => picture.widthPx / Math.max(picture.heightPx, 1);

/** Unit vector from the target to the eye. */
export function back(camera: Camera): Vec3 {
  const level = Math.cos(camera.pitch);
  return [Math.sin(camera.yaw) * level, Math.sin(camera.pitch), Math.cos(camera.yaw) * level];
}

/** Unit vector to the right of the picture. */
export const right = (camera: Camera): Vec3 => [Math.cos(camera.yaw), 0, -Math.sin(camera.yaw)];

/** Unit vector to the top of the picture. */
export const up = (camera: Camera): Vec3 => cross(back(camera), right(camera));

/** Where the eye is. */
export const eye = (camera: Camera): Vec3 => add(camera.target, scale(back(camera), camera.distance));

/** Distance of the near plane. */
export const near = (camera: Camera): number => Math.min(Math.max(camera.distance * 0.01, 1e-4), 10);

/** World to eye space, looking along -z. */
export function eyeFromWorld(camera: Camera): Mat4 {
  const [r, u, b, e] = [right(camera), up(camera), back(camera), eye(camera)];
  return [r[0], u[0], b[0], 0, r[1], u[1], b[1], 0, r[2], u[2], b[2], 0, -dot(r, e), -dot(u, e), -dot(b, e), 1];
}

/** Eye space to clip space with reversed depth: 1 at the near plane, 0 at infinity. */
export function clipFromEye(camera: Camera, aspect: number): Mat4 {
  const f = 1 / Math.tan(camera.fovY / 2);
  return [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, 0, -1, 0, 0, near(camera), 0];
}

/** World to clip space. */
export const clipFromWorld = (camera: Camera, aspect: number): Mat4 =>
  multiply(clipFromEye(camera, aspect), eyeFromWorld(camera));

/** Where a point of the world is in the picture, which may be outside of 0 to 1; null behind the eye. */
export function project(camera: Camera, aspect: number, point: Vec3): PicturePoint | null {
  const v = subtract(point, eye(camera));
  const depth = -dot(v, back(camera));
  if (depth <= near(camera) * 0.5) return null;
  const tan = Math.tan(camera.fovY / 2) * depth;
  return { x: (dot(v, right(camera)) / (tan * aspect)) * 0.5 + 0.5, y: 0.5 - (dot(v, up(camera)) / tan) * 0.5 };
}

/** The ray through a point of the picture. */
export function ray(camera: Camera, aspect: number, at: PicturePoint): Ray {
  const tan = Math.tan(camera.fovY / 2);
  const across = scale(right(camera), (at.x * 2 - 1) * tan * aspect);
  const upward = scale(up(camera), (1 - at.y * 2) * tan);
  return { origin: eye(camera), direction: normalize(subtract(add(across, upward), back(camera))) };
}

/** Where a ray meets the plane through `point` with that normal; null when it runs along it or away from it. */
export function intersectPlane(ray: Ray, point: Vec3, normal: Vec3): Vec3 | null {
  const towards = dot(ray.direction, normal);
  if (Math.abs(towards) < 1e-6) return null;
  const distance = dot(subtract(point, ray.origin), normal) / towards;
  return distance > 0 ? add(ray.origin, scale(ray.direction, distance)) : null;
}

/** Where a ray meets the level plane at a height; null when it does not. */
export const intersectLevel = (ray: Ray, height: number): Vec3 | null => intersectPlane(ray, [0, height, 0], [0, 1, 0]);

/** How far along a ray a box begins, metres: 0 when the ray starts inside; null when the ray passes by. */
export function intersectBox(ray: Ray, box: { readonly min: Vec3; readonly max: Vec3 }): number | null {
  let [first, last] = [0, Infinity];
  for (const axis of [0, 1, 2] as const) {
    const [origin, direction] = [ray.origin[axis], ray.direction[axis]];
    if (Math.abs(direction) < 1e-12) {
      if (origin < box.min[axis] || origin > box.max[axis]) return null;
      continue;
    }
    const a = (box.min[axis] - origin) / direction;
    const b = (box.max[axis] - origin) / direction;
    first = Math.max(first, Math.min(a, b));
    last = Math.min(last, Math.max(a, b));
  }
  return first <= last ? first : null;
}

/** The middle of a box. */
export const centre = (box: { readonly min: Vec3; readonly max: Vec3 } | Bounds): Vec3 =>
  scale(add(box.min, box.max), 0.5);

export function multiply(a: Mat4, b: Mat4): Mat4 {
  const out: number[] = [];
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += (a[k * 4 + row] ?? 0) * (b[column * 4 + k] ?? 0);
      out.push(sum);
    }
  }
  return out;
}
