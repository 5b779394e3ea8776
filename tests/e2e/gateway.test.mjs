// Tablets come in by the gateway: a real one, real workers, and a real Chromium that sees their pictures.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as h from './harness.mjs';
import { routeShown, selected, steers, watch } from './route.mjs';
import { startTurn } from './turn.mjs';
import { joinToken, rrctl, sessionLink, startGateway, startWorker } from './fleet.mjs';

after(h.closeBrowser);

/** A gateway, and a way to start workers behind it; all of them end with the test. */
async function fleet(use, args = []) {
  const folder = h.temporaryFolder();
  const gateway = await startGateway(join(folder.path, 'gateway'), args);
  const workers = [];
  const worker = async (name, ...more) => {
    const own = join(folder.path, name);
    mkdirSync(own);
    const started = await startWorker(own, gateway.ready.workers, joinToken(gateway.state, name), [h.sampleLine(own)], more);
    workers.push(started);
    return started;
  };
  try {
    await use({ gateway, worker, link: (session, role) => sessionLink(gateway.state, session, role) });
  } finally {
    await Promise.all(workers.map((each) => each.kill()));
    await gateway.kill();
    folder.remove();
  }
}

const metric = async (gateway, name) => {
  const text = await (await fetch(`${gateway.ready.url}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (.*)$`, 'm'))[1]);
};

async function until(what, condition, timeout = 20_000) {
  const end = Date.now() + timeout;
  while (Date.now() < end) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`not in time: ${what}`);
}

test('a browser sees and steers a worker through the gateway', async (t) => {
  await fleet(async ({ gateway, worker, link }) => {
    const { ready } = await worker('first');
    assert.equal(ready.worker, 'first');
    const begun = Date.now();
    const { page, errors } = await h.openViewer(link('hall-3'));
    assert.ok(page.url().startsWith(gateway.ready.url), page.url());
    await h.waitForPicture(page);
    t.diagnostic(`link to picture: ${Date.now() - begun} ms`);
    const before = await h.samplePicture(page);
    await page.evaluate(() => setInterval(() => window.remoteRender.sendCameraOrbit(8, 0), 33));
    await h.waitForChange(page, before, 2);
    await until('the gateway counts the viewer', async () => (await metric(gateway, 'rr_gateway_viewers')) === 1);
    assert.equal(await metric(gateway, 'rr_gateway_sessions_placed'), 1);
    assert.deepEqual(errors, []);
  });
});

test('a browser that may use relays only comes by the one that the gateway names', async () => {
  const turn = h.temporaryFolder();
  const relay = await startTurn(turn.path, 'the west wind');
  const secret = join(turn.path, 'secret');
  writeFileSync(secret, 'the west wind\n', { mode: 0o600 });
  try {
    await fleet(async ({ worker, link }) => {
      await worker('first');
      const { page, errors } = await h.openViewer(link('hall-3'), { prepare: watch('relay') });
      await h.waitForPicture(page);
      assert.equal((await selected(page)).local.candidateType, 'relay');
      await steers(page);
      assert.equal(await routeShown(page), 'Relayed, UDP');
      assert.deepEqual(errors, []);
    }, ['--turn', relay.url, '--turn-secret-file', secret]);
  } finally {
    await relay.stop();
    turn.remove();
  }
});

test('pictures go on without the gateway', async () => {
  await fleet(async ({ gateway, worker, link }) => {
    await worker('only');
    const { page } = await h.openViewer(link('hall-3'));
    await h.waitForPicture(page);
    await page.evaluate(() => {
      window.lost = 0;
      window.remoteRender.onDisconnected(() => (window.lost += 1));
      setInterval(() => window.remoteRender.sendCameraOrbit(8, 0), 33);
    });
    await gateway.kill('SIGKILL');
    await page.waitForTimeout(4000);
    const before = await h.samplePicture(page);
    await h.waitForChange(page, before, 1);
    assert.equal(await page.evaluate(() => window.lost), 0);
  });
});

test('who finds no worker free waits, sees the place, and is served by the next worker', async () => {
  await fleet(async ({ worker, link }) => {
    await worker('busy');
    const first = await h.openViewer(link('one'));
    await h.waitForPicture(first.page);
    const second = await h.openViewer(link('two'));
    await second.page.waitForFunction(() => window.remoteRender?.status.queue?.place === 1, undefined, { timeout: 10_000 });
    await second.page.getByText('Waiting for a machine').waitFor();
    const third = await h.openViewer(link('three'));
    await third.page.waitForFunction(() => window.remoteRender?.status.queue?.place === 2, undefined, { timeout: 10_000 });
    await worker('late');
    await h.waitForPicture(second.page);
    await third.page.waitForFunction(() => window.remoteRender?.status.queue?.place === 1, undefined, { timeout: 10_000 });
    // Whoever watched keeps on watching.
    const before = await h.samplePicture(first.page);
    await first.page.evaluate(() => setInterval(() => window.remoteRender.sendCameraOrbit(8, 0), 33));
    await h.waitForChange(first.page, before, 1);
  });
});

