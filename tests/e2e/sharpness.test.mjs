// How near what Chromium decoded comes to what the host drew, in luma PSNR, on a link of 8 Mbit/s.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as h from './harness.mjs';
import { openLinkThread } from './link_thread.mjs';
import { KeptPictures, bestMatch, decodedLuma, psnr } from './luma.mjs';

after(h.closeBrowser);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const AT_REST_DB = 48;
const IN_MOTION_DB = 36;
const AT_REST_BYTES = 5_000;

test('the picture is sharp in motion and at rest, and a resting one costs nearly nothing', async (t) => {
  const folder = h.temporaryFolder();
  const workspace = h.sampleLine(folder.path);
  // The flow along connections never rests.
  const document = JSON.parse(readFileSync(workspace, 'utf8'));
  writeFileSync(workspace, JSON.stringify({ ...document, connections: [] }));
  const kept = join(folder.path, 'kept.y4m');
  const link = await openLinkThread({ mbps: 8, delayMs: 10 });
  const host = await h.startHost(folder.path, [workspace, '--advertise', link.address], { env: { RRHOST_KEEP_PICTURES: kept } });
  let raw;
  try {
    await link.connect(Number(new URL(host.ready.url).port));
    const { page } = await h.openViewer(host.ready.url);
    await h.waitForPicture(page);
    raw = new KeptPictures(kept);

    // A new viewer begins with less, in a smaller picture; the rate of the link is found within seconds of motion.
    await page.evaluate(() => (window.turning = setInterval(() => window.remoteRender.sendCameraOrbit(4, 0), 33)));
    await pause(3_000);
    const begin = performance.now();
    const first = raw.count;
    const moving = [];
    let smaller = 0;
    while (moving.length < 8 && performance.now() - begin < 15_000) {
      await pause(150);
      const { luma, width } = await decodedLuma(page);
      if (width !== raw.width) smaller += 1;
      // It was drawn a moment ago, and others have been drawn meanwhile.
      else moving.push(bestMatch(luma, width, raw.last(30)).db);
    }
    const took = performance.now() - begin;
    const [pictures, mbps] = [raw.count - first, await link.carried(took)];
    await page.evaluate(() => clearInterval(window.turning));
    assert.equal(moving.length, 8, `${smaller} pictures were smaller than 720p`);
    moving.sort((a, b) => a - b);
    t.diagnostic(
      `in motion ${moving[0].toFixed(1)} to ${moving.at(-1).toFixed(1)} dB, ${mbps.toFixed(2)} Mbit/s, ` +
        `${((pictures * 1000) / took).toFixed(1)} pictures a second, ${smaller} samples of smaller pictures`,
    );
    assert.ok(pictures > 5, `${pictures} pictures were drawn while the camera turned`);
    assert.ok(mbps < 8.1, `${mbps} Mbit/s`);
    assert.ok(moving[0] > IN_MOTION_DB, `${moving[0]} dB in motion`);

    // At rest: the last picture that was drawn, when nothing is sent any more.
    const stopped = performance.now();
    let db = 0;
    let rate = Infinity;
    while (performance.now() - stopped < 20_000 && !(db > AT_REST_DB && rate < AT_REST_BYTES)) {
      await pause(1_000);
      rate = (await link.carried(1_000)) * 125_000;
      db = psnr((await decodedLuma(page)).luma, raw.last(1)[0]);
    }
    t.diagnostic(`at rest ${db.toFixed(1)} dB after ${((performance.now() - stopped) / 1000).toFixed(1)} s`);
    assert.ok(db > AT_REST_DB, `${db} dB at rest`);
    await pause(5_000);
    const bytes = (await link.carried(5_000)) * 125_000;
    t.diagnostic(`at rest ${bytes.toFixed(0)} bytes a second`);
    assert.ok(bytes < AT_REST_BYTES, `${bytes} bytes a second at rest`);
  } finally {
    await host.kill();
    await link.close();
    raw?.close();
    folder.remove();
  }
});
