/**
 * Tells what fingers and mice mean: pure, the time is an argument. Pointer events go in, gestures come out; whoever feeds
 * it calls {@link GestureRecogniser.tick} at {@link GestureRecogniser.deadline}, when a finger that rests becomes a long
 * press.
 */

/** A mouse trembles less than a finger. CSS pixels. */
const MOUSE_SLOP = 4;
const TOUCH_SLOP = 10;
const LONG_PRESS_MS = 500;
const DOUBLE_MS = 320;
const DOUBLE_DISTANCE = 28;

/** What of a `PointerEvent` counts. */
export interface PointerInput {
  id: number;
  pointerType: string;
  /** As `PointerEvent.button`: 0 left, 1 middle, 2 right. */
  button: number;
  x: number;
  y: number;
  shift: boolean;
  /** Ctrl, or Cmd on a Mac. */
  ctrl: boolean;
}

interface At {
  x: number;
  y: number;
}

/** Coordinates are those of the input; `dx`, `dy` are movements since the gesture before. */
export type Gesture =
  | (At & { type: 'tap'; toggle: boolean; isTouch: boolean })
  | (At & { type: 'doubleTap' })
  | (At & { type: 'context' })
  /** `x`, `y` are where the pointer came down. */
  | (At & { type: 'dragStart'; pan: boolean })
  | (At & { type: 'drag'; dx: number; dy: number; pan: boolean })
  | (At & { type: 'dragEnd'; pan: boolean })
  /** Two fingers: `spread` is the factor on their distance, `x`, `y` the middle between them. */
  | (At & { type: 'pinch'; dx: number; dy: number; spread: number });

interface Held extends PointerInput {
  startX: number;
  startY: number;
  downAt: number;
}

type Mode = 'idle' | 'pressed' | 'dragging' | 'pinching' | 'spent';

export class GestureRecogniser {
  private readonly held = new Map<number, Held>();
  private mode: Mode = 'idle';
  private lastTap: (At & { time: number }) | null = null;

  /** Some pointer is down. */
  get isActive(): boolean {
    return this.held.size > 0;
  }

  /** When to call {@link tick}; null when nothing waits for the time. */
  get deadline(): number | null {
    const [pointer] = this.held.values();
    return this.mode === 'pressed' && pointer && pointer.pointerType !== 'mouse' ? pointer.downAt + LONG_PRESS_MS : null;
  }

  down(input: PointerInput, time: number): Gesture[] {
    const gestures: Gesture[] = [];
    if (this.held.size === 0) {
      this.mode = 'pressed';
    } else {
      const [first] = this.held.values();
      if (first && this.mode === 'dragging') gestures.push(end(first));
      // A third finger ends a pinch; nothing begins before all are lifted.
      this.mode = this.held.size === 1 && this.mode !== 'spent' ? 'pinching' : 'spent';
    }
    this.held.set(input.id, { ...input, startX: input.x, startY: input.y, downAt: time });
    return gestures;
  }

  move(input: Pick<PointerInput, 'id' | 'x' | 'y'>): Gesture[] {
    const pointer = this.held.get(input.id);
    if (!pointer) return [];
    const before = this.spread();
    const [dx, dy] = [input.x - pointer.x, input.y - pointer.y];
    pointer.x = input.x;
    pointer.y = input.y;
    const at = { x: input.x, y: input.y };
    const pan = pans(pointer);
    switch (this.mode) {
      case 'pressed': {
        const slop = pointer.pointerType === 'mouse' ? MOUSE_SLOP : TOUCH_SLOP;
        const [wholeX, wholeY] = [input.x - pointer.startX, input.y - pointer.startY];
        if (Math.hypot(wholeX, wholeY) < slop) return [];
        this.mode = 'dragging';
        this.lastTap = null;
        const start = { x: pointer.startX, y: pointer.startY };
        return [
          { type: 'dragStart', ...start, pan },
          { type: 'drag', ...at, dx: wholeX, dy: wholeY, pan },
        ];
      }
      case 'dragging':
        return [{ type: 'drag', ...at, dx, dy, pan }];
      case 'pinching': {
        const after = this.spread();
        // Each of the two fingers moves the middle by half.
        return [{ type: 'pinch', ...this.middle(), dx: dx / 2, dy: dy / 2, spread: after / Math.max(before, 1) }];
      }
      default:
        return [];
    }
  }

  up(input: Pick<PointerInput, 'id' | 'x' | 'y'>, time: number): Gesture[] {
    const gestures = this.move(input);
    const pointer = this.held.get(input.id);
    if (!pointer) return gestures;
    this.held.delete(input.id);
    const mode = this.mode;
    this.mode = this.held.size > 0 ? 'spent' : 'idle';
    if (mode === 'dragging') gestures.push(end(pointer));
    if (mode === 'pressed') gestures.push(...this.released(pointer, time));
    return gestures;
  }

  /** The browser took the pointer away. */
  cancel(id: number): Gesture[] {
    const pointer = this.held.get(id);
    if (!pointer) return [];
    this.held.delete(id);
    const gestures: Gesture[] = this.mode === 'dragging' ? [end(pointer)] : [];
    this.mode = this.held.size > 0 ? 'spent' : 'idle';
    return gestures;
  }

  tick(time: number): Gesture[] {
    const { deadline } = this;
    const [pointer] = this.held.values();
    if (deadline === null || time < deadline || !pointer) return [];
    this.mode = 'spent';
    this.lastTap = null;
    return [{ type: 'context', x: pointer.x, y: pointer.y }];
  }

  private released(pointer: Held, time: number): Gesture[] {
    const at = { x: pointer.x, y: pointer.y };
    if (pointer.button === 2) return [{ type: 'context', ...at }];
    if (pointer.button !== 0) return [];
    const last = this.lastTap;
    if (last && time - last.time <= DOUBLE_MS && Math.hypot(at.x - last.x, at.y - last.y) <= DOUBLE_DISTANCE) {
      this.lastTap = null;
      return [{ type: 'doubleTap', ...at }];
    }
    this.lastTap = { ...at, time };
    return [{ type: 'tap', ...at, toggle: pointer.shift || pointer.ctrl, isTouch: pointer.pointerType === 'touch' }];
  }

  private spread(): number {
    const [a, b] = this.held.values();
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  private middle(): At {
    const [a, b] = this.held.values();
    return a && b ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : { x: 0, y: 0 };
  }
}

function pans(pointer: PointerInput): boolean {
  return pointer.button === 1 || pointer.button === 2 || (pointer.pointerType === 'mouse' && pointer.shift);
}

function end(pointer: Held): Gesture {
  return { type: 'dragEnd', x: pointer.x, y: pointer.y, pan: pans(pointer) };
}
