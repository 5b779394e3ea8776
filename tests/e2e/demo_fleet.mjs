// `make demo-fleet`: a whole fleet on this machine, shown at work. Gateway, PostgreSQL, coturn, three workers of the local
// provider and four tablets (headless Chromium). It ends with an error when something does not come about.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as h from './harness.mjs';
import { rrctl, startGateway } from './fleet.mjs';
import { startPostgres } from './postgres.mjs';
import { startTurn } from './turn.mjs';

const LINGER = 4;
const WITHIN = 5_000;

const begun = performance.now();
const say = (text) => console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${text}`);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, condition, timeout = 40_000) {
  const end = performance.now() + timeout;
  while (performance.now() < end) {
    const found = await condition();
    if (found) return found;
    // The gateway counts requests.
    await pause(1_000);
  }
  throw new Error(`not in time: ${what}`);
}

/** A signed token of the plant's own sign-on, as the gateway takes them. */
function userToken(secret, user, role) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, role, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** A tablet that notes when it loses its picture and has one again. */
async function tablet(link) {
  const { page, context } = await h.openViewer(link, { viewport: { width: 960, height: 600 } });
  await page.evaluate(() => {
    window.breaks = [];
    window.remoteRender.onStatus(({ phase }) => window.breaks.push([phase, Date.now()]));
  });
  return {
    page,
    /** As a person does who closes the page. */
    leave: async () => {
      await page.goto('about:blank');
      await context.close();
    },
    place: () => page.evaluate(() => window.remoteRender.status.queue?.place ?? null),
    picture: () => h.waitForPicture(page, 40_000),
    /** When it was connected again after a moment. */
    backAfter: (at) =>
      until('the tablet is back', () =>
        page.evaluate((at) => {
          const lost = window.breaks.find(([phase, when]) => when >= at && phase !== 'connected');
          return lost && window.breaks.find(([phase, when]) => phase === 'connected' && when >= lost[1])?.[1];
        }, at),
      ),
  };
}

const folder = h.temporaryFolder();
const at = (name) => join(folder.path, name);
const ends = [];
try {
  const database = await startPostgres();
  ends.unshift(() => database.stop());
  const turnSecret = createHmac('sha256', 'demo').update(folder.path).digest('hex');
  const turn = await startTurn(folder.path, turnSecret);
  ends.unshift(() => turn.stop());
  say(`PostgreSQL on port ${database.port}, coturn on port ${turn.port}`);

  h.sampleLine(folder.path);
  const secret = createHmac('sha256', 'users').update(folder.path).digest('hex');
  writeFileSync(at('turn-secret'), turnSecret, { mode: 0o600 });
  writeFileSync(at('users-secret'), secret, { mode: 0o600 });
  const args = ['--headless', '--listen', '127.0.0.1:0', '--config-dir', at('slot-{slot}'), '--cache-dir', at('cache')];
  writeFileSync(
    at('rrctl.toml'),
    `max = 3\n[local]\ncommand = ${JSON.stringify(h.rrhost)}\nargs = ${JSON.stringify([...args, at('models/inspection-station.stl')])}\nslots = 3\nprice = 1.006\n` +
      '[timing]\ndead_secs = 5\n',
  );
  const fleet = ['--config', at('rrctl.toml'), '--state-dir', at('fleets')];
  const ctl = (...command) => execFileSync(rrctl, [...command, ...fleet], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const gateway = await startGateway(
    at('gateway'),
    ['--database', database.url, '--turn', turn.url, '--turn-secret-file', at('turn-secret'), '--jwt-secret-file', at('users-secret'),
      '--linger-secs', `${LINGER}`, '--pool', '--warm', '2', ...fleet],
    { env: { XDG_STATE_HOME: at('state') } },
  );
  ends.unshift(() => gateway.kill(), () => ctl('down', '--now', '--yes'));
  say(`gateway at ${gateway.ready.url}`);
  const ask = async (method, path) => {
    const answer = await fetch(`${gateway.ready.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${userToken(secret, 'operations', 'admin')}` },
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  };
  const connected = async () => (await ask('GET', '/workers')).filter((worker) => worker.connected).length;
  const servedBy = async (session) => (await ask('GET', '/sessions')).find((each) => each.session === session)?.worker;
  const open = (session) => tablet(ctl('open', session, '--no-qr', '--state', gateway.state).trim());

  const first = await open('hall-1');
  await first.picture();
  say('the first tablet sees hall-1');
  const second = await open('hall-2');
  await second.picture();
  const third = await open('hall-3');
  await third.picture();
  say('so do the second and the third, hall-2 and hall-3');
  const fourth = await open('hall-4');
  const place = await until('the fourth waits', () => fourth.place());
  say(`three workers are the most: the fourth waits at place ${place}`);
  await first.leave();
  await fourth.picture();
  say(`the first has left; after ${LINGER} s nobody wanted hall-1 back, and the fourth sees hall-4`);

  await second.leave();
  await until('hall-2 is over', async () => !(await servedBy('hall-2')));
  say('hall-2 is over, too');
  const victim = await servedBy('hall-3');
  const machine = JSON.parse(ctl('list', '--json')).workers.find((worker) => worker.name === victim);
  const killed = Date.now();
  process.kill(Number(machine.address.match(/\d+/)[0]), 'SIGKILL');
  const back = (await third.backAfter(killed)) - killed;
  say(`the worker of hall-3 is killed: its tablet is back after ${back} ms`);
  if (back > WITHIN) throw new Error(`${back} ms are too long`);
  await until('it is replaced', async () => (await connected()) === 3);
  say('and it is replaced');

  const drained = await servedBy('hall-4');
  const asked = Date.now();
  ctl('drain', drained, '--yes', '--no-wait');
  const moved = (await fourth.backAfter(asked)) - asked;
  const now = await until('the session has moved', async () => {
    const worker = await servedBy('hall-4');
    return worker !== drained && worker;
  });
  say(`the worker of hall-4 is drained: ${drained} to ${now}, its tablet is back after ${moved} ms`);
  if (moved > WITHIN) throw new Error(`${moved} ms are too long`);
  console.log(`\n$ rrctl list\n${ctl('list')}\n$ rrctl cost\n${ctl('cost')}`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await h.closeBrowser();
  for (const end of ends) {
    try {
      await end();
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
  }
  folder.remove();
}
