// Figures of the whole path, measured in Chromium: start, frame rate in motion, input to changed pixel.
// usage: node bench.mjs [--probes N] [--size WxH]
import * as h from './harness.mjs';
import { latencies } from './stream/watch.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const probes = Number(option('--probes', 60));
const sizes = option('--size', '1280x720,1920x1080').split(',');

/** The value that `share` of the sorted values do not pass. */
const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
};

/** Milliseconds from opening the page to the first frame on it. */
async function firstFrame(url) {
  const { page, context } = await h.openViewer('about:blank');
  await page.addInitScript(() => {
    const look = () => {
      const video = document.querySelector('video');
      if (!video) return requestAnimationFrame(look);
      video.requestVideoFrameCallback((now) => (window.firstFrameAt = now));
    };
    look();
  });
  await page.goto(url);
  await page.waitForFunction(() => window.firstFrameAt, undefined, { timeout: 30_000 });
  const ms = await page.evaluate(() => window.firstFrameAt);
  await context.close();
  return ms;
}

/** Frames per second that are decoded while the camera turns without a pause. */
async function motion(page, seconds = 6) {
  return page.evaluate(async (seconds) => {
    const video = document.querySelector('video');
    const client = window.remoteRender;
    const turn = setInterval(() => client.sendCameraOrbit(4, 0), 16);
    await new Promise((done) => setTimeout(done, 1500));
    const [frames, start] = [video.getVideoPlaybackQuality().totalVideoFrames, performance.now()];
    await new Promise((done) => setTimeout(done, seconds * 1000));
    const fps = (video.getVideoPlaybackQuality().totalVideoFrames - frames) / ((performance.now() - start) / 1000);
    clearInterval(turn);
    return fps;
  }, seconds);
}

for (const size of sizes) {
  const folder = h.temporaryFolder();
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path), '--size', size, '--fps', '60']);
  try {
    const starts = [];
    for (let i = 0; i < 5; i++) starts.push(await firstFrame(host.ready.url));
    const { page, context } = await h.openViewer(host.ready.url);
    await h.waitForPicture(page);
    const fps = await motion(page);
    await page.waitForTimeout(1000);
    await page.evaluate(() => (window.benchPress = (x, y) => window.remoteRender.sendTestClick(x, y)));
    const all = await latencies(page, probes);
    const lost = all.filter(Number.isNaN).length;
    const ms = all.filter((v) => !Number.isNaN(v));
    const stats = await page.evaluate(() => structuredClone(window.remoteRender.stats));
    console.log(`${size}, ${host.ready.devices} devices, ${host.ready.adapter.name}`);
    console.log(`  link to first frame    ${starts.map((v) => v.toFixed(0)).join(' ')} ms, median ${quantile(starts, 0.5).toFixed(0)} ms`);
    console.log(`  frames in motion       ${fps.toFixed(1)} fps`);
    console.log(
      `  input to changed pixel P50 ${quantile(ms, 0.5).toFixed(0)} ms, P95 ${quantile(ms, 0.95).toFixed(0)} ms, ` +
        `P99 ${quantile(ms, 0.99).toFixed(0)} ms over ${ms.length} probes, ${lost} lost`,
    );
    console.log(`  viewer                 ${JSON.stringify(stats)}`);
    await context.close();
  } finally {
    await host.kill();
    await h.closeBrowser();
    folder.remove();
  }
}
