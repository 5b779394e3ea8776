// The latency test on a video whose pictures the test presents by hand, in fake time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PresentedFrames } from '../src/client/latency.js';
import { RemoteRenderClient } from '../src/index.js';
import { FakeBrowser } from './fake_browser.js';
import { fullState } from './samples.js';

class FakeVideo {
  srcObject = null;
  private callback: ((now: number, metadata: object) => void) | null = null;

  requestVideoFrameCallback(callback: (now: number, metadata: object) => void): number {
    this.callback = callback;
    return 1;
  }

  cancelVideoFrameCallback(): void {
    this.callback = null;
  }

  present(rtpTimestamp: number): void {
    this.callback?.(performance.now(), { rtpTimestamp, expectedDisplayTime: performance.now() + 5 });
  }

  get isWatched(): boolean {
    return this.callback !== null;
  }
}

let video: FakeVideo;
const element = () => video as unknown as HTMLVideoElement;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  video = new FakeVideo();
});

afterEach(() => void vi.useRealTimers());

test('a picture counts from when it appears, also when the answer comes after it', async () => {
  const frames = new PresentedFrames(element());
  const sent = performance.now();
  const signal = new AbortController().signal;
  await vi.advanceTimersByTimeAsync(30);
  video.present(100);
  await vi.advanceTimersByTimeAsync(10);
  video.present(3100);
  await vi.advanceTimersByTimeAsync(50);
  expect((await frames.shown(3000, sent, signal)).at - sent).toBe(45);
  const later = frames.shown(6000, sent, signal);
  video.present(6100);
  expect((await later).at - sent).toBe(95);
  frames.stop();
  expect(video.isWatched).toBe(false);
});

test('probes are matched with their pictures; one that is not answered is lost', async () => {
  const browser = new FakeBrowser();
  const client = new RemoteRenderClient(browser);
  client.attachVideo(element());
  client.connect('http://host/#t');
  browser.socket.open();
  browser.socket.say({ type: 'welcome', data: { protocolVersion: 1, role: 'viewer', iceServers: [] } });
  await vi.advanceTimersByTimeAsync(0);
  browser.peer.channel('input').open();
  browser.peer.channel('state').open();
  browser.peer.host({ type: 'state:full', data: fullState() });
  const progress: number[] = [];
  const running = client.latencyTest(3, (done) => progress.push(done));
  for (const [probe, answered] of [true, false, true].entries()) {
    while (browser.peer.messages('state').length <= probe) await vi.advanceTimersByTimeAsync(1);
    const message = browser.peer.messages('state').at(-1);
    expect(message).toMatchObject({ type: 'test:click', seq: probe + 1 });
    if (!answered) {
      await vi.advanceTimersByTimeAsync(2000);
      continue;
    }
    const { timestamp, seq } = message ?? { timestamp: 0, seq: 0 };
    // An older input is acknowledged first: it is not the answer.
    browser.peer.host({ type: 'ack', data: { inputTimestamp: timestamp - 1, seq: 0, frame: 1, rtpTimestamp: 0, stages: null } });
    await vi.advanceTimersByTimeAsync(40 + probe);
    browser.peer.host({ type: 'ack', data: { inputTimestamp: timestamp, seq, frame: 2, rtpTimestamp: 90_000 * (probe + 1), stages: null } });
    await vi.advanceTimersByTimeAsync(0);
    video.present(90_000 * (probe + 1));
    await vi.advanceTimersByTimeAsync(0);
  }
  await vi.advanceTimersByTimeAsync(500);
  const found = await running;
  expect(found.lost).toBe(1);
  // 40 and 42 ms until the picture, 5 more until it is on the screen, less than 1 until the test looked.
  expect(found.samples.map((ms, i) => Math.abs(ms - [45, 47][i]!) <= 1)).toEqual([true, true]);
  expect([found.p50, found.p95]).toEqual(found.samples);
  expect(progress).toEqual([1, 2, 3]);
  expect(video.isWatched).toBe(false);
  client.disconnect();
});

test('without a video that tells its pictures there is no test', async () => {
  await expect(new RemoteRenderClient(new FakeBrowser()).latencyTest()).rejects.toThrow(/does not tell/);
});
