// A real TURN server (coturn) for tests, with a secret for time-limited credentials.
import { spawn, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';

/** Whether coturn is installed (`tools/install.sh test`). */
export function turnInstalled() {
  try {
    execFileSync('sh', ['-c', 'command -v turnserver'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** User name and password for a moment of expiry, seconds since 1970, as any service that knows the secret makes them. */
export function credentials(secret, expiry, name = 'test') {
  const username = `${expiry}:${name}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

/** Starts coturn on a port of its own on loopback. Its files live in `folder`. */
export async function startTurn(folder, secret) {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const [cert, key] = [join(folder, 'turn-cert.pem'), join(folder, 'turn-key.pem')];
  const wanted = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...wanted, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const config = join(folder, 'turnserver.conf');
  const lines = [
    'listening-ip=127.0.0.1',
    `listening-port=${port}`,
    'relay-ip=127.0.0.1',
    'use-auth-secret',
    `static-auth-secret=${secret}`,
    'realm=remote-render.test',
    // The host is on loopback here, which coturn keeps clients from otherwise.
    'allow-loopback-peers',
    `tls-listening-port=${tlsPort}`,
    `cert=${cert}`,
    `pkey=${key}`,
    'no-dtls',
    'no-cli',
    'log-file=stdout',
    'simple-log',
    'verbose',
    `pidfile=${join(folder, 'turnserver.pid')}`,
    `userdb=${join(folder, 'turndb')}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  const child = spawn('turnserver', ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => (log += text));
  }
  let over = false;
  const exited = once(child, 'exit').then(() => (over = true));
  for (let i = 0; i < 100 && !(await answers(port)); i++) {
    if (over) throw new Error(`turnserver ended:\n${log}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    port,
    url: `turn:127.0.0.1:${port}`,
    tlsUrl: `turns:127.0.0.1:${tlsPort}`,
    log: () => log,
    stop: () => (child.kill('SIGTERM'), exited),
  };
}

/** A port of loopback that nobody has at the moment. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), done(true)));
    socket.once('error', () => done(false));
  });
}
