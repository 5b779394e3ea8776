import type { ClientBody, Drag, Point, SectionPlane } from '../protocol.gen.js';

/** Calls back once, soon: with the next picture of the screen. Returns what cancels it. */
export type Schedule = (callback: () => void) => () => void;

/** Longest wait where the browser draws no pictures, as in a tab in the background. */
const MAX_WAIT_MS = 50;
/** A movement after so long without one is sent at once: it need not wait for the screen. */
const AT_ONCE_MS = 8;
/** Positions of the pointer for the others are sent at most this often. */
const POINTER_INTERVAL_MS = 50;

/** With the next animation frame, or after 50 ms when there is none. */
export const nextFrame: Schedule = (callback) => {
  let frame = 0;
  const cancel = () => {
    clearTimeout(timer);
    if (typeof cancelAnimationFrame === 'function') cancelAnimationFrame(frame);
  };
  const once = () => {
    cancel();
    callback();
  };
  const timer = setTimeout(once, MAX_WAIT_MS);
  if (typeof requestAnimationFrame === 'function') frame = requestAnimationFrame(once);
  return cancel;
};

/**
 * Gathers continuous input: the first movement is sent at once, those that follow once a frame. Movements are added up, of
 * positions the last one counts. A tablet reports touches 120 times a second and the host draws 30 to 60 pictures; more
 * messages would only fill the network.
 */
export class Coalescer {
  private orbit: Point | null = null;
  private pan: Point | null = null;
  private zoom = 0;
  private drags = new Map<string, Drag>();
  private section: SectionPlane[] | null = null;
  private aim: Point | null = null;
  private pointer: Point | 'left' | null = null;
  private pointerSentAt = -Infinity;
  private flushedAt = -Infinity;
  private cancel: (() => void) | null = null;
  /** Something is sent when this moment is over. */
  private isHurried = false;

  constructor(
    private readonly send: (body: ClientBody) => void,
    private readonly schedule: Schedule,
    private readonly now: () => number,
  ) {}

  addOrbit(dx: number, dy: number): void {
    if (dx === 0 && dy === 0) return;
    this.orbit = add(this.orbit, dx, dy);
    this.hurry();
  }

  addPan(dx: number, dy: number): void {
    if (dx === 0 && dy === 0) return;
    this.pan = add(this.pan, dx, dy);
    this.hurry();
  }

  addZoom(delta: number): void {
    if (delta === 0) return;
    this.zoom += delta;
    this.hurry();
  }

  setDrag(drag: Drag): void {
    this.drags.set(drag.deviceId, drag);
    this.hurry();
  }

  /** Forgets a position that the last message of the drag replaces. */
  dropDrag(deviceId: string): void {
    this.drags.delete(deviceId);
  }

  setSection(planes: SectionPlane[]): void {
    this.section = planes;
    this.hurry();
  }

  /** Forgets planes that a later message replaces. */
  dropSection(): void {
    this.section = null;
  }

  setAim(at: Point | null): void {
    this.aim = at;
    if (at) this.wake();
  }

  setPointer(at: Point | null): void {
    this.pointer = at ?? 'left';
    this.wake();
  }

  /** Sends what is gathered now. Called before every other message, so that they arrive in the order they were made. */
  flush(): void {
    this.cancel?.();
    this.cancel = null;
    this.isHurried = false;
    this.flushedAt = this.now();
    const { orbit, pan, zoom, drags, section } = this;
    this.orbit = null;
    this.pan = null;
    this.zoom = 0;
    this.drags = new Map();
    this.section = null;
    if (orbit) this.send({ type: 'camera:orbit', data: { deltaX: orbit.x, deltaY: orbit.y } });
    // Before the pan: who zooms at a point pans by what the new distance makes of it.
    if (zoom !== 0) this.send({ type: 'camera:zoom', data: { delta: zoom } });
    if (pan) this.send({ type: 'camera:pan', data: { deltaX: pan.x, deltaY: pan.y } });
    for (const drag of drags.values()) this.send({ type: 'device:drag', data: drag });
    if (section) this.send({ type: 'section:set', data: { planes: section } });
    this.flushPointer();
  }

  /** Forgets everything. */
  clear(): void {
    this.cancel?.();
    this.cancel = null;
    this.isHurried = false;
    this.orbit = this.pan = this.pointer = this.section = this.aim = null;
    this.zoom = 0;
    this.drags.clear();
  }

  private flushPointer(): void {
    if (!this.pointer) return;
    if (this.pointer === 'left') {
      this.send({ type: 'pointer:leave', data: {} });
    } else if (this.now() - this.pointerSentAt >= POINTER_INTERVAL_MS) {
      this.pointerSentAt = this.now();
      this.send({ type: 'pointer:move', data: this.pointer });
      if (this.aim) this.send({ type: 'measure:aim', data: this.aim });
      this.aim = null;
    } else {
      this.wake();
      return;
    }
    this.pointer = null;
  }

  /** What turns the picture or moves things in it. */
  private hurry(): void {
    if (this.isHurried) return;
    if (this.now() - this.flushedAt < AT_ONCE_MS) return this.wake();
    this.isHurried = true;
    // After all of this moment: two fingers pan and zoom.
    queueMicrotask(() => this.isHurried && this.flush());
  }

  private wake(): void {
    this.cancel ??= this.schedule(() => {
      this.cancel = null;
      this.flush();
    });
  }
}

function add(sum: Point | null, x: number, y: number): Point {
  return { x: (sum?.x ?? 0) + x, y: (sum?.y ?? 0) + y };
}
