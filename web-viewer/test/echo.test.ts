// Camera movements ahead of the picture: the numbers of the host's camera, what is predicted, what is drawn and when not.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as camera from '../src/client/camera.js';
import { COLUMNS, POINTS, ROWS, sceneDepths, standing } from '../src/client/echo/depth.js';
import { LocalEcho, type EchoFrame } from '../src/client/echo/local_echo.js';
import { moved, offsetBetween, offsetBy, sizeOf, wrapAngle } from '../src/client/echo/moves.js';
import { Prediction } from '../src/client/echo/prediction.js';
import { clipFromSource } from '../src/client/echo/warp.js';
import type { ClientBody, Picture } from '../src/protocol.gen.js';
import golden from './golden/camera_moves.json';

type Camera = camera.Camera;

const start: Camera = { target: [0, 0.5, 0], distance: 8, yaw: 0.5, pitch: 0.4, fovY: 0.785 };
const orbit = (deltaX: number): ClientBody => ({ type: 'camera:orbit', data: { deltaX, deltaY: 0 } });
const picture = (rtpTimestamp: number, seq: number | null, of: Camera = start): Picture => ({ rtpTimestamp, seq, camera: { ...of, target: [...of.target] } });

/** The host calculates with 24 bits, also between one movement and the next. */
function near(found: Camera, wanted: Camera, what: string) {
  const pairs: [number, number][] = [
    ...found.target.map((v, i): [number, number] => [v, wanted.target[i]!]),
    [found.distance, wanted.distance],
    [wrapAngle(found.yaw - wanted.yaw), 0],
    [found.pitch, wanted.pitch],
    [found.fovY, wanted.fovY],
  ];
  for (const [a, b] of pairs) expect(Math.abs(a - b), `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`).toBeLessThan(2e-4 * Math.max(1, Math.abs(b)));
}

test('movements are those of the host, also at every limit', () => {
  let count = 0;
  golden.forEach(({ start, moves }, i) => {
    let now = start as unknown as Camera;
    moves.forEach(({ message, camera: wanted }, step) => {
      const next = moved(now, message as ClientBody);
      near(next!, wanted as unknown as Camera, `case ${i}, step ${step}`);
      // Not its own errors again: each movement counts.
      now = wanted as unknown as Camera;
      count += 1;
    });
  });
  expect(count).toBeGreaterThan(200);
  expect(moved(start, { type: 'camera:view', data: { name: 'top' } })).toBeNull();
});

test('an offset leads from one camera to the other and half of it half the way', () => {
  const other: Camera = { ...start, target: [1, 2, 3], distance: 4, yaw: -3, pitch: -0.2 };
  near(offsetBy(start, offsetBetween(other, start), 1), other, 'whole');
  expect(offsetBy(start, offsetBetween(other, start), 0.5).distance).toBeCloseTo(Math.sqrt(32));
  expect(offsetBetween({ ...start, yaw: 3.1 }, { ...start, yaw: -3.1 }).yaw).toBeCloseTo(6.2 - 2 * Math.PI);
  expect(sizeOf(offsetBetween(start, start), start)).toBe(0);
});

