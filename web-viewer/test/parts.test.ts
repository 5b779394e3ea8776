import { expect, test } from 'vitest';
import { PartJoiner } from '../src/client/parts.js';
import { fullState } from './samples.js';

const whole = JSON.stringify({ timestamp: 3, type: 'state:full', data: fullState({ workspace: 'ä"\\ 𝛑' }) });

function pieces(id: number, count: number): string[] {
  const size = Math.ceil(whole.length / count);
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ timestamp: 3, type: 'part', data: { id, index, count, text: whole.slice(index * size, (index + 1) * size) } }),
  );
}

test('a short message passes', () => {
  expect(new PartJoiner().read(whole)).toEqual(JSON.parse(whole));
});

test('pieces make the message, again and again', () => {
  const joiner = new PartJoiner();
  for (const id of [1, 2]) {
    const results = pieces(id, 5).map((text) => joiner.read(text));
    expect(results.slice(0, -1)).toEqual([null, null, null, null]);
    expect(results[4]).toEqual(JSON.parse(whole));
  }
});

test('a message that is given up for another does not spoil it', () => {
  const joiner = new PartJoiner();
  pieces(1, 4).slice(0, 2).forEach((text) => joiner.read(text));
  expect(pieces(2, 2).map((text) => joiner.read(text))[1]).toEqual(JSON.parse(whole));
});

test.each([
  ['a gap', [0, 2]],
  ['a piece twice', [0, 0, 1, 1]],
  ['no beginning', [1]],
])('%s is an error', (_, order) => {
  const joiner = new PartJoiner();
  const all = pieces(1, 3);
  expect(() => order.forEach((i) => joiner.read(all[i] ?? ''))).toThrow(/does not fit/);
});

test.each(['', 'null', '[]', '{}', '{"type":"ack"}', '{"type":"part","data":{"id":1,"index":0,"count":1,"text":"x"}}'])(
  'not a message: %s',
  (text) => {
    expect(() => new PartJoiner().read(text)).toThrow();
  },
);

test('a claim of endless pieces is refused', () => {
  const text = JSON.stringify({ timestamp: 1, type: 'part', data: { id: 1, index: 0, count: 1e9, text: 'x' } });
  expect(() => new PartJoiner().read(text)).toThrow();
});
