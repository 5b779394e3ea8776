/** Section planes by world axes: where they can go, and which of them shows the inside to who is looking. */
import type { SectionState } from '../protocol.gen.js';
import { back, dot, type Ray } from './camera.js';
import type { SessionState } from './store.js';

export type Axis = 0 | 1 | 2;

/** The axis of a plane, and whether it points the other way; null for a slanted one. */
export function axisOf(normal: readonly number[]): { axis: Axis; sign: 1 | -1 } | null {
  const axis = normal.findIndex((v) => Math.abs(v) > 0.9999);
  if (axis < 0) return null;
  return { axis: axis as Axis, sign: (normal[axis] ?? 0) > 0 ? 1 : -1 };
}

export function unit(axis: Axis, sign: 1 | -1): [number, number, number] {
  return [axis === 0 ? sign : 0, axis === 1 ? sign : 0, axis === 2 ? sign : 0];
}

/** The same plane with the other side cut away. */
export function flipped({ normal: [x, y, z], offset }: Readonly<SectionState>): SectionState {
  // A minus before nothing would only confuse.
  return { normal: [-x || 0, -y || 0, -z || 0], offset: -offset || 0 };
}

/** The axis on which a first plane cuts away the half that faces the person, on the level unless they look from above. */
export function facingAxis(camera: SessionState['camera']): { axis: Axis; sign: 1 | -1 } {
  const way = back(camera);
  const axis = Math.abs(camera.pitch) > 1.2 ? 1 : Math.abs(way[0]) > Math.abs(way[2]) ? 0 : 2;
  return { axis, sign: way[axis] < 0 ? -1 : 1 };
}

/** The normal of a plane along an axis that cuts away what faces the person. */
export function facingNormal(camera: SessionState['camera'], axis: Axis): [number, number, number] {
  return unit(axis, back(camera)[axis] < 0 ? -1 : 1);
}

/** From where to where a ray runs through what is not cut away; null when nowhere. */
export function kept(section: SessionState['section'], { origin, direction }: Ray): [number, number] | null {
  let [from, to] = [0, Infinity];
  for (const { normal, offset } of section) {
    const [beyond, towards] = [dot(normal, origin) - offset, dot(normal, direction)];
    if (towards > 1e-9) to = Math.min(to, -beyond / towards);
    else if (towards < -1e-9) from = Math.max(from, -beyond / towards);
    else if (beyond > 0) return null;
  }
  return from < to ? [from, to] : null;
}

/** Between which offsets a plane of this normal cuts what is selected, or everything; null when there is nothing. */
export function reach(state: SessionState, normal: readonly number[]): [number, number] | null {
  const selected = new Set(state.selection);
  const chosen = state.devices.filter((d) => selected.has(d.id));
  const offsets = (chosen.length > 0 ? chosen : state.devices).flatMap(({ bounds: { min, max } }) => {
    const ends = normal.map((n, i) => [n * (min[i] ?? 0), n * (max[i] ?? 0)]);
    return [
      ends.reduce((sum, [a = 0, b = 0]) => sum + Math.min(a, b), 0),
      ends.reduce((sum, [a = 0, b = 0]) => sum + Math.max(a, b), 0),
    ];
  });
  return offsets.length > 0 ? [Math.min(...offsets), Math.max(...offsets)] : null;
}
