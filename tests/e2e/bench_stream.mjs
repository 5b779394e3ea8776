// `make bench-stream`: ours, GStreamer's webrtcbin with x264 and Selkies side by side, in one run, with the same pictures,
// size, rate and link, in headless Chromium. Method and figures: docs/benchmarks.md.
// usage: node bench_stream.mjs [--quick] [--only NAME,...] [--kbps N]
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root, temporaryFolder } from './harness.mjs';
import { decodedLuma } from './luma.mjs';
import { openGStreamer } from './stream/gstreamer.mjs';
import { openOurs } from './stream/ours.mjs';
import { processorTime, used } from './stream/processes.mjs';
import { References } from './stream/references.mjs';
import { openSelkies } from './stream/selkies.mjs';
import { openStage } from './stream/stage.mjs';
import { table } from './stream/table.mjs';
import * as watch from './stream/watch.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const quick = process.argv.includes('--quick') || process.env.QUICK === '1';
const kbps = Number(option('--kbps', 8000));
const only = option('--only', '').split(',').filter(Boolean);
const FPS = 30;
/** A wide link of a building; the delay is that of one way. */
const LINK = { mbps: 20, delayMs: 15, queueMs: 300 };
/** As good as none: for what does not depend on the network. */
const FREE = { mbps: 1000, delayMs: 0 };
const N = quick
  ? { starts: 2, probes: 12, settle: 3, window: 5, samples: 6, rest: 4, viewers: 3 }
  : { starts: 5, probes: 60, settle: 6, window: 12, samples: 16, rest: 10, viewers: 4 };

/** Viewers that are there for their number: what their browser paints is not what is measured. */
const SMALL = { width: 320, height: 180 };

const out = join(root, 'target/bench-stream');
const pictures = join(out, 'pictures.rgba');
const python = join(out, 'selkies/bin/python');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const quantile = (values, share) => {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] : NaN;
};

