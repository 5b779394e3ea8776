// A real PostgreSQL with a folder and a port of its own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './turn.mjs';

/** Debian keeps them apart by version. */
function programs() {
  const base = '/usr/lib/postgresql';
  const found = (existsSync(base) ? readdirSync(base) : []).map((version) => join(base, version, 'bin'));
  const bin = found.filter((each) => existsSync(join(each, 'initdb'))).sort().at(-1);
  if (!bin) throw new Error('PostgreSQL is not installed: tools/install.sh test');
  return bin;
}

/** Whom to be when we are root, as which PostgreSQL does not run: the user that the package made. */
function user() {
  if (process.getuid() !== 0) return {};
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8').match(/^postgres:.*$/m)[0].split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Starts it in a folder of its own, which goes with it; `url` is the address of an empty database. */
export async function startPostgres() {
  const bin = programs();
  const own = user();
  // Nobody but its owner comes into a folder of ours.
  const home = mkdtempSync(join(tmpdir(), 'rr-postgres-'));
  if (own.uid !== undefined) chownSync(home, own.uid, own.gid);
  const options = { ...own, cwd: home, stdio: 'ignore' };
  const data = join(home, 'data');
  execFileSync(join(bin, 'initdb'), ['-A', 'trust', '-U', 'rr', '--no-sync', '-D', data], options);
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'fsync=off'].flatMap((setting) => ['-c', setting]);
  const child = spawn(join(bin, 'postgres'), [...settings, '-k', '', '-p', `${port}`, '-D', data], options);
  const exited = once(child, 'exit');
  const at = ['-h', '127.0.0.1', '-U', 'rr', '-p', `${port}`];
  for (let i = 0; ; i++) {
    try {
      execFileSync(join(bin, 'createdb'), [...at, 'gateway'], { stdio: 'ignore' });
      break;
    } catch (error) {
      if (i === 200 || child.exitCode !== null) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return {
    port,
    url: `postgres://rr@127.0.0.1:${port}/gateway?sslmode=disable`,
    // In order, so that nothing of it stays in shared memory.
    stop: async () => {
      child.kill('SIGINT');
      await exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}
