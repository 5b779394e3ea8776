/** From an input to the picture that shows it: on demand by probes, and along the way by whatever a person does. */
import type { Ack } from '../protocol.gen.js';
import { quantile, reportStages, splitStages, type PresentedFrame, type StageReport, type StageTimes } from './stages.js';

/** Outcome of a latency test, milliseconds from sending an input to the picture that shows it. */
export interface LatencyReport {
  /** Each input whose picture was seen, in order. */
  samples: number[];
  /** Probes that were not seen within two seconds. */
  lost: number;
  p50: number;
  p95: number;
  /** Where the time went; null when the host does not tell. */
  stages: StageReport | null;
  /** The same for each input that the host told of. */
  inputs: StageTimes[];
}

export function report(samples: number[], lost: number, inputs: StageTimes[] = []): LatencyReport {
  const stages = reportStages(inputs);
  return { samples, lost, p50: quantile(samples, 0.5), p95: quantile(samples, 0.95), stages, inputs };
}

/** True when RTP timestamp `a` is `b` or later; they are 32 bits and start over at zero. */
export const rtpReached = (a: number, b: number): boolean => ((a - b) >>> 0) < 0x8000_0000;

/** Pictures that are remembered: the answer to a probe may come after the picture that shows it. */
const REMEMBERED = 240;
/** What some browsers tell beyond the standard's required members. */
type Metadata = VideoFrameCallbackMetadata;

/** Notes when each picture appears on the screen, by its RTP timestamp. */
export class PresentedFrames {
  private readonly frames: PresentedFrame[] = [];
  private readonly waiting = new Set<() => void>();
  private handle = 0;
  private stopped = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onFrame: (frame: PresentedFrame) => void = () => undefined,
  ) {
    this.next();
  }

  static isSupported(video: HTMLVideoElement): boolean {
    return typeof video.requestVideoFrameCallback === 'function';
  }

  /** The picture of that RTP timestamp, or the first after it, once it has appeared. */
  shown(rtp: number, sent: number, signal: AbortSignal): Promise<PresentedFrame> {
    return new Promise((done, fail) => {
      const look = () => {
        const frame = this.find(rtp, sent);
        if (!frame) return;
        this.waiting.delete(look);
        done(frame);
      };
      signal.addEventListener('abort', () => {
        this.waiting.delete(look);
        fail(new Error('no picture in time'));
      });
      this.waiting.add(look);
      look();
    });
  }

  /** The same when it has appeared already. */
  find(rtp: number, sent: number): PresentedFrame | undefined {
    return this.frames.find((f) => f.at >= sent && rtpReached(f.rtp, rtp));
  }

  stop(): void {
    this.stopped = true;
    this.video.cancelVideoFrameCallback?.(this.handle);
  }

  private next(): void {
    if (this.stopped) return;
    this.handle = this.video.requestVideoFrameCallback((now, metadata) => {
      const frame = presented(now, metadata);
      if (frame) {
        this.frames.push(frame);
        if (this.frames.length > REMEMBERED) this.frames.shift();
        this.onFrame(frame);
      }
      [...this.waiting].forEach((look) => look());
      this.next();
    });
  }
}