describe('what is predicted', () => {
  test('what a picture does not show yet is added to its camera', () => {
    const p = new Prediction();
    expect(p.sent(1, orbit(10), 100)).toBe(true);
    expect(p.sent(2, { type: 'pointer:leave', data: {} }, 100)).toBe(false);
    p.sent(3, orbit(20), 110);
    p.told(picture(5000, 1, moved(start, orbit(10))!), 250);
    expect(p.delay).toBe(150);
    p.told(picture(5001, 1, moved(start, orbit(10))!), 900);
    expect(p.delay, 'the same once more').toBe(150);
    expect(p.picture(4000)).toBeNull();
    const shown = p.picture(5000)!;
    near(p.camera(shown), moved(start, orbit(30))!, 'both');
    near(p.camera(picture(4000, null)), moved(start, orbit(30))!, 'of a picture that shows none');
    expect(p.isAhead(shown)).toBe(true);
    expect(p.isAhead(picture(6000, 3))).toBe(false);
  });

  test('inputs that nobody answers are found, those that are shown or dropped are forgotten', () => {
    const p = new Prediction();
    expect(p.isUnanswered(1e9, 1e9)).toBe(false);
    p.sent(1, orbit(10), 100);
    p.sent(2, orbit(10), 900);
    expect(p.isUnanswered(500, 50), 'the last one is young, the first not too old').toBe(false);
    expect(p.isUnanswered(950, 50), 'the last one').toBe(true);
    expect(p.isUnanswered(500, 150), 'the first one').toBe(true);
    expect([p.has(7), p.has(1), p.has(2)]).toEqual([false, true, true]);
    p.shown(picture(1, 1));
    expect([p.has(1), p.has(2), p.isAhead(picture(1, 1))]).toEqual([false, true, true]);
    p.drop();
    expect(p.isAhead(picture(1, null))).toBe(false);
  });

  test('nonsense from the host is not taken, and nothing grows without bounds', () => {
    const p = new Prediction();
    const nonsense: unknown[] = [{}, { rtpTimestamp: 1 }, { ...picture(1, 1), camera: null }, { ...picture(1, 1), seq: 'x' }, { ...picture(1, 1), camera: { ...start, distance: 0 } }, { ...picture(1, 1), camera: { ...start, target: [1, 2] } }, { ...picture(1, 1), camera: { ...start, fovY: 9 } }, null];
    nonsense.forEach((one) => p.told(one as Picture, 0));
    expect(p.picture(1)).toBeNull();
    for (let i = 0; i < 1000; i++) {
      p.sent(i, orbit(1), i);
      p.told(picture(i, null), i);
    }
    expect(p.picture(0)).toBeNull();
    expect(p.picture(999)).not.toBeNull();
    // 256 movements of a pixel.
    expect(wrapAngle(start.yaw - p.camera(picture(1, null)).yaw)).toBeCloseTo((256 * 0.25 * Math.PI) / 180);
  });
});

describe('where a point of the picture goes', () => {
  const aspect = 16 / 9;
  const project = (source: Camera, shown: Camera, at: camera.PicturePoint, depth: number) => {
    const m = clipFromSource(source, shown, aspect);
    const tan = Math.tan(source.fovY / 2);
    const v = [(at.x * 2 - 1) * tan * aspect * depth, (1 - at.y * 2) * tan * depth, -depth, 1];
    const clip = [0, 1, 2, 3].map((row) => v.reduce((sum, value, column) => sum + value * m[column * 4 + row]!, 0));
    return { x: clip[0]! / clip[3]! / 2 + 0.5, y: 0.5 - clip[1]! / clip[3]! / 2, z: clip[2]! / clip[3]! };
  };

  test('to where the host would draw it, at any place of the world', () => {
    for (const far of [0, 40_000]) {
      const source: Camera = { ...start, target: [far, 0.5, -far] };
      const shown: Camera = { target: [far + 0.3, 0.7, -far - 0.1], distance: 6, yaw: 0.9, pitch: 0.3, fovY: 0.785 };
      for (const at of [{ x: 0.1, y: 0.2 }, { x: 0.5, y: 0.5 }, { x: 0.9, y: 0.7 }]) {
        const { origin, direction } = camera.ray(source, aspect, at);
        const along = 7;
        const point = camera.add(origin, camera.scale(direction, along));
        const depth = -camera.dot(camera.scale(direction, along), camera.back(source));
        const wanted = camera.project(shown, aspect, point)!;
        const found = project(source, shown, at, depth);
        expect(found.x).toBeCloseTo(wanted.x, 6);
        expect(found.y).toBeCloseTo(wanted.y, 6);
        expect(Math.abs(found.z)).toBeLessThan(1);
      }
    }
  });

  test('to itself when nothing moved, whatever the depth', () => {
    for (const depth of [0.1, 8, 4000]) {
      const found = project(start, start, { x: 0.3, y: 0.8 }, depth);
      expect(found.x).toBeCloseTo(0.3, 9);
      expect(found.y).toBeCloseTo(0.8, 9);
    }
  });

  test('nearer things are before farther ones', () => {
    const middle = { x: 0.5, y: 0.5 };
    expect(project(start, start, middle, 2).z).toBeLessThan(project(start, start, middle, 9).z);
  });
});

