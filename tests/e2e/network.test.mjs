// A real browser behind real sockets and a shaped, seeded link. Limits are wide: the machine may be busy.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as h from './harness.mjs';
import { openLink } from './link.mjs';

after(h.closeBrowser);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Host, link and browser; the camera turns all the time; `shown` are the moments of new pictures in the browser. */
async function watch(shape, seed, size = '1280x720') {
  const folder = h.temporaryFolder();
  const link = await openLink(shape, seed);
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path), '--advertise', link.address, '--size', size]);
  link.connect(Number(new URL(host.ready.url).port));
  // What the connection says of itself is asked of it.
  const prepare = (page) =>
    page.addInitScript(() => {
      const Real = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Real {
        constructor(...of) {
          super(...of);
          window.peer = this;
        }
      };
    });
  const { page, context } = await h.openViewer(host.ready.url, { prepare });
  await h.waitForPicture(page);
  await page.evaluate(() => {
    window.shown = [];
    const video = document.querySelector('video');
    const note = () => {
      window.shown.push(performance.now());
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    window.turning = setInterval(() => window.remoteRender.sendCameraOrbit(4, 0), 33);
  });
  return {
    link,
    page,
    /** The longest time without a new picture in the last so many seconds, ms. */
    freeze: (seconds) =>
      page.evaluate((seconds) => {
        const end = performance.now();
        const begin = end - seconds * 1000;
        const times = [begin, ...window.shown.filter((at) => at > begin), end];
        return Math.max(...times.slice(1).map((at, i) => at - times[i]));
      }, seconds),
    inbound: () =>
      page.evaluate(async () => [...(await window.peer.getStats()).values()].find((one) => one.type === 'inbound-rtp' && one.kind === 'video')),
    pictures: (seconds) =>
      page.evaluate((seconds) => window.shown.filter((at) => at > performance.now() - seconds * 1000).length / seconds, seconds),
    end: async () => {
      await context.close();
      await host.kill();
      link.close();
      folder.remove();
    },
  };
}

for (const percent of [1, 3, 5]) {
  test(`a link that loses ${percent} % keeps moving`, async (t) => {
    const seen = await watch({ mbps: 8, delayMs: 15, loss: percent / 100 }, 5);
    try {
      await pause(8_000);
      const [freeze, rate] = [await seen.freeze(6), await seen.pictures(6)];
      t.diagnostic(`${percent} % lost: ${rate.toFixed(1)} pictures a second, longest freeze ${freeze.toFixed(0)} ms`);
      assert.ok(rate > 5, `${rate} pictures a second`);
      assert.ok(freeze < 1_000, `frozen for ${freeze} ms`);
      const { packetsReceived, fecPacketsReceived, fecPacketsDiscarded = 0, totalAssemblyTime, framesAssembledFromMultiplePackets } = await seen.inbound();
      const whole = (1000 * totalAssemblyTime) / framesAssembledFromMultiplePackets;
      t.diagnostic(`${fecPacketsReceived} parity packets for ${packetsReceived}; a picture is whole ${whole.toFixed(0)} ms after its first packet`);
      assert.ok(fecPacketsReceived > packetsReceived / 40, `${fecPacketsReceived} parity packets for ${packetsReceived}`);
      assert.ok(fecPacketsDiscarded < fecPacketsReceived / 10, `${fecPacketsDiscarded} of ${fecPacketsReceived} parity packets were of no use`);
    } finally {
      await seen.end();
    }
  });
}

// In the larger size it is processors that bound what comes back, where there are two of them.
for (const { size, mbps, back } of [
  { size: '1280x720', mbps: 6, back: 0.1 },
  { size: '640x360', mbps: 2.5, back: 0.6 },
]) {
  test(`a link that falls to a fifth is followed, and so is its return: ${size}`, async (t) => {
    const seen = await watch({ mbps, delayMs: 15 }, 6, size);
    try {
      await pause(5_000);
      seen.link.shape.mbps = mbps / 5;
      await pause(2_000);
      const fall = await seen.freeze(2);
      await pause(4_000);
      const to = performance.now();
      const queue = seen.link.queueP95(to - 3_000, to);
      const rate = await seen.pictures(3);
      t.diagnostic(`${mbps} to ${mbps / 5} Mbit/s: freeze ${fall.toFixed(0)} ms, then ${rate.toFixed(1)} pictures a second, queue P95 ${queue.toFixed(0)} ms`);
      assert.ok(fall < 1_200, `frozen for ${fall} ms`);
      assert.ok(queue < 250, `${queue} ms wait on the link`);
      assert.ok(rate > 4, `${rate} pictures a second`);
      seen.link.shape.mbps = mbps;
      await pause(6_000);
      const end = performance.now();
      const share = seen.link.carried(end - 2_000, end) / mbps;
      t.diagnostic(`back at ${mbps} Mbit/s, ${share.toFixed(2)} of it carried in the fifth and sixth second`);
      assert.ok(share > back, `${share} of the link carried`);
    } finally {
      await seen.end();
    }
  });
}

test('a way that becomes longer is not taken for a slow one', async (t) => {
  const mbps = 2.5;
  const seen = await watch({ mbps, delayMs: 15 }, 8, '640x360');
  try {
    await pause(5_000);
    // As from the hall's Wi-Fi to mobile data.
    seen.link.shape.delayMs = 65;
    await pause(9_000);
    const end = performance.now();
    const share = seen.link.carried(end - 3_000, end) / mbps;
    t.diagnostic(`100 ms longer: ${share.toFixed(2)} of ${mbps} Mbit/s carried from the sixth second after it on`);
    assert.ok(share > 0.5, `${share} of the link carried`);
  } finally {
    await seen.end();
  }
});

test('after an outage of three seconds the picture is soon there again', async (t) => {
  const seen = await watch({ mbps: 8, delayMs: 10 }, 7);
  try {
    await pause(3_000);
    seen.link.shape.cut = true;
    await pause(3_000);
    seen.link.shape.cut = false;
    const back = await seen.page.evaluate(async () => {
      const begin = performance.now();
      while (!window.shown.some((at) => at > begin)) {
        if (performance.now() - begin > 10_000) return Infinity;
        await new Promise((done) => setTimeout(done, 10));
      }
      return performance.now() - begin;
    });
    t.diagnostic(`pictures again ${back.toFixed(0)} ms after an outage of 3 s`);
    assert.ok(back < 3_000, `no picture for ${back} ms after the outage`);
  } finally {
    await seen.end();
  }
});
