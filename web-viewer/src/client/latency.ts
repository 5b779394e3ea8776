import type { Ack } from '../protocol.gen.js';

/** Outcome of a latency test, milliseconds from sending an input to the picture that shows it. */
export interface LatencyReport {
  /** Each probe that was seen, in order. */
  samples: number[];
  /** Probes that were not seen within two seconds. */
  lost: number;
  p50: number;
  p95: number;
}

/** The value that `share` (0 to 1) of the samples do not pass; NaN when there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function report(samples: number[], lost: number): LatencyReport {
  return { samples, lost, p50: quantile(samples, 0.5), p95: quantile(samples, 0.95) };
}

/** True when RTP timestamp `a` is `b` or later; they are 32 bits and start over at zero. */
export const rtpReached = (a: number, b: number): boolean => ((a - b) >>> 0) < 0x8000_0000;

interface Presented {
  rtp: number;
  at: number;
}

/** Pictures that are remembered: the answer to a probe may come after the picture that shows it. */
const REMEMBERED = 240;

/** Notes when each picture appears on the screen, by its RTP timestamp. */
export class PresentedFrames {
  private readonly frames: Presented[] = [];
  private readonly waiting = new Set<() => void>();
  private handle = 0;
  private stopped = false;

  constructor(private readonly video: HTMLVideoElement) {
    this.next();
  }

  static isSupported(video: HTMLVideoElement): boolean {
    return typeof video.requestVideoFrameCallback === 'function';
  }

  /** When the picture of that RTP timestamp, or the first after it, appeared (clock of `performance.now`). */
  shown(rtp: number, sent: number, signal: AbortSignal): Promise<number> {
    return new Promise((done, fail) => {
      const look = () => {
        const frame = this.frames.find((f) => f.at >= sent && rtpReached(f.rtp, rtp));
        if (!frame) return;
        this.waiting.delete(look);
        done(frame.at);
      };
      signal.addEventListener('abort', () => {
        this.waiting.delete(look);
        fail(new Error('no picture in time'));
      });
      this.waiting.add(look);
      look();
    });
  }

  stop(): void {
    this.stopped = true;
    this.video.cancelVideoFrameCallback?.(this.handle);
  }

  private next(): void {
    if (this.stopped) return;
    this.handle = this.video.requestVideoFrameCallback((now, metadata) => {
      if (metadata.rtpTimestamp !== undefined) {
        this.frames.push({ rtp: metadata.rtpTimestamp, at: Math.max(metadata.expectedDisplayTime, now) });
        if (this.frames.length > REMEMBERED) this.frames.shift();
      }
      [...this.waiting].forEach((look) => look());
      this.next();
    });
  }
}

/** Resolves with the acknowledgement of a message that names a frame. */
export function waitForAck(
  onAck: (listener: (ack: Ack) => void) => () => void,
  timestamp: number,
  signal: AbortSignal,
): Promise<Ack & { rtpTimestamp: number }> {
  return new Promise((done, fail) => {
    const stop = onAck((ack) => {
      // Later input may be acknowledged in one with ours.
      if (ack.inputTimestamp < timestamp || ack.rtpTimestamp === null) return;
      stop();
      done({ ...ack, rtpTimestamp: ack.rtpTimestamp });
    });
    signal.addEventListener('abort', () => {
      stop();
      fail(new Error('no acknowledgement in time'));
    });
  });
}
