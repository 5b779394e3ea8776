// The relays of link.mjs and tcp_link.mjs on a thread of their own: what else a test reckons must not hold packets up.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

if (!isMainThread && parentPort && workerData?.link) {
  const { kind, shape, seed } = workerData.link;
  const open = kind === 'tcp' ? (await import('./tcp_link.mjs')).openTcpLink : (await import('./link.mjs')).openLink;
  const link = await open(shape, seed);
  const calls = {
    connect: (port) => link.connect(port),
    shape: (change) => void Object.assign(link.shape, change),
    carried: (ms) => link.carried(performance.now() - ms, performance.now()),
    queueP95: (ms) => link.queueP95(performance.now() - ms, performance.now()),
    dropped: () => link.dropped(),
    close: () => link.close(),
  };
  parentPort.on('message', ({ id, name, argument }) => {
    parentPort.postMessage({ id, answer: calls[name](argument) });
    if (name === 'close') parentPort.close();
  });
  parentPort.postMessage({ address: link.address });
}

/** Opens a relay; `kind` is `udp` or `tcp`. `carried` (Mbit/s) and `queueP95` (ms) are those of the last so many ms. */
export async function openLinkThread(shape, { kind = 'udp', seed = 1 } = {}) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { link: { kind, shape, seed } } });
  const [{ address }] = await once(worker, 'message');
  const waiting = new Map();
  let calls = 0;
  worker.on('message', ({ id, answer }) => {
    waiting.get(id)(answer);
    waiting.delete(id);
  });
  const ask = (name, argument) =>
    new Promise((done) => {
      waiting.set(++calls, done);
      worker.postMessage({ id: calls, name, argument });
    });
  return {
    address,
    port: Number(address.split(':')[1]),
    connect: (port) => ask('connect', port),
    shape: (change) => ask('shape', change),
    carried: (ms) => ask('carried', ms),
    queueP95: (ms) => ask('queueP95', ms),
    dropped: () => ask('dropped'),
    close: async () => {
      await ask('close');
      await worker.terminate();
    },
  };
}