/** What the browser told of a picture; null when it does not say which one it is. */
export function presented(now: number, metadata: Metadata): PresentedFrame | null {
  const { rtpTimestamp, receiveTime, processingDuration, presentationTime, expectedDisplayTime } = metadata;
  if (rtpTimestamp === undefined) return null;
  const at = Math.max(expectedDisplayTime, now);
  // Handed to the screen's compositor once it was decoded.
  const decodedAt = Number.isFinite(presentationTime) ? Math.min(presentationTime, at) : null;
  const guessed = decodedAt !== null && processingDuration !== undefined ? decodedAt - processingDuration * 1000 : null;
  return { rtp: rtpTimestamp, at, receivedAt: receiveTime ?? guessed, decodedAt };
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

/** What measuring needs of the client. */
export interface LatencySource {
  /** Sends a probe; null when there is no connection. */
  probe(x: number, y: number): { timestamp: number } | null;
  onAck(listener: (ack: Ack) => void): () => void;
  /** There and back, milliseconds; 0 when it is not known. */
  rtt(): number;
}

const PROBE_TIMEOUT_MS = 2000;

/** Sends probes and waits for the picture that shows each. */
export async function testLatency(
  video: HTMLVideoElement,
  source: LatencySource,
  count: number,
  onProgress?: (done: number) => void,
): Promise<LatencyReport> {
  const frames = new PresentedFrames(video);
  const samples: number[] = [];
  const inputs: StageTimes[] = [];
  let lost = 0;
  try {
    for (let done = 0; done < count; done++) {
      const found = await probe(frames, source);
      if (found === null) lost += 1;
      else {
        samples.push(found.total);
        if (found.stages) inputs.push(found.stages);
      }
      onProgress?.(done + 1);
      // Not in step with the host's frames, or every probe would wait for the same part of one.
      await new Promise((next) => setTimeout(next, 250 + 150 * Math.random()));
    }
  } finally {
    frames.stop();
  }
  return report(samples, lost, inputs);
}

async function probe(frames: PresentedFrames, source: LatencySource): Promise<{ total: number; stages: StageTimes | null } | null> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PROBE_TIMEOUT_MS);
  try {
    const sent = performance.now();
    const message = source.probe(0.2 + 0.6 * Math.random(), 0.2 + 0.6 * Math.random());
    if (!message) return null;
    const ack = await waitForAck((listener) => source.onAck(listener), message.timestamp, limit.signal);
    const frame = await frames.shown(ack.rtpTimestamp, sent, limit.signal);
    return { total: frame.at - sent, stages: ack.stages ? splitStages(sent, ack.stages, frame, source.rtt()) : null };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Inputs over which figures are taken, and most that wait for their picture. */
const KEPT = 100;
const MOST_WAITING = 32;

/**
 * Measures whatever a person does while it runs: each acknowledged input whose picture appears. Where several inputs are
 * in one picture, the last one counts.
 */
export class LatencyMeter {
  private readonly frames: PresentedFrames;
  private readonly stopAcks: () => void;
  private waiting: (Ack & { rtpTimestamp: number })[] = [];
  private samples: { total: number; stages: StageTimes }[] = [];

  constructor(
    video: HTMLVideoElement,
    private readonly source: Pick<LatencySource, 'onAck' | 'rtt'>,
    private readonly onSample: () => void,
  ) {
    this.frames = new PresentedFrames(video, (frame) => this.presented(frame));
    this.stopAcks = source.onAck((ack) => this.acknowledged(ack));
  }

  /** Null before the first input. */
  get report(): LatencyReport | null {
    if (this.samples.length === 0) return null;
    return report(
      this.samples.map(({ total }) => total),
      0,
      this.samples.map(({ stages }) => stages),
    );
  }

  stop(): void {
    this.frames.stop();
    this.stopAcks();
    this.waiting = [];
  }

  private acknowledged(ack: Ack): void {
    const { rtpTimestamp } = ack;
    if (rtpTimestamp === null || !ack.stages) return;
    const frame = this.frames.find(rtpTimestamp, sentAt(ack));
    if (frame) return this.add(ack, frame);
    this.waiting.push({ ...ack, rtpTimestamp });
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
  }

  private presented(frame: PresentedFrame): void {
    const isShown = ({ rtpTimestamp }: { rtpTimestamp: number }) => rtpReached(frame.rtp, rtpTimestamp);
    const shown = this.waiting.filter(isShown);
    if (shown.length === 0) return;
    this.waiting = this.waiting.filter((ack) => !isShown(ack));
    shown.forEach((ack) => this.add(ack, frame));
  }

  private add(ack: Ack, frame: PresentedFrame): void {
    const sent = sentAt(ack);
    const total = frame.at - sent;
    // An answer to what was sent before this page slept says nothing.
    if (!ack.stages || !(total > 0 && total < PROBE_TIMEOUT_MS * 2)) return;
    this.samples.push({ total, stages: splitStages(sent, ack.stages, frame, this.source.rtt()) });
    if (this.samples.length > KEPT) this.samples.shift();
    this.onSample();
  }
}

/** On the clock of `performance.now`: messages carry milliseconds since 1970 by the same clock. */
const sentAt = (ack: Ack): number => ack.inputTimestamp - performance.timeOrigin;
