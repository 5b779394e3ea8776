// Camera moves ahead of the picture on a link with a round trip of 100 ms: how soon they are seen, how true they are, and
// when they are not shown. Limits are wide: the machine may be busy. What was measured is printed, and kept in
// docs/benchmarks.md.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as h from './harness.mjs';
import { openLink } from './link.mjs';

after(h.closeBrowser);

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];

/** Host, link and browser. Nothing flows in the picture, so that only the camera moves. */
async function open({ delayMs = 50, args = [], role = 'admin' } = {}) {
  const folder = h.temporaryFolder();
  const link = await openLink({ delayMs });
  const file = h.sampleLine(folder.path);
  const workspace = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...workspace, connections: [] }));
  const host = await h.startHost(folder.path, [file, '--advertise', link.address, ...args], { apart: true });
  link.connect(Number(new URL(host.ready.url).port));
  const { page, context, errors } = await h.openViewer(host.ready.links[role]);
  await h.waitForPicture(page);
  await page.evaluate(watch);
  return {
    host,
    page,
    errors,
    ready: () => page.waitForFunction(() => window.remoteRender.echo.ready, undefined, { timeout: 15_000 }),
    end: async () => {
      await context.close();
      await host.kill();
      link.close();
      folder.remove();
    },
  };
}

