import * as h from './harness.mjs';
import { openLink } from './link.mjs';
import { writeFileSync } from 'node:fs';
const modes = (process.argv[2] ?? 'flat,floor,scene').split(',');
const folder = h.temporaryFolder();
const link = await openLink({ delayMs: 50 });
const host = await h.startHost(folder.path, [h.sampleLine(folder.path), '--advertise', link.address]);
link.connect(Number(new URL(host.ready.url).port));
const { page, context, errors } = await h.openViewer(host.ready.url);
await h.waitForPicture(page);
await page.waitForFunction(() => window.remoteRender.echo.ready, undefined, { timeout: 10000 }).catch(() => console.log('not ready'));
await page.waitForTimeout(2000);
const shots = await page.evaluate(async (modes) => {
  const c = window.remoteRender;
  const video = document.querySelector('video'), canvas = document.querySelector('canvas.echo');
  const [W, H] = [640, 360];
  const grab = (of) => { const k = document.createElement('canvas'); k.width = W; k.height = H; const x = k.getContext('2d'); x.drawImage(of, 0, 0, W, H); return k; };
  const data = (k) => k.getContext('2d').getImageData(0, 0, W, H).data;
  const pause = (ms) => new Promise((d) => setTimeout(d, ms));
  const psnr = (a, b) => { let s = 0; [a, b] = [data(a), data(b)]; for (let i = 0; i < a.length; i += 4) for (let k = 0; k < 3; k++) s += (a[i + k] - b[i + k]) ** 2; return 10 * Math.log10(255 * 255 / (s / (a.length * 0.75))); };
  const out = [];
  const moves = [['orbit', 16, 0], ['orbit', 48, 0], ['orbit', 96, 0], ['orbit', 0, 40], ['pan', 40, 20], ['zoom', 150]];
  let told = [];
  const t = c.echo.told.bind(c.echo);
  c.echo.told = (p) => { told.push(p); t(p); };
  for (const mode of modes) for (const [kind, x, y] of moves) for (const sign of [1, -1]) {
    globalThis.rrDepth = mode;
    await pause(1500);
    told = [];
    const stale = grab(video);
    let warped, ms;
    const t0 = performance.now();
    const stop = c.echo.onDrawn(() => { if (!warped) { warped = grab(canvas); ms = performance.now() - t0; } });
    const seqBefore = c.stamper.seq;
    if (kind === 'orbit') c.sendCameraOrbit(x * sign, y * sign); else if (kind === 'pan') c.sendCameraPan(x * sign, y * sign); else c.sendCameraZoom(x * sign);
    const truth = await new Promise((done) => {
      const limit = setTimeout(() => done(null), 3000);
      const look = (_, m) => {
        const p = told.find((p) => p.rtpTimestamp === m.rtpTimestamp);
        if (p && p.seq > seqBefore) { clearTimeout(limit); done([grab(video), performance.now() - t0]); } else video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
    });
    stop();
    if (!warped || !truth) { out.push({ mode, kind, x, y, none: [!!warped, !!truth] }); continue; }
    out.push({ mode, move: [kind, x * sign, y * sign].join(' '), ms, msTrue: truth[1], stale: psnr(stale, truth[0]), warped: psnr(warped, truth[0]), pics: sign > 0 ? [stale, warped, truth[0]].map((k) => k.toDataURL('image/png')) : null });
  }
  return out;
}, modes);
for (const [i, s] of shots.entries()) { s.pics?.forEach((p, k) => writeFileSync(`/tmp/hB/shot-${s.mode}-${i}-${k}.png`, Buffer.from(p.split(',')[1], 'base64'))); delete s.pics; console.log(s.mode, s.move ?? JSON.stringify(s), s.ms?.toFixed(0), s.msTrue?.toFixed(0), 'stale', s.stale?.toFixed(2), 'warped', s.warped?.toFixed(2)); }
console.log(errors);
await context.close(); await host.kill(); await h.closeBrowser(); link.close(); folder.remove();
