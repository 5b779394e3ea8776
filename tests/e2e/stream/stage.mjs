// The display that desktop streamers capture: Xvfb with one window that plays the pictures of a file.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './processes.mjs';

export const SIZE = { width: 1280, height: 720 };

export async function openStage(folder, pictures) {
  const program = join(folder, 'stage');
  const source = fileURLToPath(new URL('stage.c', import.meta.url));
  execFileSync('cc', ['-O2', '-o', program, source, '-lX11', '-lXext']);
  let number = 171;
  while (existsSync(`/tmp/.X11-unix/X${number}`) || existsSync(`/tmp/.X${number}-lock`)) number += 1;
  const display = `:${number}`;
  const server = start('Xvfb', [display, '-screen', '0', `${SIZE.width}x${SIZE.height}x24`, '-nolisten', 'tcp']);
  for (let i = 0; !existsSync(`/tmp/.X11-unix/X${number}`); i++) {
    if (i > 100) throw new Error(`Xvfb does not start:\n${server.log()}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  const window = start(program, [pictures, SIZE.width, SIZE.height], { env: { DISPLAY: display } });
  await window.line((line) => line === 'ready');
  return {
    display,
    /** Processes that show and hand out the picture, but do not stream it. */
    server: server.pid,
    play: (fps) => window.say(`play ${fps}`),
    /** Shows one picture and no other; how many were played before. */
    still: async (at) => {
      const answer = window.line((line) => line.startsWith('shown '));
      window.say(`still ${at}`);
      return Number((await answer).split(' ')[1]);
    },
    close: async () => {
      await window.stop();
      await server.stop();
    },
  };
}
