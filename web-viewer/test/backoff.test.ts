import { expect, test } from 'vitest';
import { Backoff } from '../src/client/backoff.js';

test('pauses double from 0.25 s to 4 s', () => {
  const backoff = new Backoff(() => 1);
  expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([250, 500, 1000, 2000, 4000, 4000, 4000]);
  expect(backoff.attempts).toBe(7);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test('chance takes away at most half', () => {
  const backoff = new Backoff(() => 0);
  expect([backoff.next(), backoff.next()]).toEqual([125, 250]);
});
