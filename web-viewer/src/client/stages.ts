/** The way of an input to the picture that shows it, in stages that follow each other without gaps. */
import type { HostStages } from '../protocol.gen.js';

/**
 * In the order in which they happen: the message on its way to the host; until the picture is begun (the host finishes the
 * one before, or waits for its turn); drawing and reading back; encoding, with the wait for the encoder, until the first
 * packet goes out; until the last packet is here; decoding, with the wait for the decoder; until the screen shows it.
 */
export const STAGES = ['up', 'wait', 'render', 'encode', 'down', 'decode', 'display'] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds of each stage of one input. Their sum is the whole. */
export type StageTimes = Readonly<Record<Stage, number>>;

/** A picture as the browser tells of it; moments on the clock of `performance.now`. */
export interface PresentedFrame {
  /** RTP timestamp. */
  rtp: number;
  /** The screen shows it. */
  at: number;
  /** Its last packet came; null where the browser does not tell. */
  receivedAt: number | null;
  /** It was decoded; null likewise. */
  decodedAt: number | null;
}

/**
 * The stages of an input that was sent at `sent`. The clocks of host and viewer are never compared: what is left of the
 * time until the picture was here, after what the host needed, was spent on the network. Half a round trip of that was the
 * way up.
 */
export function splitStages(sent: number, host: HostStages, frame: PresentedFrame, rttMs: number): StageTimes {
  const decodedAt = frame.decodedAt ?? frame.at;
  const receivedAt = frame.receivedAt ?? decodedAt;
  const network = Math.max(receivedAt - sent - host.sentMs, 0);
  const up = rttMs > 0 ? Math.min(rttMs / 2, network) : network / 2;
  const begins = sent + up;
  const ends = [begins, begins + host.begunMs, begins + host.drawnMs, begins + host.sentMs, receivedAt, decodedAt, frame.at];
  let last = sent;
  const times: Partial<Record<Stage, number>> = {};
  STAGES.forEach((stage, i) => {
    // Clocks have their grain: no stage ends before it began, or after the whole.
    const end = Math.min(Math.max(ends[i] ?? last, last), Math.max(frame.at, sent));
    times[stage] = end - last;
    last = end;
  });
  return times as StageTimes;
}

/** Figures of a stage over several inputs, milliseconds. */
export interface StageFigures {
  p50: number;
  p95: number;
  mean: number;
}

/** Each stage over several inputs. The means sum to the mean of the whole; quantiles do not sum. */
export type StageReport = Readonly<Record<Stage, StageFigures>>;

/** The value that `share` (0 to 1) of the samples do not pass; NaN when there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Null when there is nothing to report on. */
export function reportStages(all: readonly StageTimes[]): StageReport | null {
  if (all.length === 0) return null;
  const figures = (stage: Stage): StageFigures => {
    const values = all.map((times) => times[stage]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { p50: quantile(values, 0.5), p95: quantile(values, 0.95), mean };
  };
  return Object.fromEntries(STAGES.map((stage) => [stage, figures(stage)])) as unknown as StageReport;
}
