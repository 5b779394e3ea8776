// Ways to the host beside plain UDP: TCP on the page's port, a relay, an ICE-lite host; in a real Chromium.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as h from './harness.mjs';
import { routeShown, selected, steers, watch } from './route.mjs';
import { credentials, startTurn, turnInstalled } from './turn.mjs';

after(h.closeBrowser);

/** Chromium opens no UDP socket with it; which of both it knows depends on its version. */
const NO_UDP = ['webrtc', 'force-webrtc'].map((name) => `--${name}-ip-handling-policy=disable_non_proxied_udp`);
const SECRET = 'the north wind';
const noTurn = turnInstalled() ? false : 'coturn is not installed: tools/install.sh test';

/** A host with some options and a viewer's page, and the end of both. */
async function watched(args, viewer, options, use) {
  const folder = h.temporaryFolder();
  const files = typeof args === 'function' ? args(folder.path) : args;
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path), ...files], options);
  const { page, context, errors } = await h.openViewer(host.ready.url, viewer);
  try {
    await h.waitForPicture(page);
    await use({ host, page });
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
    await host.kill();
    folder.remove();
  }
}

test('a browser without UDP sees and steers over the TCP port of an encrypted page', async () => {
  const browser = await h.launchBrowser(NO_UDP);
  try {
    await watched(['--tls', 'on'], { browser, prepare: watch() }, {}, async ({ host, page }) => {
      assert.ok(host.ready.url.startsWith('https:'), host.ready.url);
      const { local, remote } = await selected(page);
      assert.equal(local.protocol, 'tcp');
      assert.equal(remote.port, Number(new URL(host.ready.url).port), 'another port than the page');
      await steers(page);
      assert.equal(await routeShown(page), 'Direct, TCP');
      // It goes on: state, input and pictures over the same connection.
      await steers(page);
    });
  } finally {
    await browser.close();
  }
});

test('without media on TCP that browser is told what is wrong', async () => {
  const browser = await h.launchBrowser(NO_UDP);
  const folder = h.temporaryFolder();
  const host = await h.startHost(folder.path, ['--media-tcp', 'false', h.sampleLine(folder.path)]);
  const { page } = await h.openViewer(host.ready.url, { browser });
  try {
    await page.getByText('no video connection comes about').first().waitFor({ state: 'attached', timeout: 30_000 });
  } finally {
    await browser.close();
    await host.kill();
    folder.remove();
  }
});

test('where both ways are open UDP is taken', async () => {
  await watched([], { prepare: watch() }, {}, async ({ host, page }) => {
    await page.waitForTimeout(2_000);
    const { local, remote } = await selected(page);
    assert.deepEqual([local.protocol, remote.protocol], ['udp', 'udp']);
    assert.equal(remote.port, Number(new URL(host.ready.url).port));
    const answer = await page.evaluate(() => window.peers.at(-1).remoteDescription.sdp);
    assert.match(answer, / tcp \d+ 127\.0\.0\.1 \d+ typ host tcptype passive/);
    assert.doesNotMatch(answer, /a=ice-lite/);
    assert.equal(await routeShown(page), 'Direct, UDP');
  });
});

test('an ICE-lite host is found and says so', async () => {
  await watched(['--ice-lite', 'on'], { prepare: watch() }, {}, async ({ page }) => {
    assert.match(await page.evaluate(() => window.peers.at(-1).remoteDescription.sdp), /^a=ice-lite\r?$/m);
    await steers(page);
  });
});

test('an ICE-lite host is found over TCP, too', async () => {
  const browser = await h.launchBrowser(NO_UDP);
  try {
    await watched(['--ice-lite', 'on'], { browser, prepare: watch() }, {}, async ({ page }) => {
      assert.equal((await selected(page)).local.protocol, 'tcp');
      await steers(page);
    });
  } finally {
    await browser.close();
  }
});

