// How the way of an input is split, and what a person's own inputs are measured by.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LatencyMeter, presented } from '../src/client/latency.js';
import { reportStages, splitStages, STAGES, type PresentedFrame, type StageTimes } from '../src/client/stages.js';
import type { Ack, HostStages } from '../src/protocol.gen.js';

const host: HostStages = { begunMs: 4, drawnMs: 34, encodedMs: 43, sentMs: 44 };
const sum = (times: StageTimes) => STAGES.reduce((total, stage) => total + times[stage], 0);
const frame = (change: Partial<PresentedFrame> = {}): PresentedFrame => ({ rtp: 1, at: 1200, receivedAt: 1184, decodedAt: 1190, ...change });

test('each stage gets its share, half of the round trip goes up', () => {
  // 1000 sent, 140 ms on the network of which 50 up, 44 at the host.
  expect(splitStages(1000, host, frame(), 100)).toEqual({ up: 50, wait: 4, render: 30, encode: 10, down: 90, decode: 6, display: 10 });
});

test('without a round trip the network is split in two; without times of arrival it includes decoding', () => {
  expect(splitStages(1000, host, frame(), 0)).toMatchObject({ up: 70, down: 70 });
  const little = splitStages(1000, host, frame({ receivedAt: null, decodedAt: null }), 100);
  expect(little).toMatchObject({ up: 50, down: 106, decode: 0, display: 0 });
  expect(sum(little)).toBeCloseTo(200, 9);
});

test('the stages sum to the whole whatever the clocks say, and none is negative', () => {
  let seed = 7;
  const random = (size: number) => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff) * size;
  for (let i = 0; i < 2000; i++) {
    const sorted = [random(90), random(90), random(90), random(90)].sort((a, b) => a - b);
    const [begunMs = 0, drawnMs = 0, encodedMs = 0, sentMs = 0] = sorted;
    const at = 1000 + random(300) - 20;
    const maybe = (value: number) => (random(1) < 0.2 ? null : value);
    const found = splitStages(1000, { begunMs, drawnMs, encodedMs, sentMs }, { rtp: 1, at, receivedAt: maybe(at - random(60) + 10), decodedAt: maybe(at - random(30) + 5) }, random(1) < 0.3 ? 0 : random(200));
    expect(sum(found)).toBeCloseTo(Math.max(at - 1000, 0), 6);
    expect(Object.values(found).every((ms) => ms >= 0)).toBe(true);
  }
});

test('means of stages sum to the mean of the whole', () => {
  expect(reportStages([])).toBeNull();
  const all = [splitStages(1000, host, frame(), 100), splitStages(1000, host, frame({ at: 1260 }), 80)];
  const report = reportStages(all)!;
  expect(STAGES.reduce((total, stage) => total + report[stage].mean, 0)).toBeCloseTo(230, 9);
  expect(report.display).toEqual({ p50: 10, p95: 70, mean: 40 });
});

test('what the browser tells of a picture is taken as far as it goes', () => {
  const basic = { presentationTime: 95, expectedDisplayTime: 100, width: 1, height: 1, mediaTime: 0, presentedFrames: 1 };
  expect(presented(98, basic)).toBeNull();
  expect(presented(98, { ...basic, rtpTimestamp: 5, receiveTime: 80 })).toEqual({ rtp: 5, at: 100, receivedAt: 80, decodedAt: 95 });
  expect(presented(98, { ...basic, rtpTimestamp: 5, processingDuration: 0.004 })).toEqual({ rtp: 5, at: 100, receivedAt: 91, decodedAt: 95 });
  expect(presented(98, { ...basic, presentationTime: 300, rtpTimestamp: 5 })).toEqual({ rtp: 5, at: 100, receivedAt: null, decodedAt: 100 });
});

class FakeVideo {
  callback: ((now: number, metadata: object) => void) | null = null;
  requestVideoFrameCallback(callback: (now: number, metadata: object) => void): number {
    this.callback = callback;
    return 1;
  }
  cancelVideoFrameCallback(): void {
    this.callback = null;
  }
  present(rtpTimestamp: number): void {
    const now = performance.now();
    this.callback?.(now, { rtpTimestamp, receiveTime: now - 12, presentationTime: now - 8, expectedDisplayTime: now });
  }
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test('inputs are measured as they come, the answer before its picture or after it', async () => {
  const video = new FakeVideo();
  let answer: (ack: Ack) => void = () => undefined;
  const added = vi.fn();
  const source = { onAck: (listener: (ack: Ack) => void) => ((answer = listener), () => undefined), rtt: () => 20 };
  const meter = new LatencyMeter(video as unknown as HTMLVideoElement, source, added);
  expect(meter.report).toBeNull();
  const input = () => performance.timeOrigin + performance.now();
  const [first, ack] = [input(), (inputTimestamp: number, rtpTimestamp: number | null): Ack => ({ inputTimestamp, seq: 1, frame: 1, rtpTimestamp, stages: host })];
  await vi.advanceTimersByTimeAsync(80);
  answer(ack(first, 3000));
  answer(ack(first, null));
  answer({ ...ack(first, 3000), stages: null });
  expect(added).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20);
  video.present(3000);
  expect(meter.report?.samples.map(Math.round)).toEqual([100]);
  const second = input();
  await vi.advanceTimersByTimeAsync(90);
  video.present(9000);
  await vi.advanceTimersByTimeAsync(5);
  answer(ack(second, 9000));
  // Nobody waits that long for an answer.
  answer(ack(second - 60_000, 9000));
  expect(meter.report?.samples.map(Math.round)).toEqual([100, 90]);
  expect(added).toHaveBeenCalledTimes(2);
  const report = meter.report!;
  report.inputs.forEach((times, i) => expect(sum(times)).toBeCloseTo(report.samples[i]!, 6));
  // A hundred inputs are kept, and few wait for a picture that never comes.
  for (let i = 0; i < 300; i++) answer(ack(input() - 50, 9000));
  expect(meter.report?.samples.length).toBeLessThanOrEqual(100);
  meter.stop();
  expect(video.callback).toBeNull();
});