describe('how far things are', () => {
  const aspect = 16 / 9;
  const box = (min: camera.Vec3, max: camera.Vec3) => ({ min, max });
  const at = (depths: Float32Array, x: number, y: number) => depths[Math.round(y * ROWS) * (COLUMNS + 1) + Math.round(x * COLUMNS)]!;
  const found = (of: Camera, boxes: { min: camera.Vec3; max: camera.Vec3 }[]) => {
    const depths = new Float32Array(POINTS);
    sceneDepths(of, aspect, boxes, depths);
    return depths;
  };

  test('the floor is where it is, the sky is far', () => {
    const depths = found(start, []);
    for (const [x, y] of [[0.25, 0.75], [0.5, 1], [1, 0.5]] as const) {
      const { origin, direction } = camera.ray(start, aspect, { x: Math.round(x * COLUMNS) / COLUMNS, y: Math.round(y * ROWS) / ROWS });
      const along = -origin[1] / direction[1];
      const depth = -camera.dot(camera.scale(direction, along), camera.back(start));
      expect(at(depths, x, y) / depth).toBeCloseTo(1, 4);
    }
    const level = found({ ...start, pitch: 0 }, []);
    expect(at(level, 0.5, 0)).toBe(start.distance * 50);
    expect(level.every((depth) => depth > 0 && Number.isFinite(depth))).toBe(true);
  });

  test('a box is as far as its middle, nearest first, and only where it is seen', () => {
    const of: Camera = { ...start, pitch: 0.1 };
    const [front, behind] = [box([-0.5, 0, -0.5], [0.5, 1, 0.5]), box([-3, 0, -6], [3, 4, -5])];
    const alone = found(of, []);
    const depths = found(of, [behind, front]);
    expect(at(depths, 0.5, 0.5)).toBeCloseTo(8, 1);
    expect(at(depths, 0, 1)).toBe(at(alone, 0, 1));
    expect(found(of, [front, behind])).toEqual(depths);
    // Nothing is farther away than the floor or nearer than the near plane, from within a box either.
    for (const of of [start, { ...start, distance: 0.3 }, { ...start, pitch: 1.5 }, { ...start, pitch: -1 }]) {
      const [with_, without] = [found(of, [front, behind]), found(of, [])];
      with_.forEach((depth, i) => expect(depth > 0 && depth <= without[i]!, `${depth} of ${without[i]}`).toBe(true));
    }
  });

  test('what others stand in is air', () => {
    const [hall, a, b] = [box([-9, 0, -9], [9, 1.2, 9]), box([-1, 0, -1], [1, 2, 1]), box([3, 0, 3], [4, 1, 4])];
    expect(standing([hall, a, b])).toEqual([a, b]);
    expect(standing([])).toEqual([]);
  });

  test('malformed boxes do no harm', () => {
    const depths = found(start, [box([1, 1, 1], [-1, -1, -1]), box([NaN, 0, 0], [1, 1, 1]), box([-Infinity, 0, -Infinity], [Infinity, 1, Infinity]), box([0, 0, 0], [0, 0, 0])]);
    expect(depths.every((depth) => depth > 0 && Number.isFinite(depth))).toBe(true);
  });
});

// The whole of it, on a video whose pictures come by hand.

class FakeVideo {
  videoWidth = 1280;
  videoHeight = 720;
  private callback: ((now: number, metadata: object) => void) | null = null;
  requestVideoFrameCallback(callback: (now: number, metadata: object) => void): number {
    this.callback = callback;
    return 1;
  }
  cancelVideoFrameCallback(): void {
    this.callback = null;
  }
  present(rtpTimestamp: number): void {
    const { callback } = this;
    this.callback = null;
    callback?.(0, { rtpTimestamp });
  }
  get isWatched(): boolean {
    return this.callback !== null;
  }
}

class FakeCanvas {
  width = 1;
  height = 1;
  hidden = false;
  private readonly listeners = new Map<string, (event: object) => void>();
  addEventListener(name: string, listener: (event: object) => void): void {
    this.listeners.set(name, listener);
  }
  tell(name: string): void {
    this.listeners.get(name)?.({ preventDefault: () => undefined });
  }
}

interface World {
  echo: LocalEcho;
  video: FakeVideo;
  canvas: FakeCanvas;
  drawn: EchoFrame[];
  watched: boolean[];
  set: { rtt: number; maySteer: boolean; webgl: boolean; software: boolean };
  /** A microtask and the frames of some milliseconds. */
  pass(ms?: number): Promise<void>;
  /** A picture arrives, and what it shows. */
  show(rtp: number, seq: number | null, of?: Camera): void;
}