test('a killed worker is replaced by another within seconds', async (t) => {
  await fleet(async ({ worker, link }) => {
    const one = await worker('one');
    const { page } = await h.openViewer(link('hall-3'));
    await h.waitForPicture(page);
    await worker('two');
    await page.evaluate(() => {
      window.lostAt = null;
      window.backAt = null;
      window.remoteRender.onStatus(({ phase }) => {
        if (phase === 'reconnecting') window.lostAt ??= performance.now();
        if (phase === 'connected') window.backAt ??= performance.now();
      });
    });
    const killed = Date.now();
    await one.kill('SIGKILL');
    await page.waitForFunction(() => window.backAt !== null, undefined, { timeout: 20_000 });
    const took = Date.now() - killed;
    t.diagnostic(`back after ${took} ms`);
    assert.ok(took < 5000, `${took} ms`);
    await h.waitForPicture(page);
  });
});

test('a worker serves several sessions, each of its own', async () => {
  await fleet(async ({ worker, link, gateway }) => {
    const camera = (page) => page.evaluate(() => window.remoteRender.state.camera);
    const { ready } = await worker('both', '--sessions', '2');
    assert.equal(ready.sessions, 2);
    const first = await h.openViewer(link('one'));
    const second = await h.openViewer(link('two'));
    await h.waitForPicture(first.page);
    await h.waitForPicture(second.page);
    const start = await camera(second.page);
    assert.deepEqual(await camera(first.page), start);
    const before = await h.samplePicture(first.page);
    await first.page.evaluate(() => window.remoteRender.sendCameraOrbit(300, 0));
    await h.waitForChange(first.page, before);
    await second.page.waitForTimeout(500);
    assert.deepEqual(await camera(second.page), start, 'one session steers the other');
    assert.notDeepEqual(await camera(first.page), start);
    // There is no room for a third, until somebody leaves.
    const third = await h.openViewer(link('three'));
    await third.page.waitForFunction(() => window.remoteRender?.status.queue?.place === 1, undefined, { timeout: 10_000 });
    await first.page.close();
    await h.waitForPicture(third.page, 30_000);
    assert.deepEqual(await camera(third.page), start, 'something is left of the first session');
    await h.waitForPicture(second.page);
    await until('both are counted', async () => (await metric(gateway, 'rr_gateway_viewers')) === 2);
  }, ['--linger-secs', '2']);
});

test('a session takes its changes along, and leaves nothing to the next one', async (t) => {
  await fleet(async ({ worker, link, gateway }) => {
    const look = (page) =>
      page.evaluate(() => {
        const { devices, camera } = window.remoteRender.state;
        return { devices: devices.map(({ id, position, rotation }) => [id, position, rotation]), camera };
      });
    const one = await worker('one');
    const { page } = await h.openViewer(link('hall-3'));
    await h.waitForPicture(page);
    const start = await look(page);
    const [moved] = start.devices[0];
    const presents = () =>
      page.evaluate(() => {
        const { state, presence } = window.remoteRender;
        return presence?.presenter === state?.you.participantId;
      });
    await page.evaluate(() => window.remoteRender.requestControl());
    await until('control', presents);
    await page.evaluate((device) => {
      window.remoteRender.sendCameraZoom(400);
      window.remoteRender.sendDeviceDrag(device, 1.25, 0, -2.5, { last: true });
    }, moved);
    await until('the change is seen', async () => JSON.stringify((await look(page)).devices) !== JSON.stringify(start.devices));
    await page.waitForTimeout(300);
    const changed = await look(page);
    // Its machine ends in order: another one takes over.
    await worker('two');
    await page.evaluate(() => {
      window.backAt = null;
      window.remoteRender.onStatus(({ phase }) => {
        if (phase === 'connected') window.backAt ??= performance.now();
      });
    });
    const ended = Date.now();
    const ends = one.kill();
    await page.waitForFunction(() => window.backAt !== null, undefined, { timeout: 20_000 });
    t.diagnostic(`back after ${Date.now() - ended} ms`);
    await ends;
    await h.waitForPicture(page);
    assert.deepEqual(await look(page), changed);
    await until('control again', presents);
    // What was done at the other machine can be taken back here.
    await page.evaluate(() => window.remoteRender.undo());
    await until('it is taken back', async () => JSON.stringify((await look(page)).devices) === JSON.stringify(start.devices));
    // Somebody else's session begins as the workers were started, on the same machine.
    await page.close();
    await until('nobody is there', async () => (await metric(gateway, 'rr_gateway_viewers')) === 0);
    const next = await h.openViewer(link('another'));
    await next.page.waitForFunction(() => window.remoteRender?.status.phase === 'connected', undefined, { timeout: 90_000 });
    await h.waitForPicture(next.page);
    assert.deepEqual(await look(next.page), start);
  }, ['--linger-secs', '2']);
});

