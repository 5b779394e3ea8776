/**
 * The movements of the host's camera, for a copy of it that runs ahead. The same mathematics as `Camera::orbit`, `pan` and
 * `zoom` in `scene/src/camera.rs`; tests compare the numbers.
 */
import type { ClientBody } from '../../protocol.gen.js';
import { add, right, scale, up, type Camera, type Vec3 } from '../camera.js';

const ORBIT_RADIANS_PER_PX = (0.25 * Math.PI) / 180;
const ZOOM_PER_WHEEL_UNIT = 0.001;
const MIN_DISTANCE = 0.01;
const MAX_DISTANCE = 20_000;
const MAX_PITCH = Math.PI / 2 - 0.001;
const MAX_TARGET = 50_000;
/** Height of the picture that movements are measured in. */
const REFERENCE_HEIGHT_PX = 720;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** An angle within half a turn of zero. */
export function wrapAngle(a: number): number {
  const turn = 2 * Math.PI;
  return ((((a + Math.PI) % turn) + turn) % turn) - Math.PI;
}

/** The camera after a message; null when the message does not move it, or moves it in a way that only the host knows. */
export function moved(camera: Camera, message: ClientBody): Camera | null {
  switch (message.type) {
    case 'camera:orbit': {
      const { deltaX, deltaY } = message.data;
      const yaw = wrapAngle(camera.yaw - deltaX * ORBIT_RADIANS_PER_PX);
      const pitch = clamp(camera.pitch + deltaY * ORBIT_RADIANS_PER_PX, -MAX_PITCH, MAX_PITCH);
      return { ...camera, yaw, pitch };
    }
    case 'camera:pan': {
      const { deltaX, deltaY } = message.data;
      const metresPerPx = (2 * camera.distance * Math.tan(camera.fovY / 2)) / REFERENCE_HEIGHT_PX;
      const shift = add(scale(up(camera), deltaY * metresPerPx), scale(right(camera), -deltaX * metresPerPx));
      const [x, y, z] = add(camera.target, shift);
      const within = (value: number) => clamp(value, -MAX_TARGET, MAX_TARGET);
      return { ...camera, target: [within(x), within(y), within(z)] as Vec3 };
    }
    case 'camera:zoom': {
      const factor = Math.exp(clamp(message.data.delta, -2000, 2000) * ZOOM_PER_WHEEL_UNIT);
      return { ...camera, distance: clamp(camera.distance * factor, MIN_DISTANCE, MAX_DISTANCE) };
    }
    default:
      return null;
  }
}

/** How far one camera is from another, in the numbers that a camera has. */
export interface Offset {
  readonly target: Vec3;
  /** Of the logarithm of the distance. */
  readonly zoom: number;
  readonly yaw: number;
  readonly pitch: number;
}

/** What has to be added to `to` to come to `from`. */
export const offsetBetween = (from: Camera, to: Camera): Offset => ({
  target: add(from.target, scale(to.target, -1)),
  zoom: Math.log(from.distance / to.distance),
  yaw: wrapAngle(from.yaw - to.yaw),
  pitch: from.pitch - to.pitch,
});

/** The camera with a share of an offset added. */
export const offsetBy = (camera: Camera, by: Offset, share: number): Camera => ({
  ...camera,
  target: add(camera.target, scale(by.target, share)),
  distance: clamp(camera.distance * Math.exp(by.zoom * share), MIN_DISTANCE, MAX_DISTANCE),
  yaw: wrapAngle(camera.yaw + by.yaw * share),
  pitch: clamp(camera.pitch + by.pitch * share, -MAX_PITCH, MAX_PITCH),
});

/** How much an offset moves the picture, about: 1 is the whole width. */
export function sizeOf(by: Offset, camera: Camera): number {
  const width = 2 * camera.distance * Math.tan(camera.fovY / 2);
  return Math.hypot(...by.target) / width + Math.abs(by.zoom) + (Math.abs(by.yaw) + Math.abs(by.pitch)) / camera.fovY;
}
