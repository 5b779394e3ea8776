// The main job in a real browser: connect, look, steer, select, move, connect, watch together, come back.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as h from './harness.mjs';

let folder, host, workspaceFile;

before(async () => {
  folder = h.temporaryFolder();
  workspaceFile = h.sampleLine(folder.path);
  host = await h.startHost(folder.path, [workspaceFile]);
});

after(async () => {
  await h.closeBrowser();
  await host?.kill();
  folder?.remove();
});

test('the ready line tells how to reach the host', () => {
  assert.equal(host.ready.event, 'ready');
  assert.match(host.ready.url, /^http:\/\/127\.0\.0\.1:\d+\/#[\w.-]+$/);
  assert.ok(host.ready.devices >= 8, `${host.ready.devices} devices`);
  assert.equal(host.ready.failed, 0, host.log());
});

test('nothing but the login page and /health is served without a token', async () => {
  const base = host.ready.addresses[0];
  const health = await fetch(`${base}/health`);
  assert.equal((await health.json()).status, 'ok');
  assert.equal((await fetch(`${base}/state`)).status, 404);
  const { page, context } = await h.openViewer(base);
  await page.getByRole('textbox').first().waitFor();
  assert.equal(await page.evaluate(() => document.querySelector('video')?.videoWidth || 0), 0);
  await context.close();
});

test('H.264 is negotiated and the picture is decoded', async () => {
  const { page, context, errors } = await h.openViewer(host.ready.url);
  await h.waitForPicture(page);
  await page.waitForTimeout(1500);
  const stats = await page.evaluate(() => structuredClone(window.remoteRender.stats));
  const video = await page.evaluate(() => {
    const v = document.querySelector('video');
    return { width: v.videoWidth, height: v.videoHeight, frames: v.getVideoPlaybackQuality().totalVideoFrames };
  });
  assert.deepEqual([video.width, video.height], [1280, 720]);
  assert.ok(video.frames >= 1);
  assert.match(JSON.stringify(stats), /h264/i);
  const picture = await h.samplePicture(page);
  assert.ok(new Set(picture).size > 40, 'the picture is nearly one colour');
  await page.screenshot({ path: join(h.output, 'viewer.png') });
  assert.deepEqual(errors, []);
  await context.close();
});

test('orbiting by mouse changes camera and picture', async () => {
  const { page, context } = await h.openViewer(host.ready.url);
  await h.waitForPicture(page);
  await page.waitForTimeout(500);
  const [before, camera] = [await h.samplePicture(page), (await h.state(page)).camera];
  await page.mouse.move(900, 620);
  await page.mouse.down();
  await page.mouse.move(1050, 600, { steps: 10 });
  await page.mouse.up();
  await h.waitForState(page, (state, yaw) => Math.abs(state.camera.yaw - yaw) > 0.2, camera.yaw);
  await h.waitForChange(page, before, 2);
  await context.close();
});

test('a tap selects the device under the finger, a drag moves it, undo brings it back', async () => {
  const { page, context } = await h.openViewer(host.ready.url, { hasTouch: true });
  await h.waitForPicture(page);
  await page.evaluate(() => window.remoteRender.sendCameraView('iso'));
  await page.waitForTimeout(1200);
  const target = await pickable(page);
  const at = await h.deviceOnPage(page, target.id);
  const before = await h.samplePicture(page, 320, 180);
  await page.touchscreen.tap(at.x, at.y);
  await h.waitForState(page, (state, id) => state.selection.length === 1 && state.selection[0] === id, target.id);
  let selected = before;
  for (let look = 0; look < 40 && accentPixels(selected) <= accentPixels(before) + 10; look += 1) {
    await page.waitForTimeout(200);
    selected = await h.samplePicture(page, 320, 180);
  }
  assert.ok(accentPixels(selected) > accentPixels(before) + 10, 'the outline in the accent colour is not seen');
  await page.screenshot({ path: join(h.output, 'selected.png') });

  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  await page.mouse.move(at.x + 60, at.y + 40, { steps: 12 });
  await page.mouse.up();
  await h.waitForState(
    page,
    (state, old) => {
      const now = state.devices.find((d) => d.id === old.id).position;
      return Math.hypot(now[0] - old.position[0], now[2] - old.position[2]) > 0.1 && Math.abs(now[1] - old.position[1]) < 1e-3;
    },
    target,
  );
  await page.evaluate(() => window.remoteRender.undo());
  await h.waitForState(
    page,
    (state, old) => Math.abs(state.devices.find((d) => d.id === old.id).position[0] - old.position[0]) < 1e-4,
    target,
  );
  await context.close();
});

test('a connection is created, drawn and saved; a second browser sees the same and a viewer may not edit', async () => {
  const engineer = await h.openViewer(host.ready.links.engineer);
  const viewer = await h.openViewer(host.ready.links.viewer);
  await h.waitForPicture(engineer.page);
  await h.waitForPicture(viewer.page);
  const full = await h.state(engineer.page);
  const linked = new Set(full.connections.map((c) => `${c.sourceDeviceId}>${c.targetDeviceId}`));
  const ids = full.devices.map((d) => d.id);
  const [source, target] = ids.flatMap((a) => ids.map((b) => [a, b])).find(([a, b]) => a !== b && !linked.has(`${a}>${b}`));
  const before = await h.samplePicture(viewer.page, 320, 180);
  await engineer.page.evaluate(([a, b]) => window.remoteRender.sendConnectionCreate(a, b, 'e2e_link'), [source, target]);
  for (const { page } of [engineer, viewer]) {
    await h.waitForState(page, (state) => state.connections.some((c) => c.type === 'e2e_link'));
  }
  await h.waitForChange(viewer.page, before, 0.02, { columns: 320, rows: 180 });

  const refused = await viewer.page.evaluate(
    ([a]) =>
      new Promise((done) => {
        window.remoteRender.onError((error) => done(error));
        window.remoteRender.sendDeviceDrag(a, 99, 0, 99, { gesture: 1, last: true });
        window.remoteRender.sendConnectionCreate(a, a, 'no');
      }),
    [source],
  );
  assert.equal(refused.code, 'forbidden', JSON.stringify(refused));
  const untouched = (await h.state(engineer.page)).devices.find((d) => d.id === source);
  assert.ok(Math.abs(untouched.position[0] - 99) > 1);
  const link = (await h.state(engineer.page)).connections.find((c) => c.type === 'e2e_link');
  assert.equal(link.sourceDeviceId, source);
  await engineer.context.close();
  await viewer.context.close();
});

test('a killed and restarted host is found again by itself, with its state', async () => {
  const { page, context } = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(page);
  await page.waitForTimeout(3000); // longer than the host waits before it saves by itself
  const listen = new URL(host.ready.addresses[0]).host;
  await host.kill('SIGKILL');
  await page.waitForFunction(() => window.remoteRender.connectionState !== 'connected', undefined, { timeout: 15_000 });
  await page.screenshot({ path: join(h.output, 'reconnecting.png') });
  host = await h.startHost(folder.path, [workspaceFile], { listen });
  await page.waitForFunction(() => window.remoteRender.connectionState === 'connected', undefined, { timeout: 20_000 });
  await h.waitForState(page, (state) => state.connections.some((c) => c.type === 'e2e_link'));
  const frames = () => page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
  const start = await frames();
  await page.evaluate(() => window.remoteRender.sendCameraOrbit(80, 10));
  await page.waitForFunction((n) => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > n, start);
  await context.close();
});

test('SIGTERM ends the host cleanly with the workspace saved', async () => {
  const { page, context } = await h.openViewer(host.ready.links.admin);
  await h.waitForPicture(page);
  const id = (await h.state(page)).devices[0].id;
  await page.evaluate((id) => window.remoteRender.sendDeviceDrag(id, 1.25, 0, -3.5, { gesture: 77, last: true }), id);
  await h.waitForState(page, (state, id) => state.devices.find((d) => d.id === id).position[2] === -3.5, id);
  const { code } = await host.kill('SIGTERM');
  assert.equal(code, 0, host.log());
  const saved = JSON.parse(readFileSync(workspaceFile, 'utf8'));
  assert.deepEqual(saved.devices.find((d) => d.id === id).transform.position, [1.25, 0, -3.5]);
  assert.ok(saved.connections.some((c) => c.type === 'e2e_link'));
  await context.close();
});

/** A device that is seen at the middle of its box, so that a tap there meets it. */
async function pickable(page) {
  const devices = (await h.state(page)).devices.filter((d) => d.model === 'ready');
  const size = (d) => Math.hypot(...d.bounds.max.map((v, i) => v - d.bounds.min[i]));
  devices.sort((a, b) => size(a) - size(b));
  for (const device of devices) {
    const at = await h.deviceOnPage(page, device.id);
    if (!at) continue;
    await page.evaluate(([x, y]) => window.remoteRender.sendDeviceClick(x, y), await normalised(page, at));
    await page.waitForTimeout(150);
    const { selection } = await h.state(page);
    await page.evaluate(() => window.remoteRender.sendDeviceClick(0.001, 0.001));
    await page.waitForTimeout(150);
    if (selection[0] === device.id && (await h.state(page)).selection.length === 0) return device;
  }
  throw new Error('no device is met at the middle of its box');
}

async function normalised(page, at) {
  return page.evaluate(({ x, y }) => {
    const video = document.querySelector('video');
    const box = video.getBoundingClientRect();
    const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    return [(x - box.left - (box.width - width) / 2) / width, (y - box.top - (box.height - height) / 2) / height];
  }, at);
}

/** Samples near the accent #4c9aff. */
function accentPixels(rgba) {
  let count = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    const [r, g, b] = rgba.slice(i, i + 3);
    if (b > 150 && b - r > 70 && g > 70 && g < b) count++;
  }
  return count;
}