let browser;
async function openPage(system, url, viewport = { width: 1280, height: 720 }) {
  const context = await browser.newContext({ viewport, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.addInitScript(watch.watchPage);
  if (system.relay) await page.addInitScript(watch.throughRelay, system.relay);
  await page.goto(url);
  const first = await watch.waitForFrame(page);
  return { page, context, first };
}

/** Processor time of the streaming host, and of the X server that hands it the pictures, over so many seconds. */
async function processor(system, stage, page, seconds) {
  const [host, server, frames] = [processorTime(system.pid), processorTime(stage.server), await watch.shown(page)];
  const begin = performance.now();
  await pause(seconds * 1000);
  const ms = performance.now() - begin;
  const shown = (await watch.shown(page)) - frames;
  const { total, threads } = used(host, processorTime(system.pid));
  return { ms, shown, total, drawing: system.split(threads), server: used(server, processorTime(stage.server)).total, threads };
}

/** What the X server takes for the window alone, ms a second. */
async function serverAlone(stage) {
  stage.play(FPS);
  await pause(1_000);
  const before = processorTime(stage.server);
  await pause(4_000);
  const { total } = used(before, processorTime(stage.server));
  await stage.still(0);
  return total / 4;
}

async function measure(open, stage, references, idleServer) {
  const folder = temporaryFolder();
  const system = await open(folder.path);
  const figures = { name: system.name, version: system.version };
  console.error(`${system.name} ...`);
  const step = (name, value) => console.error(`  ${name}: ${JSON.stringify(value)}`);
  try {
    // Start: on a link without any delay, each in a new browser context.
    figures.starts = [];
    for (let i = 0; i < N.starts; i++) {
      await system.prepare();
      const { context, first } = await openPage(system, system.url);
      figures.starts.push(first);
      await context.close();
      system.leave?.();
      await pause(system.settleMs ?? 1_500);
    }
    figures.startMs = quantile(figures.starts, 0.5);
    step('first frame, ms', figures.starts);

    await system.prepare();
    const { page, context } = await openPage(system, system.url);
    figures.codec = await watch.codec(page);
    await system.link.shape(LINK);
    await pause(2_000);
    // A press while the picture rests.
    await system.arm(page);
    await pause(2_000);
    const probes = await watch.latencies(page, N.probes);
    figures.lost = probes.filter(Number.isNaN).length;
    Object.assign(figures, { latencyP50: quantile(probes, 0.5), latencyP95: quantile(probes, 0.95), latencies: probes });
    step('press to pixel, ms', [figures.latencyP50, figures.latencyP95, figures.lost]);

    // Motion, one viewer.
    await system.play(page);
    await pause(N.settle * 1000);
    const one = await processor(system, stage, page, N.window);
    const scale = one.ms / 1000;
    Object.assign(figures, {
      fps: one.shown / scale,
      mbps: await system.link.carried(one.ms),
      cpuPerFrame: one.total / one.shown,
      cpuDrawing: one.drawing / one.shown,
      cpuStreaming: (one.total - one.drawing) / one.shown,
      cpuServer: system.split === undefined || system.draws ? 0 : Math.max(0, one.server - idleServer * scale) / one.shown,
      threads: one.threads,
    });
    if (!(figures.mbps > 0.1)) throw new Error(`${system.name} does not come through the link`);
    step('motion', [figures.fps, figures.mbps, figures.cpuPerFrame, figures.cpuStreaming, figures.cpuServer]);

    // The same motion, looked at.
    const motion = [];
    for (let i = 0; i < N.samples && references; i++) {
      const decoded = await decodedLuma(page);
      motion.push(references.likeness(decoded));
      await pause(200);
    }
    figures.motionDb = references && quantile(motion.map((m) => m.db), 0.5);
    figures.motionDbLeast = references && Math.min(...motion.map((m) => m.db));
    figures.fullSize = references && motion.filter((m) => m.full).length / motion.length;
    step('motion, dB', motion.map((m) => m.db));

    // Rest.
    await system.still();
    const stopped = performance.now();
    let db = 0;
    figures.sharpMs = null;
    while (performance.now() - stopped < (quick ? 6_000 : 12_000)) {
      await pause(250);
      if (!references) continue;
      db = references.likeness(await decodedLuma(page)).db;
      if (db > 48 && figures.sharpMs === null) figures.sharpMs = performance.now() - stopped;
    }
    figures.restDb = references && db;
    const rest = processorTime(system.pid);
    await pause(N.rest * 1000);
    figures.restBytes = (await system.link.carried(N.rest * 1000)) * 125_000;
    figures.restCpu = used(rest, processorTime(system.pid)).total / N.rest;
    step('rest', [figures.restDb, figures.sharpMs, figures.restBytes, figures.restCpu]);

    // More viewers of the same. Some systems have a link for each of them, others one for all: each has its 20 Mbit/s.
    await system.link.shape({ ...LINK, mbps: LINK.mbps * N.viewers });
    const others = [];
    for (let i = 1; i < N.viewers; i++) others.push(await openPage(system, system.sharedUrl ?? system.url, SMALL));
    await system.play(page);
    await pause(N.settle * 1000);
    const many = await processor(system, stage, page, N.window);
    // By the picture, so that a machine that shows fewer of them to many does not seem to work less.
    const perFrame = (m) => (m.total - m.drawing) / m.shown;
    figures.viewers = N.viewers;
    figures.cpuPerViewer = ((perFrame(many) - perFrame(one)) * FPS) / (N.viewers - 1);
    figures.fpsMany = many.shown / (many.ms / 1000);
    step('per added viewer, ms a second', [figures.cpuPerViewer, figures.fpsMany]);
    await system.still();
    for (const other of others) await other.context.close();
    await context.close();
  } catch (error) {
    figures.error = String(error.message ?? error).split('\n')[0];
    console.error(error, system.log().slice(-3000));
  } finally {
    await system.close();
    folder.remove();
  }
  return figures;
}

mkdirSync(out, { recursive: true });
const executablePath = execFileSync(join(root, 'tools/chromium.sh'), { encoding: 'utf8' }).trim();
browser = await chromium.launch({
  executablePath,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
    // Viewers that are not in front count like those that are.
    '--disable-renderer-backgrounding', '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows'],
});
const stage = await openStage(out, pictures);
const references = new References(pictures);
const common = { pictures, count: references.count, fps: FPS, kbps, link: FREE, stage, python };
const systems = {
  ours: (folder) => openOurs({ ...common, folder }),
  drawing: (folder) => openOurs({ ...common, folder, draws: true }),
  gstreamer: () => openGStreamer(common),
  'gstreamer-main': () => openGStreamer({ ...common, preset: 'veryfast', profile: 'main' }),
  'selkies-websocket': (folder) => openSelkies({ ...common, folder, mode: 'websockets' }),
  'selkies-webrtc': (folder) => openSelkies({ ...common, folder, mode: 'webrtc' }),
};
const results = [];
const version = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];
try {
  const idleServer = await serverAlone(stage);
  for (const [name, open] of Object.entries(systems)) {
    if (only.length && !only.includes(name)) continue;
    results.push({ id: name, ...(await measure(open, stage, name === 'drawing' ? null : references, idleServer)) });
  }
  const about = {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} x ${cpus()[0].model.trim()}`,
    chromium: browser.version(),
    selkies: version(python, '-c', "from importlib.metadata import version as v; print('Selkies', v('selkies'), 'pixelflux', v('pixelflux'))"),
    gstreamer: version('gst-launch-1.0', '--version'),
    x264: version('dpkg-query', '-W', '-f', '${Package} ${Version}', 'gstreamer1.0-plugins-ugly'),
    kbps, fps: FPS, link: LINK, quick, idleServer,
  };
  writeFileSync(join(out, 'figures.json'), JSON.stringify({ about, results }, undefined, 1));
  console.log(table(about, results));
} finally {
  await browser.close();
  await stage.close();
}
process.exitCode = results.some((r) => r.error) ? 1 : 0;