function world(change: Partial<World['set']> = {}): World {
  const set = { rtt: 100, maySteer: true, webgl: true, software: false, ...change };
  const [video, canvas, drawn, watched] = [new FakeVideo(), new FakeCanvas(), [] as EchoFrame[], [] as boolean[]];
  const warp = { isLost: false, isSoftware: set.software, take: () => undefined, draw: () => undefined };
  const schedule = (callback: () => void) => {
    const timer = setTimeout(callback, 16);
    return () => clearTimeout(timer);
  };
  const source = { schedule, now: () => performance.now(), rtt: () => set.rtt, maySteer: () => set.maySteer, devices: () => [], watch: (on: boolean) => void watched.push(on) };
  const echo = new LocalEcho(source, () => (set.webgl ? warp : null));
  echo.onDrawn((frame) => drawn.push(frame));
  echo.attach(video as unknown as HTMLVideoElement, canvas as unknown as HTMLCanvasElement);
  echo.connected(true);
  return {
    echo,
    video,
    canvas,
    drawn,
    watched,
    set,
    pass: async (ms = 0) => void (await vi.advanceTimersByTimeAsync(ms)),
    show: (rtp, seq, of) => {
      echo.told(picture(rtp, seq, of));
      video.present(rtp);
    },
  };
}

