// Selkies, of its package on PyPI, capturing the stage: `websockets` (its default) or `webrtc`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLinkThread } from '../link_thread.mjs';
import { start } from './processes.mjs';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

export async function openSelkies({ folder, python, stage, kbps, fps, mode, link: shape }) {
  mkdirSync(join(folder, 'home'), { recursive: true });
  // No servers of others are asked for addresses.
  const ice = join(folder, 'ice.json');
  writeFileSync(ice, JSON.stringify({ lifetimeDuration: '86400s', blockStatus: 'NOT_BLOCKED', iceTransportPolicy: 'all', iceServers: [] }));
  const [port, media] = [await freePort(), await freePort()];
  const host = start(
    python,
    [fileURLToPath(new URL('selkies_loopback.py', import.meta.url)), '--addr', '127.0.0.1', '--port', String(port), '--mode', mode,
      '--enable-basic-auth=false', '--audio-enabled=false', '--microphone-enabled=false', '--gamepad-enabled=false',
      '--printing-enabled=false', '--encoder', 'h264enc', '--use-cpu=true', '--rate-control-mode', 'cbr',
      '--framerate', `${fps}-${fps}`, '--video-bitrate', `${kbps}-${kbps}`,
      '--manual-width', '1280', '--manual-height', '720', '--enable-resize=false',
      '--webrtc-udp-mux-port', String(media), '--rtc-config-json', ice],
    { env: { DISPLAY: stage.display, HOME: join(folder, 'home'), XDG_RUNTIME_DIR: join(folder, 'home') }, cwd: folder },
  );
  const direct = `http://127.0.0.1:${port}/`;
  for (let i = 0; ; i++) {
    const answers = await fetch(direct).then((response) => response.ok, () => false);
    if (answers) break;
    if (i > 150) throw new Error(`Selkies does not answer:\n${host.log()}`);
    await new Promise((done) => setTimeout(done, 200));
  }
  const over = mode === 'webrtc' ? 'udp' : 'tcp';
  const link = await openLinkThread({ ...shape }, { kind: over });
  await link.connect(over === 'udp' ? media : port);
  // Over WebSockets the page comes the same way as the pictures.
  const url = over === 'udp' ? direct : `http://${link.address}/`;
  return {
    name: `Selkies, ${mode === 'webrtc' ? 'WebRTC' : 'WebSocket'}`,
    version: 'Selkies',
    url,
    /** Others than the first may look only. */
    sharedUrl: `${url}#shared`,
    link,
    relay: over === 'udp' ? link.port : null,
    pid: host.pid,
    /** It keeps a display for 3 s for who may come back. */
    settleMs: 4_000,
    prepare: async () => {},
    arm: (page) =>
      page.evaluate(() => {
        // As the browser would tell of a real mouse, without the detour of a remote control.
        window.benchPress = (x, y) => {
          const at = { clientX: x * innerWidth, clientY: y * innerHeight, bubbles: true, cancelable: true, composed: true };
          const target = document.elementFromPoint(at.clientX, at.clientY);
          const send = (Kind, type, more) => target.dispatchEvent(new Kind(type, { ...at, ...more }));
          const mouse = { pointerType: 'mouse', pointerId: 1, isPrimary: true };
          send(PointerEvent, 'pointermove', { ...mouse, button: -1 });
          send(MouseEvent, 'mousemove', {});
          send(PointerEvent, 'pointerdown', { ...mouse, button: 0, buttons: 1 });
          send(MouseEvent, 'mousedown', { button: 0, buttons: 1 });
          send(PointerEvent, 'pointerup', { ...mouse, button: 0, buttons: 0 });
          send(MouseEvent, 'mouseup', { button: 0, buttons: 0 });
        };
      }),
    play: () => stage.play(fps),
    still: () => stage.still(0),
    split: () => 0,
    log: host.log,
    close: async () => {
      await host.stop();
      await link.close();
    },
  };
}