test('a browser that may use relays only sees and steers through a TURN server', { skip: noTurn }, async () => {
  const folder = h.temporaryFolder();
  const turn = await startTurn(folder.path, SECRET);
  // A relay's certificate is a known authority's; this one's is its own.
  const browser = await h.launchBrowser(['--ignore-certificate-errors']);
  const secret = join(folder.path, 'secret');
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  try {
    for (const [url, shown] of [
      [turn.url, 'Relayed, UDP'],
      [`${turn.url}?transport=tcp`, 'Relayed, TCP'],
      [`${turn.tlsUrl}?transport=tcp`, 'Relayed, TLS'],
    ]) {
      const args = ['--turn', url, '--turn-secret-file', secret, '--turn-hours', '1'];
      await watched(args, { browser, prepare: watch('relay') }, {}, async ({ host, page }) => {
        const { local } = await selected(page);
        assert.equal(local.candidateType, 'relay');
        await steers(page);
        assert.equal(await routeShown(page), shown);
        const [server] = await page.evaluate(() => window.peers.at(-1).getConfiguration().iceServers);
        const left = Number(server.username.split(':')[0]) - Date.now() / 1000;
        assert.ok(left > 3_400 && left <= 3_600, `${left} s left`);
        assert.equal(credentials(SECRET, ...server.username.split(':')).credential, server.credential);
        for (const kept of [SECRET, server.credential]) assert.ok(!host.log().includes(kept), 'a secret is in the log');
      });
    }
  } finally {
    await browser.close();
    await turn.stop();
    folder.remove();
  }
});

test('a TURN server refuses credentials that expired or were forged', { skip: noTurn }, async () => {
  const folder = h.temporaryFolder();
  const turn = await startTurn(folder.path, SECRET);
  const page = await (await h.openBrowser()).newPage();
  /** Relay candidates that the server gives for credentials, and the code of its refusal. */
  const ask = (server) =>
    page.evaluate(async (server) => {
      const peer = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: 'relay' });
      const found = { relays: 0, codes: [] };
      const done = new Promise((end) => {
        peer.onicecandidate = ({ candidate }) => {
          if (candidate?.candidate) found.relays++;
          if (!candidate) end();
        };
      });
      peer.onicecandidateerror = ({ errorCode }) => found.codes.push(errorCode);
      peer.createDataChannel('x');
      await peer.setLocalDescription(await peer.createOffer());
      await Promise.race([done, new Promise((end) => setTimeout(end, 8_000))]);
      peer.close();
      return found;
    }, server);
  try {
    const now = Math.floor(Date.now() / 1000);
    const good = { urls: [turn.url], ...credentials(SECRET, now + 600) };
    const taken = await ask(good);
    assert.ok(taken.relays > 0, JSON.stringify(taken));
    for (const [what, wrong] of Object.entries({
      expired: credentials(SECRET, now - 60),
      'of another secret': credentials('the south wind', now + 600),
      'made to last longer': { username: `${now + 6_000}:test`, credential: good.credential },
      'of another name': { username: `${now + 600}:other`, credential: good.credential },
    })) {
      const refused = await ask({ urls: [turn.url], ...wrong });
      assert.equal(refused.relays, 0, what);
      assert.ok(refused.codes.includes(401), `${what}: ${JSON.stringify(refused)}`);
    }
  } finally {
    await page.close();
    await turn.stop();
    folder.remove();
  }
});

test('a host that nobody else can reach says so at its start', async () => {
  const folder = h.temporaryFolder();
  try {
    for (const [listen, args, words] of [
      ['127.0.0.1:0', [], /127\.0\.0\.1 is seen from this machine only: .*--listen 0\.0\.0\.0/],
      ['0.0.0.0:0', ['--advertise', '127.0.0.1'], /this machine only: give --advertise/],
      ['127.0.0.1:0', ['--advertise', '203.0.113.7'], /listened for on 127\.0\.0\.1 only/],
      ['0.0.0.0:0', ['--advertise', '203.0.113.7'], null],
    ]) {
      const host = await h.startHost(folder.path, args, { listen });
      await host.kill();
      if (words) {
        assert.match(host.ready.warning, words);
        assert.match(host.log(), /WARN.*nobody else can watch/);
      } else {
        assert.equal(host.ready.warning, null);
        assert.doesNotMatch(host.log(), /nobody else can watch/);
      }
    }
  } finally {
    folder.remove();
  }
});