/** In the page: `seen` notes how long the next move took to be seen, `judge` how far pictures are from the true one. */
function watch() {
  const client = window.remoteRender;
  const [video, canvas] = [document.querySelector('video'), document.querySelector('canvas.echo')];
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const sheet = (width, height) => {
    const made = document.createElement('canvas');
    [made.width, made.height] = [width, height];
    return made.getContext('2d', { willReadFrequently: true });
  };
  const small = sheet(64, 36);
  const sample = (of) => {
    small.drawImage(of, 0, 0, 64, 36);
    return small.getImageData(0, 0, 64, 36).data;
  };
  const apart = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
  const waiting = new Set();
  // Reading one pixel waits until all of it is drawn; what comparing takes is the test's own.
  const drawn = (of) => of.getContext?.('webgl')?.readPixels(0, 0, 1, 1, 0x1908, 0x1401, new Uint8Array(4));
  const look = (of) => {
    if (!waiting.size) return;
    drawn(of);
    const at = performance.now();
    waiting.forEach((one) => one(of, at));
  };
  // A canvas of WebGL has its picture until the browser has taken it: it is read at once.
  client.echo.onDrawn(() => look(canvas));
  const next = () => {
    if (canvas.hidden) look(video);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  let movedAt = null;
  // The page takes movements as they come, where it may.
  for (const name of ['pointerrawupdate', 'pointermove']) {
    addEventListener(name, (event) => event.buttons && (movedAt ??= event.timeStamp), true);
  }

  /**
   * Milliseconds from the movement of the mouse until the first picture that is another one was drawn, and until the browser
   * took it for the screen; null when there is none.
   */
  window.seen = () => {
    const before = sample(video);
    movedAt = null;
    return new Promise((done) => {
      const limit = setTimeout(() => finish(null), 3000);
      const one = (of, at) => {
        if (movedAt === null || apart(sample(of), before) <= 0.4) return;
        // What is drawn now the screen takes with its next picture.
        requestAnimationFrame(() => finish({ drawn: at - movedAt, taken: performance.now() - movedAt }));
        waiting.delete(one);
      };
      const finish = (seen) => {
        clearTimeout(limit);
        waiting.delete(one);
        done(seen);
      };
      waiting.add(one);
    });
  };

  const [width, height] = [640, 360];
  const keep = (of) => {
    const context = sheet(width, height);
    context.drawImage(of, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const psnr = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
    // A quarter of the bytes is opacity, which never differs.
    return 10 * Math.log10(255 ** 2 / (sum / (a.length * 0.75)));
  };
  const told = [];
  const listen = client.echo.told.bind(client.echo);
  client.echo.told = (picture) => {
    told.push(picture);
    listen(picture);
  };
  /** Against the first true picture of a move: the one before it, and what was drawn ahead; PSNR in dB. */
  window.judge = async (move) => {
    const before = keep(video);
    const from = client.state.camera;
    const begin = told.length;
    let ahead = null;
    let source = null;
    const stop = client.echo.onDrawn((frame) => {
      ahead ??= keep(canvas);
      source ??= frame;
    });
    if (move.zoom) client.sendCameraZoom(move.zoom);
    else if (move.pan) client.sendCameraPan(...move.pan);
    else client.sendCameraOrbit(...move.orbit);
    const far = (camera) => Math.abs(camera.yaw - from.yaw) + Math.abs(camera.pitch - from.pitch) + Math.abs(camera.distance - from.distance) + Math.hypot(...camera.target.map((v, i) => v - from.target[i])) > 1e-4;
    const truth = await new Promise((done) => {
      const limit = setTimeout(() => done(null), 4000);
      const look = (_, { rtpTimestamp }) => {
        const picture = told.slice(begin).find((one) => one.rtpTimestamp === rtpTimestamp);
        if (!picture || !far(picture.camera)) return void video.requestVideoFrameCallback(look);
        clearTimeout(limit);
        done(keep(video));
      };
      video.requestVideoFrameCallback(look);
    });
    stop();
    await pause(50);
    return truth && ahead ? { stale: psnr(before, truth), ahead: psnr(ahead, truth) } : null;
  };
}

/** Moves of a mouse button that is held, and how soon each was seen. */
async function moves(page, count) {
  await page.mouse.move(500, 560);
  await page.mouse.down();
  await page.mouse.move(510, 560);
  await page.waitForTimeout(1500);
  const times = [];
  for (let i = 0; i < count; i++) {
    const seen = page.evaluate(() => window.seen());
    await page.waitForTimeout(30);
    await page.mouse.move(510 + (i % 2 ? 0 : 24), 560);
    times.push(await seen);
    await page.waitForTimeout(450 + 150 * Math.random());
  }
  await page.mouse.up();
  const seen = times.filter((times) => times !== null);
  return { drawn: seen.map(({ drawn }) => drawn), taken: seen.map(({ taken }) => taken) };
}

test('moves are seen at once, and what is seen is nearer to the truth than the picture before', async (t) => {
  const seen = await open();
  const { page } = seen;
  try {
    await seen.ready();
    await page.waitForTimeout(2500);
    const ahead = await moves(page, 30);
    const judged = [];
    for (const move of [{ orbit: [16, 0] }, { orbit: [-48, 0] }, { orbit: [96, 12] }, { orbit: [-64, -12] }, { orbit: [0, 40] }, { orbit: [0, -40] }, { pan: [40, 20] }, { pan: [-40, -20] }, { zoom: 150 }, { zoom: -150 }]) {
      const found = await page.evaluate((move) => window.judge(move), move);
      await page.waitForTimeout(1500);
      if (!found) continue;
      judged.push(found);
      t.diagnostic(`${JSON.stringify(move)}: the picture before ${found.stale.toFixed(1)} dB, drawn ahead ${found.ahead.toFixed(1)} dB`);
    }
    await page.evaluate(() => (window.remoteRender.echo.enabled = false));
    await page.waitForTimeout(500);
    const without = await moves(page, 15);
    const text = (times) => `P50 ${quantile(times, 0.5).toFixed(0)}, P95 ${quantile(times, 0.95).toFixed(0)} ms over ${times.length}`;
    t.diagnostic(`move to changed picture: drawn ahead ${text(ahead.drawn)}; not ${text(without.drawn)}`);
    t.diagnostic(`until the browser takes it for the screen: ${text(ahead.taken)}; not ${text(without.taken)}`);
    assert.ok(ahead.taken.length >= 27 && without.taken.length >= 12, `${ahead.taken.length} and ${without.taken.length} moves were seen`);
    assert.ok(quantile(ahead.taken, 0.5) < 60, 'moves are not seen at once');
    assert.ok(quantile(ahead.taken, 0.95) < quantile(without.taken, 0.5), 'it is of no use');
    assert.ok(quantile(without.drawn, 0.5) > 100, 'the link is not as long as it should be');
    assert.ok(judged.length >= 8, `${judged.length} moves were judged`);
    const gain = judged.map(({ stale, ahead }) => ahead - stale);
    t.diagnostic(`nearer by ${quantile(gain, 0.5).toFixed(1)} dB (median), ${Math.min(...gain).toFixed(1)} at least`);
    assert.ok(quantile(gain, 0.5) > 1 && gain.filter((dB) => dB > 0).length >= judged.length - 1, `${gain}`);
    assert.deepEqual(seen.errors, []);
  } finally {
    await seen.end();
  }
});

test('while the camera turns, what is drawn ahead follows the hand and ends as the host has it', async () => {
  const seen = await open();
  const { page } = seen;
  try {
    await seen.ready();
    await page.waitForTimeout(1500);
    const found = await page.evaluate(async () => {
      const client = window.remoteRender;
      const canvas = document.querySelector('canvas.echo');
      const drawn = [];
      const stop = client.echo.onDrawn(({ shown }) => drawn.push(shown.yaw));
      const begin = client.state.camera.yaw;
      for (let i = 0; i < 60; i++) {
        client.sendCameraOrbit(2, 0);
        await new Promise((done) => setTimeout(done, 25));
      }
      const wanted = begin - (120 * 0.25 * Math.PI) / 180;
      const last = drawn.at(-1);
      for (let i = 0; i < 400 && !canvas.hidden; i++) await new Promise((done) => setTimeout(done, 20));
      stop();
      for (let i = 0; i < 100 && Math.abs(client.state.camera.yaw - wanted) > 1e-3; i++) await new Promise((done) => setTimeout(done, 20));
      return { drawn, last, wanted, yaw: client.state.camera.yaw, hidden: canvas.hidden };
    });
    assert.ok(found.hidden, 'the canvas stays over the video');
    assert.ok(Math.abs(found.last - found.wanted) < 0.03, `drawn ahead to ${found.last}, the hand is at ${found.wanted}`);
    assert.ok(Math.abs(found.yaw - found.wanted) < 1e-3, `the host is at ${found.yaw}, not at ${found.wanted}`);
    // It never goes back on the way: a picture that comes corrects nothing.
    const back = found.drawn.slice(1).filter((yaw, i) => yaw > found.drawn[i] + 0.01);
    assert.deepEqual(back, [], 'the picture jumped back');
    assert.ok(found.drawn.length > 15, `${found.drawn.length} pictures`);
    assert.deepEqual(seen.errors, []);
  } finally {
    await seen.end();
  }
});

test('what the host refuses snaps back; short ways and a lost graphics context leave the video alone', async () => {
  const seen = await open({ role: 'viewer', args: ['--viewers-may-steer', 'false'] });
  const { page } = seen;
  const echo = () => page.evaluate(() => ({ hidden: document.querySelector('canvas.echo').hidden, ready: window.remoteRender.echo.ready }));
  try {
    await seen.ready();
    await page.waitForTimeout(1500);
    const refused = await page.evaluate(async () => {
      const client = window.remoteRender;
      const canvas = document.querySelector('canvas.echo');
      const drawn = [];
      client.echo.onDrawn(({ shown }) => drawn.push(shown.yaw));
      const begin = client.state.camera.yaw;
      const errors = [];
      client.onError(({ code }) => errors.push(code));
      client.sendCameraOrbit(30, 0);
      await new Promise((done) => setTimeout(done, 1500));
      const count = drawn.length;
      client.sendCameraOrbit(30, 0);
      await new Promise((done) => setTimeout(done, 400));
      return { begin, drawn, count, now: drawn.length, hidden: canvas.hidden, errors };
    });
    assert.deepEqual(refused.errors, ['forbidden', 'forbidden']);
    assert.ok(refused.hidden && refused.count > 0, JSON.stringify(refused));
    assert.ok(Math.abs(refused.drawn[refused.count - 1] - refused.begin) < 0.05, 'it did not go back');
    assert.equal(refused.now, refused.count, 'a second one was drawn');

    await page.evaluate(() => document.querySelector('canvas.echo').getContext('webgl').getExtension('WEBGL_lose_context').loseContext());
    await page.waitForFunction(() => !window.remoteRender.echo.ready);
    assert.deepEqual(await echo(), { hidden: true, ready: false });
    assert.deepEqual(seen.errors, []);
  } finally {
    await seen.end();
  }
  const near = await open({ delayMs: 0 });
  try {
    await near.page.waitForTimeout(3000);
    assert.equal(await near.page.evaluate(() => window.remoteRender.echo.ready), false);
  } finally {
    await near.end();
  }
});

test('it can be switched off, and stays off', async () => {
  const seen = await open();
  const { page } = seen;
  try {
    await seen.ready();
    await page.locator('main.stage').press('l');
    const box = page.getByRole('checkbox', { name: 'Show camera moves at once' });
    await box.uncheck();
    assert.equal(await page.evaluate(() => window.remoteRender.echo.ready), false);
    await page.reload();
    await h.waitForPicture(page);
    assert.equal(await box.isChecked(), false);
    await page.waitForTimeout(2500);
    assert.equal(await page.evaluate(() => window.remoteRender.echo.ready), false);
    await box.check();
    await seen.ready();
    await page.screenshot({ path: join(h.output, 'echo-setting.png') });
    assert.deepEqual(seen.errors, []);
  } finally {
    await seen.end();
  }
});
