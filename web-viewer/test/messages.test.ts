// Times of messages: they grow, and any JSON reader gives them back as they were.
import { expect, test } from 'vitest';
import { Stamper } from '../src/client/messages.js';

test('times are whole microseconds with at most sixteen digits, and grow though the clock stands still', () => {
  const started = 1_795_379_200_251.400146484375;
  const stamper = new Stamper(() => started + 29_186.7);
  const times = Array.from({ length: 50 }, () => stamper.stamp({ type: 'test:click', data: { x: 0, y: 0 } }).timestamp);
  for (const [i, time] of times.entries()) {
    expect(String(time).replace('.', '').length).toBeLessThanOrEqual(16);
    expect(time).toBeGreaterThan(times[i - 1] ?? started);
  }
});
