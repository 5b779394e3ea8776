// Takes pictures of the built page with a stand-in host: `node tools/look.mjs [folder]`. For people who work on the page.
// Needs Chromium and the packages of tests/e2e.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const { chromium } = createRequire(join(root, 'tests/e2e/package.json'))('playwright-core');
const out = process.argv[2] ?? join(root, 'tests/out/look');
const only = process.argv[3];
mkdirSync(out, { recursive: true });

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json' };
// As strict as the host's own.
const policy = "default-src 'self'; media-src 'self' blob: mediastream:; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'";
const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, 'http://x').pathname).replace(/\/$/, '/index.html');
  try {
    const body = readFileSync(join(here, '../dist', path));
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': policy });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({
  executablePath: execFileSync(join(root, 'tools/chromium.sh'), { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const desktop = { viewport: { width: 1440, height: 860 } };
const tablet = { viewport: { width: 1024, height: 768 }, hasTouch: true, isMobile: true };
const upright = { viewport: { width: 820, height: 1180 }, hasTouch: true, isMobile: true };
const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };

async function look(name, { device = desktop, colorScheme = 'dark', host = {}, hash = '#token', live = true, contrast, act } = {}) {
  if (only && !name.includes(only)) return;
  const context = await browser.newContext({ ...device, colorScheme, ...(contrast && { contrast }) });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(name, String(error)));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.error(name, message.text()));
  await page.addInitScript(`globalThis.standInHost = ${JSON.stringify(host)}`);
  await page.addInitScript({ path: join(here, 'stand_in_host.js') });
  await page.goto(base + hash);
  if (live) {
    await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0 && window.remoteRender?.state);
    await page.waitForTimeout(1300);
  }
  await act?.(page);
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await context.close();
  console.log(join(out, `${name}.png`));
}

const at = (page, id) => page.evaluate((id) => {
  const { x, y } = window.remoteRender.projectDevice(id);
  const v = document.querySelector('video');
  const b = v.getBoundingClientRect();
  const s = Math.min(b.width / 1280, b.height / 720);
  return [b.left + (b.width - 1280 * s) / 2 + x * 1280 * s, b.top + (b.height - 720 * s) / 2 + y * 720 * s];
}, id);
const click = async (page, id, options) => page.mouse.click(...(await at(page, id)), options);

await look('desktop-dark');
await look('desktop-dark-panels', {
  act: async (page) => {
    await click(page, 'robot-1');
    for (const key of ['d', 'i', 'l']) await page.keyboard.press(key);
    await page.waitForTimeout(1500);
  },
});
await look('desktop-light-panels', {
  colorScheme: 'light',
  act: async (page) => {
    await click(page, 'cell-1');
    for (const key of ['d', 'i']) await page.keyboard.press(key);
  },
});
await look('desktop-people', { act: (page) => page.getByRole('button', { name: /People/ }).click() });
await look('desktop-connect', {
  act: async (page) => {
    await click(page, 'cell-1');
    await page.waitForTimeout(300);
    await page.keyboard.press('c');
  },
});
const measure = async (page) => {
  await page.keyboard.press('m');
  await page.mouse.click(700, 400);
  await page.mouse.click(760, 420);
  await page.waitForTimeout(400);
  await page.mouse.click(800, 420);
};
await look('desktop-section', { act: (page) => page.keyboard.press('x') });
await look('desktop-measure', { colorScheme: 'light', act: measure });
await look('phone-section', { device: phone, act: (page) => page.keyboard.press('x') });
await look('tablet-measure', { device: tablet, act: measure });
await look('desktop-figures', { act: (page) => page.keyboard.press('l').then(() => page.waitForTimeout(600)) });
await look('phone-figures', { device: phone, colorScheme: 'light', act: (page) => page.keyboard.press('l').then(() => page.waitForTimeout(600)) });
await look('desktop-help', { act: (page) => page.keyboard.press('?') });
await look('desktop-context', { act: (page) => at(page, 'robot-2').then(([x, y]) => page.mouse.click(x, y, { button: 'right' })) });
await look('desktop-viewer', {
  host: { role: 'viewer', presenter: 1 },
  act: async (page) => {
    await click(page, 'cell-1');
    await page.keyboard.press('i');
    await page.keyboard.press('ArrowLeft');
  },
});
await look('desktop-views-menu', { colorScheme: 'light', act: (page) => page.getByRole('button', { name: 'All views' }).click() });
await look('desktop-waiting', { host: { unreachable: true }, live: false, act: (page) => page.waitForTimeout(1500) });
await look('desktop-reconnecting', {
  act: async (page) => {
    await page.evaluate(() => {
      standIn.options.unreachable = true;
      standInSocket.pc.close();
    });
    await page.waitForTimeout(4000);
  },
});
await look('desktop-expired', { host: { refuse: { code: 'unauthorized', message: 'the link expired at 12:00' } }, live: false, act: (page) => page.waitForTimeout(900) });
await look('desktop-empty', { host: { empty: true } });
await look('desktop-contrast', { contrast: 'more', act: (page) => page.keyboard.press('d') });
await look('desktop-many', { host: { many: 1200 }, act: (page) => page.keyboard.press('d') });
await look('login-light', { colorScheme: 'light', hash: '', live: false });
await look('tablet-dark', { device: tablet, act: async (page) => page.touchscreen.tap(...(await at(page, 'cell-2'))) });
await look('tablet-upright-light', {
  device: upright,
  colorScheme: 'light',
  act: async (page) => {
    await page.touchscreen.tap(...(await at(page, 'robot-1')));
    await page.waitForTimeout(300);
    await page.getByRole('button', { name: 'Details' }).click();
  },
});
await look('phone-dark', { device: phone, act: async (page) => page.touchscreen.tap(...(await at(page, 'cell-1'))) });
await look('phone-list', { device: phone, act: (page) => page.getByRole('button', { name: 'Devices' }).click() });
await browser.close();
server.close();
