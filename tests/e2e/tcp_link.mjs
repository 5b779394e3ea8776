// The same network as link.mjs for a TCP connection: a rate towards the browser and a delay both ways. What exceeds the
// rate waits in the sender's own buffers, as it would on a real path; nothing is lost.
import { createServer, connect as connectTo } from 'node:net';
import { once } from 'node:events';

/** Bytes that may be under way in the relay before the sender is held up: a short router queue. */
const UNDER_WAY = 64 * 1024;

export async function openTcpLink(shape) {
  let port = 0;
  const sockets = new Set();
  const carried = [];
  const now = () => performance.now();
  let freeAt = 0;

  // Pieces leave one after the other, as fast as the rate allows, and arrive after the delay. None overtakes.
  const pump = (from, to, shaped) => {
    const flights = [];
    let [inside, timer] = [0, undefined];
    const land = () => {
      timer = undefined;
      while (flights.length && flights[0].at <= now()) {
        const { bytes } = flights.shift();
        inside -= bytes.length;
        if (!to.destroyed) to.write(bytes);
      }
      if (inside <= UNDER_WAY && from.isPaused()) from.resume();
      if (flights.length) timer = setTimeout(land, Math.max(0, flights[0].at - now()));
    };
    from.on('data', (bytes) => {
      let at = now();
      if (shaped && shape.mbps) {
        at = freeAt = Math.max(at, freeAt) + (bytes.length * 8) / (shape.mbps * 1000);
        carried.push([at, bytes.length]);
      }
      flights.push({ at: Math.max(flights.at(-1)?.at ?? 0, at + (shape.delayMs ?? 0)), bytes });
      inside += bytes.length;
      if (inside > UNDER_WAY) from.pause();
      timer ??= setTimeout(land, Math.max(0, flights[0].at - now()));
    });
    from.on('close', () => setTimeout(() => to.destroy(), shape.delayMs ?? 0));
    from.on('error', () => to.destroy());
  };
  const server = createServer((browser) => {
    const host = connectTo(port, '127.0.0.1');
    for (const socket of [browser, host]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pump(host, browser, true);
    pump(browser, host, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    shape,
    address: `127.0.0.1:${server.address().port}`,
    connect: (hostPort) => void (port = hostPort),
    carried: (from, to) =>
      (carried.filter(([at]) => at >= from && at < to).reduce((sum, [, bytes]) => sum + bytes, 0) * 8) / (to - from) / 1000,
    queueP95: () => 0,
    dropped: () => 0,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
