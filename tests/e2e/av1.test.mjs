// AV1 from the card to a real Chromium, which decodes it on the processor. The card is the test double of NVIDIA's driver,
// which the tests in Rust have built (`cargo test --workspace --test encoders`).
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as h from './harness.mjs';
import { openLink } from './link.mjs';

after(h.closeBrowser);

/** The folder with the double that was built last, in the place of the driver's libraries. */
function doubleOfTheDriver() {
  const deps = join(h.root, 'target/debug/deps');
  const built = readdirSync(deps)
    .filter((name) => name.startsWith('nvenc-double-'))
    .map((name) => join(deps, name))
    .filter((folder) => existsSync(join(folder, 'libnvidia-encode.so.1')))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  assert.ok(built.length > 0, 'build the double first: cargo test --workspace --test encoders');
  return built[0];
}

/** A host with the card, told what to play, perhaps behind a link, and a viewer whose camera turns all the time. */
async function watched(card, use, link = null) {
  const folder = h.temporaryFolder();
  const env = { LD_LIBRARY_PATH: doubleOfTheDriver(), ...card };
  const way = link ? ['--advertise', link.address] : [];
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path), ...way], { env });
  link?.connect(Number(new URL(host.ready.url).port));
  try {
    const { page, errors } = await h.openViewer(host.ready.url);
    await h.waitForPicture(page);
    await page.evaluate(() => setInterval(() => window.remoteRender.sendCameraOrbit(4, 0), 33));
    await use({ host, page });
    assert.deepEqual(errors, []);
  } finally {
    await host.kill();
    link?.close();
    folder.remove();
  }
}

/** Waits until the browser decoded so many more pictures of a codec; what it says of the video then. */
async function decodes(page, codec, more) {
  const figures = () => page.evaluate(() => window.remoteRender.stats);
  const end = Date.now() + 30_000;
  let [first, last] = [null, null];
  while (Date.now() < end) {
    last = await figures();
    if (last?.codec === codec) {
      first ??= last;
      if (last.framesDecoded >= first.framesDecoded + more) return last;
    }
    await page.waitForTimeout(200);
  }
  throw new Error(`${more} pictures of ${codec} were not decoded: ${JSON.stringify(last)}`);
}

test('a browser gets AV1 from a card that makes it, and it moves', async (t) => {
  await watched({}, async ({ host, page }) => {
    assert.equal(host.ready.encoder.name, 'NVENC (Test double of a card)');
    const seen = await decodes(page, 'AV1', 20);
    t.diagnostic(`${seen.codecParameters}; ${seen.width}x${seen.height}, ${seen.framesDecoded} pictures`);
    assert.match(seen.codecParameters, /profile=0/);
    const before = await h.samplePicture(page);
    await h.waitForChange(page, before, 2);
  });
});

test('AV1 goes on over a lossy link', async (t) => {
  const link = await openLink({ mbps: 8, delayMs: 15, loss: 0.02 }, 5);
  await watched(
    {},
    async ({ page }) => {
      const seen = await decodes(page, 'AV1', 60);
      t.diagnostic(`${seen.framesDecoded} pictures, ${seen.freezes} freezes`);
    },
    link,
  );
});

test('a card without AV1 gives that browser what both have', async () => {
  await watched({ NVENC_DOUBLE_NO_AV1: '1', NVENC_DOUBLE_NO_HEVC: '1' }, async ({ page }) => {
    await decodes(page, 'H264', 10);
  });
});

test('the owner may want H.264 for all', async () => {
  await watched({ RRHOST_CODEC: 'h264' }, async ({ page }) => {
    await decodes(page, 'H264', 10);
  });
});

test('when the card fails in the middle, H.264 goes on in the same connection', async () => {
  // An internal error of the driver, from the 60th picture on.
  await watched({ NVENC_DOUBLE_FAIL: 'nvEncEncodePicture:60:20' }, async ({ page }) => {
    await page.evaluate(() => {
      window.lost = 0;
      window.remoteRender.onDisconnected(() => (window.lost += 1));
    });
    await decodes(page, 'AV1', 10);
    await decodes(page, 'H264', 10);
    const before = await h.samplePicture(page);
    await h.waitForChange(page, before, 2);
    assert.equal(await page.evaluate(() => window.lost), 0);
  });
});
