/** Moving a device with a pointer: it stays on its height, and the point that was grabbed stays under the pointer. */
import * as geometry from './camera.js';
import type { PicturePoint, Ray, Vec3 } from './camera.js';
import { kept } from './section.js';
import type { Device, SessionState } from './store.js';

/** Below this slope (sine) of the view, points on the floor run away: the device then moves sideways only. */
const MIN_SLOPE = 0.06;
/** No single movement goes farther than this many camera distances. */
const MAX_REACH = 20;

/** One movement of one device. */
export class FloorDrag {
  private readonly start: Vec3;
  private readonly from: Vec3;
  private readonly normal: Vec3;

  private constructor(device: Device, grabbed: Vec3, normal: Vec3) {
    this.start = device.position;
    this.from = grabbed;
    this.normal = normal;
  }

  /** Null when the device's box is not at that point of the picture. */
  static begin(state: SessionState, device: Device, at: PicturePoint): FloorDrag | null {
    const ray = pictureRay(state, at);
    const distance = geometry.intersectBox(ray, device.bounds);
    if (distance === null) return null;
    const grabbed = geometry.add(ray.origin, geometry.scale(ray.direction, distance));
    const back = geometry.back(state.camera);
    const steep = Math.abs(ray.direction[1]) >= MIN_SLOPE && Math.abs(back[1]) >= MIN_SLOPE;
    return new FloorDrag(device, grabbed, steep ? [0, 1, 0] : geometry.normalize([back[0], 0, back[2]]));
  }

  /** Where the device goes when the pointer is there; null where no place of the world is under the pointer. */
  position(state: SessionState, at: PicturePoint): Vec3 | null {
    const ray = pictureRay(state, at);
    if (this.normal[1] === 1 && Math.abs(ray.direction[1]) < MIN_SLOPE / 3) return null;
    const hit = geometry.intersectPlane(ray, this.from, this.normal);
    if (!hit) return null;
    const moved = geometry.subtract(hit, this.from);
    if (Math.hypot(moved[0], moved[2]) > MAX_REACH * state.camera.distance) return null;
    return [this.start[0] + moved[0], this.start[1], this.start[2] + moved[2]];
  }
}

/** The ray through a point of the picture. */
export function pictureRay(state: SessionState, at: PicturePoint): Ray {
  return geometry.ray(state.camera, geometry.aspect(state.picture), at);
}

/**
 * The device whose box is first met at a point of the picture. The host picks by the full geometry; this serves people
 * who may not select, and whatever has to be known at once.
 */
export function pickByBox(state: SessionState, at: PicturePoint): Device | null {
  const ray = pictureRay(state, at);
  const range = kept(state.section, ray);
  if (!range) return null;
  const [from, to] = range;
  // A box that begins where it is cut away is met on its cut.
  const opened = geometry.add(ray.origin, geometry.scale(ray.direction, from));
  let best: { device: Device; distance: number } | null = null;
  for (const device of state.devices) {
    const { min, max } = device.bounds;
    const isOpen = from > 0 && opened.every((v, i) => v >= (min[i] ?? 0) && v <= (max[i] ?? 0));
    const distance = isOpen ? from : geometry.intersectBox(ray, device.bounds);
    if (distance === null || distance <= 0 || distance < from || distance > to) continue;
    if (!best || distance < best.distance) best = { device, distance };
  }
  return best?.device ?? null;
}