test('sessions make the pool grow up to its maximum, and the dead are replaced', async (t) => {
  const folder = h.temporaryFolder();
  const at = (name) => join(folder.path, name);
  const file = h.sampleLine(folder.path);
  // All of them begin with one workspace: what is changed in a session is the gateway's to keep.
  const args = ['--headless', '--listen', '127.0.0.1:0', '--config-dir', at('slot-{slot}'), '--cache-dir', at('cache')];
  writeFileSync(
    at('rrctl.toml'),
    `max = 3\n[local]\ncommand = ${JSON.stringify(h.rrhost)}\nargs = ${JSON.stringify([...args, file])}\nslots = 3\nprice = 0.5\n` +
      '[timing]\ndead_secs = 10\nidle_secs = 3\n',
  );
  const fleet = ['--config', at('rrctl.toml'), '--state-dir', at('fleets')];
  const gateway = await startGateway(at('gateway'), ['--pool', '--warm', '1', '--linger-secs', '2', ...fleet], { env: { XDG_STATE_HOME: at('state') } });
  const ctl = (...command) => execFileSync(rrctl, [...command, ...fleet], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const list = () => JSON.parse(ctl('list', '--json'));
  try {
    const begun = Date.now();
    // Nobody is there yet: it waits, or is served by the first warm worker.
    const first = await h.openViewer(sessionLink(gateway.state, 'one'));
    await h.waitForPicture(first.page, 30_000);
    t.diagnostic(`from a gateway without workers to a picture: ${Date.now() - begun} ms`);
    await until('another one is warm', async () => (await metric(gateway, 'rr_gateway_workers_connected')) === 2);
    const second = await h.openViewer(ctl('open', 'two', '--no-qr', '--state', gateway.state).trim());
    await h.waitForPicture(second.page, 10_000);
    await until('the third comes', async () => (await metric(gateway, 'rr_gateway_workers_connected')) === 3);
    // Most that there may be.
    await new Promise((done) => setTimeout(done, 1500));
    assert.equal(await metric(gateway, 'rr_gateway_workers_connected'), 3);
    const before = list().workers.map((worker) => worker.name ?? worker.token);
    const victim = list().workers.find((worker) => worker.address?.match(/\d+/));
    process.kill(Number(victim.address.match(/\d+/)[0]), 'SIGKILL');
    await until('it is replaced', async () => {
      const now = list().workers.map((worker) => worker.name ?? worker.token);
      return now.length === 3 && now.some((name) => !before.includes(name)) && (await metric(gateway, 'rr_gateway_workers_connected')) === 3;
    }, 30_000);
    await h.waitForPicture(first.page);
    await h.waitForPicture(second.page);
    // What it costs, and whom: at most two people watch.
    const [watched, since] = [await metric(gateway, 'rr_fleet_watched_seconds_total'), Date.now()];
    const grown = async () => (await metric(gateway, 'rr_fleet_watched_seconds_total')) - watched;
    await until('their time counts', async () => (await grown()) >= 4, 30_000);
    // A look at the fleet takes in what happened since the last one.
    const most = 2 * ((Date.now() - since) / 1000 + 10);
    assert.ok((await grown()) <= most, `more than ${most} s for two people`);
    // The gateway and the command each look at the fleet when they do.
    await until('both say what it costs now', async () =>
      JSON.parse(ctl('cost', '--json')).cost_per_hour === 1.5 && (await metric(gateway, 'rr_fleet_cost_dollars_per_hour')) === 1.5);
    assert.ok((await metric(gateway, 'rr_fleet_cost_dollars_total')) > 0);
    // The gateway holds the fleet, and drains for who asks; whatever sessions were there go on elsewhere.
    for (const { name } of list().workers.slice(0, 2)) {
      const left = JSON.parse(ctl('drain', name, '--yes', '--json')).workers;
      assert.ok(left.every((worker) => worker.name !== name), `${name} is still there`);
      await until('it is replaced', async () => (await metric(gateway, 'rr_gateway_workers_connected')) === 3, 30_000);
    }
    await h.waitForPicture(first.page);
    await h.waitForPicture(second.page);
    assert.throws(() => ctl('scale', '1', '--yes'), /a gateway keeps this fleet/);
    // When all have left, only the warm one stays.
    await first.page.close();
    await second.page.close();
    await until('those that nobody needs are gone', () => list().workers.length === 1, 40_000);
    assert.equal(list().kept_by_gateway, true);
    await new Promise((done) => setTimeout(done, 2000));
    assert.equal(list().workers.length, 1, 'the warm one stays');
  } finally {
    await gateway.kill();
    ctl('down', '--now', '--yes');
    folder.remove();
  }
});
