/** Shortest pause between two attempts, milliseconds. */
export const MIN_PAUSE_MS = 250;
/** Longest pause between two attempts, milliseconds. */
export const MAX_PAUSE_MS = 4000;
/** A connection that lasted this long was a good one: the next failure starts over with the shortest pause. */
export const STABLE_MS = 5000;

/**
 * How long to wait before the next attempt to connect: doubles from 0.25 s to 4 s. Each pause is between half and the
 * whole of that, so that the viewers of a host that restarts do not all come at the same moment.
 */
export class Backoff {
  private count = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Pauses taken since the last {@link reset}. */
  get attempts(): number {
    return this.count;
  }

  /** The pause before the next attempt, milliseconds. */
  next(): number {
    const whole = Math.min(MIN_PAUSE_MS * 2 ** this.count, MAX_PAUSE_MS);
    this.count += 1;
    return whole * (0.5 + 0.5 * this.random());
  }

  reset(): void {
    this.count = 0;
  }
}
