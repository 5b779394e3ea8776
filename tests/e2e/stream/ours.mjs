// Ours: rrhost, with the pictures of the file instead of those of its renderer, or drawing the scene itself.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, rrhost, sampleLine } from '../harness.mjs';
import { openLinkThread } from '../link_thread.mjs';
import { start } from './processes.mjs';

/** From one picture of the file to the next, in pixels of an orbit: the host turns by a quarter of a degree for each. */
const ORBIT_PX = (count) => (360 / count) * 4;

export async function openOurs({ folder, pictures, count, fps, link: shape, draws = false }) {
  mkdirSync(folder, { recursive: true });
  const link = await openLinkThread({ ...shape });
  // An empty workspace when the pictures come from the file. The flow along connections would never rest.
  const files = draws ? [sampleLine(folder)] : [];
  for (const file of files) {
    const workspace = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...workspace, connections: [] }));
  }
  const host = start(
    rrhost,
    ['--headless', '--listen', '127.0.0.1:0', '--fps', String(fps), '--size', '1280x720', '--advertise', link.address,
      '--config-dir', join(folder, 'config'), '--cache-dir', join(root, 'target/bench-stream/cache'), ...files],
    { env: { XDG_STATE_HOME: join(folder, 'state'), ...(draws ? {} : { RRHOST_PLAY_PICTURES: pictures }) } },
  );
  const ready = JSON.parse(await host.line((line) => line.startsWith('{'), 120_000));
  await link.connect(Number(new URL(ready.url).port));
  let turner;
  return {
    name: draws ? 'Remote Render, drawing' : 'Remote Render',
    version: `rrhost, ${ready.encoder.name}`,
    url: ready.url,
    link,
    pid: host.pid,
    prepare: async () => {},
    /** In the page: a press of the button there. */
    arm: (page) => page.evaluate(() => (window.benchPress = (x, y) => window.remoteRender.sendTestClick(x, y))),
    play: async (page) => {
      turner = page;
      await page.evaluate(
        ([px, ms]) => {
          // As many turns as are due, so that a late timer loses none.
          let next = performance.now();
          window.benchTurn = setInterval(() => {
            if (performance.now() < next) return;
            next += ms;
            window.remoteRender.sendCameraOrbit(px, 0);
          }, 4);
        },
        [ORBIT_PX(count), 1000 / fps],
      );
    },
    still: async () => turner?.evaluate(() => clearInterval(window.benchTurn)),
    /**
     * Of the threads of the process: which draw, which stream. llvmpipe's own queue has the program's name. The file is
     * read where the renderer would draw.
     */
    split: (threads) => {
      const drawing = Object.entries(threads).filter(([name]) => draws && /^(rr-render|llvmpipe|rrhost)/.test(name));
      return drawing.reduce((sum, [, ms]) => sum + ms, 0);
    },
    log: host.log,
    close: async () => {
      await host.stop();
      await link.close();
    },
  };
}
