// What every end-to-end test needs: a host process, a browser, and ways to look at the picture.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');
export const rrhost = process.env.RR_HOST ?? join(root, 'target/debug/rrhost');
export const output = join(root, 'tests/out');
mkdirSync(output, { recursive: true });

export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'rr-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A copy of the sample line that a test may change. */
export function sampleLine(folder) {
  cpSync(join(root, 'samples/models'), join(folder, 'models'), { recursive: true });
  cpSync(join(root, 'samples/production-line.rrws.json'), join(folder, 'line.rrws.json'));
  return join(folder, 'line.rrws.json');
}

/**
 * Starts `rrhost --headless` and waits for its ready line. Settings and keys live in `folder`. `apart`: it keeps to one
 * processor and goes after everything else there, so that the browser has nearly a machine of its own, as in life.
 */
export async function startHost(folder, args = [], { listen = '127.0.0.1:0', env = {}, apart = false } = {}) {
  const child = spawn(
    'nice',
    [...(apart ? ['-n', '10', 'taskset', '-c', firstProcessor()] : ['-n', '0']), rrhost, '--headless', '--listen', listen, '--config-dir', join(folder, 'config'), '--cache-dir', join(folder, 'cache'), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, XDG_STATE_HOME: join(folder, 'state'), ...env } },
  );
  return begun(child, 'rrhost');
}

/** What `child` says in its first line, JSON, when it is ready; its log, its end, and a way to end it. */
export async function begun(child, name) {
  let log = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text) => (log += text));
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const ready = await new Promise((done, fail) => {
    let line = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text) => {
      line += text;
      if (line.includes('\n')) done(JSON.parse(line.slice(0, line.indexOf('\n'))));
    });
    exited.then(({ code, signal }) => fail(new Error(`${name} ended with ${code ?? signal} before it was ready:\n${log}`)));
  });
  return { ready, pid: child.pid, exited, log: () => log, kill: (signal = 'SIGTERM') => (child.kill(signal), exited) };
}

function firstProcessor() {
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
}

/** A Chromium of its own, for tests that need it with other arguments. */
export async function launchBrowser(args = []) {
  const executablePath = execFileSync(join(root, 'tools/chromium.sh'), { encoding: 'utf8' }).trim();
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
      // A page that comes from a folder is no page of this machine to the browser, and the host would be out of its reach.
      ...(process.env.RR_VIEWER_DIST ? ['--disable-features=LocalNetworkAccessChecks'] : []),
    ],
  });
}

let browser;

/** One Chromium for all tests of a file; pages are isolated by contexts. */
export async function openBrowser() {
  browser ??= await launchBrowser();
  return browser;
}

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

/** A page that follows a share link. Errors of the page are collected. `prepare` gets the page before it is loaded. */
export async function openViewer(url, { browser = null, prepare = async () => {}, ...options } = {}) {
  const context = await (browser ?? (await openBrowser())).newContext({
    viewport: { width: 1280, height: 720 },
    ignoreHTTPSErrors: true,
    ...options,
  });
  if (process.env.RR_VIEWER_DIST) await servePage(context, process.env.RR_VIEWER_DIST);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await prepare(page);
  await page.goto(url);
  return { page, context, errors };
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** The page from a folder instead of the one within the host: for work on the page, without building the host anew. */
async function servePage(context, folder) {
  await context.route(/^http:[^#]*?(\/|\/assets\/[^/]*)(#.*)?$/, (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = join(folder, path === '/' ? 'index.html' : path);
    return route.fulfill({ body: readFileSync(file), contentType: TYPES[extname(file)] ?? 'application/octet-stream' });
  });
}

/** Waits until the client is connected, knows the state and decodes pictures. */
export async function waitForPicture(page, timeout = 20_000) {
  await page.waitForFunction(
    () => {
      const video = document.querySelector('video');
      return video && video.videoWidth > 0 && video.currentTime > 0 && window.remoteRender?.state?.devices;
    },
    undefined,
    { timeout },
  );
}

/** State as the page's client has it. */
export const state = (page) => page.evaluate(() => structuredClone(window.remoteRender.state));

/** Waits until a condition on the client's state holds. */
export async function waitForState(page, condition, argument, timeout = 10_000) {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    last = await page.evaluate(() => window.remoteRender?.state && structuredClone(window.remoteRender.state));
    if (last && condition(last, argument)) return last;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the state did not come to ${condition}: ${JSON.stringify(last)?.slice(0, 2000)}`);
}

/** The decoded picture as small RGBA samples: an array of `columns` x `rows` colours. */
export async function samplePicture(page, columns = 64, rows = 36) {
  return page.evaluate(
    ([columns, rows]) => {
      const video = document.querySelector('video');
      const canvas = document.createElement('canvas');
      canvas.width = columns;
      canvas.height = rows;
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.drawImage(video, 0, 0, columns, rows);
      return Array.from(context.getImageData(0, 0, columns, rows).data);
    },
    [columns, rows],
  );
}

/** Mean absolute difference of two samples, 0 to 255. */
export function difference(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

/** Samples until the picture differs from `before` by more than `threshold`. */
export async function waitForChange(page, before, threshold = 1, { columns = 64, rows = 36, timeout = 10_000 } = {}) {
  const end = Date.now() + timeout;
  let most = 0;
  while (Date.now() < end) {
    const now = await samplePicture(page, columns, rows);
    most = Math.max(most, difference(before, now));
    if (most > threshold) return most;
    await page.waitForTimeout(50);
  }
  throw new Error(`the picture changed by ${most.toFixed(2)} at most, not by ${threshold}`);
}

/** Where a device is on the page, in CSS pixels. */
export async function deviceOnPage(page, id) {
  return page.evaluate((id) => {
    const at = window.remoteRender.projectDevice(id);
    if (!at) return null;
    const video = document.querySelector('video');
    const box = video.getBoundingClientRect();
    const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    return {
      x: box.left + (box.width - width) / 2 + at.x * width,
      y: box.top + (box.height - height) / 2 + at.y * height,
    };
  }, id);
}
