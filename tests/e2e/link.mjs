// A network between host and browser: a relay for UDP with a rate, a queue, delay, jitter, losses and outages.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Small, repeatable random numbers, 0 to 1 (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Opens the relay. Tell the host to advertise `address`, then `connect` to its port. `shape` may be changed at any time:
 * `mbps` towards the browser (with `queueMs` of queue, drop-tail), and `delayMs`, `jitterMs` and `loss` both ways; `cut`.
 */
export async function openLink(shape, seed = 1) {
  const chance = random(seed);
  const front = createSocket('udp4');
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  const clients = new Map();
  const flights = [];
  const figures = { carried: [], waits: [], dropped: 0 };
  let freeAt = 0;
  let port = 0;
  let timer;

  const now = () => performance.now();
  const land = () => {
    timer = undefined;
    const at = now();
    while (flights.length && flights[0].at <= at) flights.shift().send();
    if (flights.length) timer = setTimeout(land, Math.max(0, flights[0].at - now()));
  };
  const fly = (at, send) => {
    if (shape.cut || chance() < (shape.loss ?? 0)) return;
    // Nothing overtakes.
    const last = flights.at(-1)?.at ?? 0;
    flights.push({ at: Math.max(last, at + (shape.delayMs ?? 0) + chance() * (shape.jitterMs ?? 0)), send });
    if (!timer) timer = setTimeout(land, Math.max(0, flights[0].at - now()));
  };
  const toBrowser = (bytes, { port: to, address }) => {
    let at = now();
    if (shape.mbps) {
      const begin = Math.max(at, freeAt);
      if (begin - at > (shape.queueMs ?? 300)) return void figures.dropped++;
      figures.waits.push([at, begin - at]);
      at = freeAt = begin + (bytes.length * 8) / (shape.mbps * 1000);
      figures.carried.push([at, bytes.length]);
    }
    fly(at, () => front.send(bytes, to, address));
  };
  front.on('message', (bytes, from) => {
    const key = `${from.address}:${from.port}`;
    let up = clients.get(key);
    if (!up) {
      // One socket for each browser, so that the host tells them apart.
      up = createSocket('udp4');
      up.on('message', (answer) => toBrowser(answer, from));
      up.bind(0, '127.0.0.1');
      clients.set(key, up);
    }
    fly(now(), () => up.send(bytes, port, '127.0.0.1'));
  });

  const between = (all, from, to) => all.filter(([at]) => at >= from && at < to);
  return {
    shape,
    address: `127.0.0.1:${front.address().port}`,
    connect: (hostPort) => (port = hostPort),
    /** Mbit/s that were carried to browsers between two moments of `performance.now`. */
    carried: (from, to) => (between(figures.carried, from, to).reduce((sum, [, bytes]) => sum + bytes, 0) * 8) / (to - from) / 1000,
    /** 95 % of packets waited no longer than this, ms. */
    queueP95: (from, to) => {
      const waits = between(figures.waits, from, to).map(([, wait]) => wait).sort((a, b) => a - b);
      return waits[Math.floor(waits.length * 0.95)] ?? 0;
    },
    dropped: () => figures.dropped,
    close: () => {
      clearTimeout(timer);
      front.close();
      for (const up of clients.values()) up.close();
    },
  };
}
