// Programs that a benchmark starts and stops by their own ids, and what they take of the processor.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';

/** A program in a process group of its own; `line` waits for a line of stdout that fits. */
export function start(command, args, { env = {}, cwd } = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd, detached: true });
  const exited = once(child, 'exit');
  let [log, rest] = ['', ''];
  const listeners = new Set();
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-20_000)));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    rest += text;
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) for (const listener of [...listeners]) listener(line);
  });
  const line = (fits, timeout = 30_000) =>
    new Promise((done, fail) => {
      const end = (act, value) => (clearTimeout(timer), listeners.delete(listener), act(value));
      const listener = (text) => fits(text) && end(done, text);
      const timer = setTimeout(() => end(fail, new Error(`${command} did not say what it should:\n${log}`)), timeout);
      listeners.add(listener);
      exited.then(() => end(fail, new Error(`${command} has ended:\n${log}`)));
    });
  const running = { pid: child.pid, say: (text) => child.stdin.write(`${text}\n`), line, log: () => log };
  running.stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGTERM');
      const hard = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 5_000);
      await exited;
      clearTimeout(hard);
    }
  };
  return running;
}

/** A process and all that descend from it. */
function tree(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const all = [pid];
  for (const one of all) for (const [child, parent] of parents) if (parent === one) all.push(child);
  return all;
}

/** Milliseconds of processor time that a process and its descendants have used, by the name of the thread. */
export function processorTime(pid) {
  const threads = {};
  for (const one of tree(pid)) {
    try {
      for (const task of readdirSync(`/proc/${one}/task`)) {
        const name = readFileSync(`/proc/${one}/task/${task}/comm`, 'utf8').trim();
        // Nanoseconds on a processor; utime and stime have ticks of 10 ms.
        const ns = Number(readFileSync(`/proc/${one}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
        threads[name] = (threads[name] ?? 0) + ns / 1e6;
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return threads;
}

/** What was used between two readings: in all, and by threads. Threads that ended in between are left out. */
export function used(before, after) {
  const threads = {};
  for (const [name, ms] of Object.entries(after)) threads[name] = Math.max(0, ms - (before[name] ?? 0));
  return { total: Object.values(threads).reduce((sum, ms) => sum + ms, 0), threads };
}