describe('on the screen', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
  afterEach(() => void vi.useRealTimers());

  test('a movement is drawn at once and gives way to its picture', async () => {
    const w = world();
    expect([w.echo.ready, w.watched, w.canvas.hidden]).toEqual([true, [true], true]);
    w.show(1000, null);
    await w.pass(50);
    expect(w.drawn).toEqual([]);
    w.echo.sent(1, orbit(10));
    await w.pass();
    expect([w.canvas.hidden, w.echo.isActive, w.canvas.width]).toEqual([false, true, 1280]);
    near(w.drawn.at(-1)!.shown, moved(start, orbit(10))!, 'ahead');
    near(w.drawn.at(-1)!.source, start, 'of');
    // Nothing is drawn twice while one waits.
    await w.pass(60);
    expect(w.drawn.length).toBe(1);
    w.echo.sent(2, orbit(5));
    await w.pass(20);
    near(w.drawn.at(-1)!.shown, moved(start, orbit(15))!, 'further');
    // A picture that shows the first: the second is still ahead, and nothing jumps.
    w.show(2000, 1, moved(start, orbit(10))!);
    await w.pass(20);
    expect(w.drawn.at(-1)!.rtp).toBe(2000);
    near(w.drawn.at(-1)!.shown, moved(start, orbit(15))!, 'no jump');
    w.show(3000, 2, moved(start, orbit(15))!);
    await w.pass(20);
    expect([w.canvas.hidden, w.echo.isActive]).toEqual([true, false]);
  });

  test('what was predicted wrongly is taken back gently', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass();
    // Somebody else moved, too.
    const there = { ...moved(start, orbit(40))!, pitch: 0.45 };
    w.show(2000, 1, there);
    await w.pass(20);
    const between = w.drawn.at(-1)!.shown.pitch;
    expect(between).toBeGreaterThan(0.4);
    expect(between).toBeLessThan(0.45);
    await w.pass(200);
    expect(w.canvas.hidden).toBe(true);
    expect(w.drawn.map((f) => f.shown.pitch)).toEqual(w.drawn.map((f) => f.shown.pitch).sort((a, b) => a - b));
  });

  test('another view altogether is not blended', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(4));
    await w.pass();
    w.show(2000, 1, { ...start, target: [60, 0, 0] });
    await w.pass(20);
    expect(w.canvas.hidden).toBe(true);
  });

  test('a refused movement snaps back, and no other is shown until somebody else presents', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    w.echo.sent(2, orbit(40));
    await w.pass();
    w.echo.refused(1);
    await w.pass(300);
    expect(w.canvas.hidden).toBe(true);
    const yaws = w.drawn.map((f) => f.shown.yaw);
    expect(yaws.slice().sort((a, b) => a - b)).toEqual(yaws);
    expect(start.yaw - yaws.at(-1)!).toBeLessThan(0.03);
    const count = w.drawn.length;
    w.echo.sent(3, orbit(40));
    await w.pass(50);
    expect(w.drawn.length).toBe(count);
    w.echo.presence();
    w.echo.sent(4, orbit(40));
    await w.pass(50);
    expect(w.drawn.length).toBe(count + 1);
  });

  test('a movement that is lost on the way is given up', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass(600);
    expect(w.canvas.hidden).toBe(false);
    await w.pass(400);
    expect(w.canvas.hidden).toBe(true);
  });

  test('a host that is slow is waited for while the hand moves, though not for ever', async () => {
    const w = world();
    w.show(1000, null);
    for (let i = 1; i <= 130; i++) {
      w.echo.sent(i, orbit(1));
      await w.pass(20);
      if (i === 120) {
        // Nothing was given up in between.
        near(w.drawn.at(-1)!.shown, moved(start, orbit(120))!, 'all of them');
        expect(w.canvas.hidden).toBe(false);
      }
    }
    await w.pass(1000);
    expect(w.canvas.hidden).toBe(true);
  });

  test('while a click waits for its answer the video alone is shown', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass();
    w.echo.clicked(2);
    expect(w.canvas.hidden).toBe(true);
    w.echo.sent(3, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(true);
    // Answered, but the picture that shows what is selected is still on its way.
    w.echo.answered(1, 1500);
    w.echo.answered(3, 2000);
    w.echo.sent(4, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(true);
    w.show(2000, 3, moved(start, orbit(80))!);
    w.echo.sent(5, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(false);
    // A click that changes no picture is answered without one.
    w.echo.clicked(6);
    w.echo.answered(6, null);
    w.echo.sent(7, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(false);
    // An answer that never comes does not keep it off.
    w.echo.clicked(8);
    await w.pass(1600);
    w.echo.sent(9, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(false);
  });

  test('a picture of which nothing is known keeps the last one for a moment, then the video is shown', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass();
    w.video.present(2000);
    await w.pass(60);
    expect([w.canvas.hidden, w.drawn.at(-1)!.rtp]).toEqual([false, 1000]);
    // The message comes after its picture.
    w.echo.told(picture(2000, null));
    await w.pass(20);
    expect(w.drawn.at(-1)!.rtp).toBe(2000);
    w.video.present(3000);
    await w.pass(500);
    expect(w.canvas.hidden).toBe(true);
    // Without a known picture nothing is drawn ahead.
    w.echo.sent(2, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(true);
  });

  test('short ways, other presenters, people who do not want it and browsers that cannot are left alone', async () => {
    const near = world({ rtt: 12 });
    expect([near.echo.ready, near.watched, near.video.isWatched]).toEqual([false, [], false]);
    const w = world({ maySteer: false });
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass(50);
    expect(w.drawn).toEqual([]);
    w.set.maySteer = true;
    w.echo.sent(2, orbit(40));
    await w.pass();
    expect(w.canvas.hidden).toBe(false);
    w.echo.enabled = false;
    expect([w.canvas.hidden, w.echo.ready, w.video.isWatched]).toEqual([true, false, false]);
    w.echo.enabled = true;
    expect([w.echo.ready, w.watched]).toEqual([true, [true, false, true]]);
    // A little below the limit it stays, so that it does not come and go.
    w.set.rtt = 35;
    w.echo.update();
    expect(w.echo.ready).toBe(true);
    w.set.rtt = 20;
    w.echo.update();
    expect(w.echo.ready).toBe(false);
    const slow = world({ rtt: 60, software: true });
    expect([slow.echo.ready, slow.watched]).toEqual([false, []]);
    slow.set.rtt = 100;
    slow.echo.update();
    slow.set.rtt = 70;
    slow.echo.update();
    expect(slow.echo.ready).toBe(true);
    slow.set.rtt = 60;
    slow.echo.update();
    expect([slow.echo.ready, slow.watched]).toEqual([false, [true, false]]);
    const without = world({ webgl: false });
    expect([without.echo.ready, without.watched]).toEqual([false, []]);
  });

  test('a lost graphics context falls back to the video, and may come back', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass();
    w.canvas.tell('webglcontextlost');
    expect([w.canvas.hidden, w.echo.ready]).toEqual([true, false]);
    w.echo.sent(2, orbit(40));
    await w.pass(50);
    expect(w.canvas.hidden).toBe(true);
    w.canvas.tell('webglcontextrestored');
    expect(w.echo.ready).toBe(true);
  });

  test('another connection begins without what was on its way', async () => {
    const w = world();
    w.show(1000, null);
    w.echo.sent(1, orbit(40));
    await w.pass();
    w.echo.connected(false);
    expect([w.canvas.hidden, w.echo.ready]).toEqual([true, false]);
    w.echo.connected(true);
    w.show(500, null);
    await w.pass(50);
    w.echo.sent(1, orbit(2));
    await w.pass();
    near(w.drawn.at(-1)!.shown, moved(start, orbit(2))!, 'only the new one');
  });
});
