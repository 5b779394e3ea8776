import type { ConnectionState, DeviceState, FullState, MeasurementState, StateUpdate } from '../protocol.gen.js';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** A device as the host describes it. */
export type Device = DeepReadonly<DeviceState>;
/** A connection as the host describes it. */
export type Connection = DeepReadonly<ConnectionState>;
/** A measurement as the host describes it. */
export type Measurement = DeepReadonly<MeasurementState>;
/** One state of the session. A change makes a new object; what did not change is shared with the one before. */
export type SessionState = DeepReadonly<FullState>;

/** The state after an update. */
export function applyUpdate(state: SessionState, update: StateUpdate): SessionState {
  const { removedDevices, removedConnections, removedMeasurements, devices, connections, measurements, ...rest } = update;
  return {
    ...state,
    ...withoutUndefined(rest),
    devices: merge(state.devices, devices, removedDevices),
    connections: merge(state.connections, connections, removedConnections),
    measurements: merge(state.measurements, measurements, removedMeasurements),
  };
}

/** Takes away what is gone, replaces what changed in its place, and adds what is new at the end. */
function merge<T extends { readonly id: string | number }>(
  old: readonly T[],
  changed: readonly T[] | undefined,
  removed: readonly T['id'][] | undefined,
): readonly T[] {
  if (!changed?.length && !removed?.length) return old;
  const gone = new Set<T['id']>(removed);
  const fresh = new Map<T['id'], T>(changed?.map((item) => [item.id, item]));
  const merged: T[] = [];
  for (const item of old) {
    const next = fresh.get(item.id);
    if (next) {
      merged.push(next);
      fresh.delete(item.id);
    } else if (!gone.has(item.id)) merged.push(item);
  }
  merged.push(...fresh.values());
  return merged;
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>;
}

/** Keeps the latest state and finds things in it by their id. */
export class StateStore {
  private current: SessionState | null = null;
  private index: Map<string, Device> | null = null;

  get state(): SessionState | null {
    return this.current;
  }

  setFull(state: FullState): SessionState {
    return this.set(state);
  }

  /** Null when there is nothing yet that the update could change. */
  update(update: StateUpdate): SessionState | null {
    return this.current && this.set(applyUpdate(this.current, update));
  }

  device(id: string): Device | undefined {
    this.index ??= new Map(this.current?.devices.map((device) => [device.id, device]));
    return this.index.get(id);
  }

  private set(state: SessionState): SessionState {
    if (this.current?.devices !== state.devices) this.index = null;
    this.current = state;
    return state;
  }
}
