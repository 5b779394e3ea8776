// What goes wrong in one place stays there: bad links, hostile messages, vanished and greedy viewers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as h from './harness.mjs';

let folder, host;

before(async () => {
  folder = h.temporaryFolder();
  host = await h.startHost(folder.path, [h.sampleLine(folder.path), '--fps', '20']);
});

after(async () => {
  await h.closeBrowser();
  await host?.kill();
  folder?.remove();
});

const frames = (page) =>
  page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);

/** The viewer gets new pictures while it steers. */
async function isServed(page) {
  const start = await frames(page);
  await page.evaluate(() => window.remoteRender.sendCameraOrbit(20, 0));
  await page.waitForFunction(
    (n) => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > n,
    start,
    { timeout: 5000 },
  );
}

test('wrong, changed and expired links are refused with words that help', async () => {
  const [base, token] = host.ready.url.split('/#');
  const changed = token.slice(0, -3) + (token.endsWith('AAA') ? 'BBB' : 'AAA');
  const short = await h.startHost(folder.path, ['--link-hours', '0.0002']); // under a second
  await new Promise((done) => setTimeout(done, 1500));
  const cases = [
    [`${base}/#nonsense`, 'nonsense'],
    [`${base}/#${changed}`, 'changed'],
    [short.ready.url, 'expired'],
  ];
  for (const [url, what] of cases) {
    const { page, context } = await h.openViewer(url);
    await page.waitForFunction(() => /link|expired|host/i.test(document.body.innerText), undefined, { timeout: 10_000 });
    const connected = await page.evaluate(() => window.remoteRender?.connectionState === 'connected');
    assert.equal(connected, false, `${what} was let in`);
    await context.close();
  }
  await short.kill();
});

test('malformed, oversized and forbidden messages get an error and hurt nobody', async () => {
  const bad = await h.openViewer(host.ready.links.engineer);
  const good = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(bad.page);
  await h.waitForPicture(good.page);
  const codes = await bad.page.evaluate(async () => {
    const seen = [];
    window.remoteRender.onError((error) => seen.push(error.code));
    const send = (text) => window.remoteRender.sendRaw('state', text);
    send('');
    send('{"type":"camera:explode","timestamp":1,"data":{}}');
    send('{"type":"device:drag","timestamp":1,"data":{"deviceId":"x","positionX":1e999,"positionY":0,"positionZ":0}}');
    send('['.repeat(5000));
    send(JSON.stringify({ type: 'device:add', timestamp: 1, data: { name: 'x'.repeat(12000), position: [0, 0, 0] } }));
    // Longer than the host's answer allows: the browser itself refuses to send it.
    try {
      send(' '.repeat(20000));
      seen.push('sent an oversized message');
    } catch {}
    await new Promise((done) => setTimeout(done, 1500));
    return seen;
  });
  assert.ok(codes.filter((c) => c === 'malformed').length >= 3, JSON.stringify(codes));
  assert.ok(!codes.includes('sent an oversized message'));
  await isServed(good.page);
  await good.context.close();
  await bad.context.close();
});

test('a flood disconnects the one who sends it', async () => {
  const bad = await h.openViewer(host.ready.links.engineer);
  const good = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(bad.page);
  await h.waitForPicture(good.page);
  await bad.page.evaluate(async () => {
    const text = '{"type":"camera:orbit","timestamp":1,"data":{"deltaX":0.01,"deltaY":0}}';
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 500; i++) {
        try {
          window.remoteRender.sendRaw('input', text);
        } catch {
          return;
        }
      }
      await new Promise((done) => setTimeout(done, 20));
    }
  });
  await bad.page.waitForFunction(() => window.remoteRender.connectionState !== 'connected', undefined, { timeout: 15_000 });
  await isServed(good.page);
  await good.context.close();
  await bad.context.close();
});

test('a viewer that vanishes mid-frame is noticed by nobody', async () => {
  const good = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(good.page);
  for (let i = 0; i < 3; i++) {
    const gone = await h.openViewer(host.ready.links.viewer);
    await h.waitForPicture(gone.page);
    await gone.page.evaluate(() => window.remoteRender.sendCameraOrbit(30, 0));
    await gone.context.close();
    await isServed(good.page);
  }
  await good.context.close();
});

test('one link serves several viewers at once', async () => {
  const viewers = [];
  for (let i = 0; i < 3; i++) viewers.push(await h.openViewer(host.ready.links.viewer));
  for (const { page } of viewers) await h.waitForPicture(page);
  for (const { page } of viewers) await isServed(page);
  for (const { context } of viewers) await context.close();
});
