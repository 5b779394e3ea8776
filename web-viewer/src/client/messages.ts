import { INPUT_CHANNEL, STATE_CHANNEL, type ClientBody, type ClientMessage } from '../protocol.gen.js';

/** The two data channels. */
export type ChannelName = typeof INPUT_CHANNEL | typeof STATE_CHANNEL;

/** Gives messages their number and their time, which grows from each to the next however coarse the clock is. */
export class Stamper {
  private seq = 0;
  private last = 0;

  constructor(private readonly now: () => number) {}

  stamp(body: ClientBody): ClientMessage & { seq: number } {
    // Whole microseconds have no more digits than any JSON reader takes exactly, and acknowledgements name them.
    this.last = Math.round(Math.max(this.now(), this.last + 0.001) * 1000) / 1000;
    this.seq += 1;
    return { type: body.type, timestamp: this.last, seq: this.seq, data: body.data } as ClientMessage & { seq: number };
  }
}

/** Throws when a number could not be sent: JSON has neither NaN nor infinity, and the host refuses what is over 1e6. */
export function checkNumbers(values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isFinite(value) || Math.abs(value) > 1e6) {
      throw new RangeError(`${name} must be a number between -1e6 and 1e6, not ${value}`);
    }
  }
}
