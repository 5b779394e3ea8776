// A gateway and its workers, as real processes.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { begun, root, rrhost } from './harness.mjs';

export const rrctl = process.env.RR_CTL ?? join(root, 'target/debug/rrctl');

/** Starts `rrctl gateway` with its state in `state` and waits for its ready line. */
export async function startGateway(state, args = [], { listen = '127.0.0.1:0', env = {} } = {}) {
  const child = spawn(rrctl, ['gateway', '--state', state, '--listen', listen, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  return { ...(await begun(child, 'rrctl gateway')), state };
}

/** A token by which one worker joins once. */
export const joinToken = (state, worker) =>
  execFileSync(rrctl, ['gateway', 'token', '--state', state, '--worker', worker], { encoding: 'utf8' }).trim();

/** A link to a session. */
export const sessionLink = (state, session, role = 'engineer', args = []) =>
  execFileSync(rrctl, ['gateway', 'link', '--state', state, '--session', session, '--role', role, ...args], { encoding: 'utf8' }).trim();

/** Starts a worker that joins the gateway; several addresses are replicas. */
export async function startWorker(folder, gateways, token, files, more = []) {
  const args = ['--headless', '--listen', '127.0.0.1:0', '--config-dir', join(folder, 'config'), '--cache-dir', join(folder, 'cache')];
  const child = spawn(rrhost, [...args, '--gateway', [gateways].flat().join(','), ...more, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_STATE_HOME: join(folder, 'state'), RR_JOIN_TOKEN: token },
  });
  return begun(child, 'rrhost');
}
