import { expect, test } from 'vitest';
import { parseShareLink, tokenFromText } from '../src/client/link.js';

test.each([
  ['https://host:8443/#abc.def-_', 'wss://host:8443/signal', 'abc.def-_'],
  ['http://127.0.0.1:4711/#t', 'ws://127.0.0.1:4711/signal', 't'],
  ['http://[::1]:80/#t', 'ws://[::1]/signal', 't'],
  ['https://door.example/session/7/?x=1#t', 'wss://door.example/session/7/signal', 't'],
  [' https://host/ ', 'wss://host/signal', ''],
])('%s', (link, signalUrl, token) => {
  expect(parseShareLink(link)).toEqual({ signalUrl, token });
});

test('what is no link is refused with words', () => {
  expect(() => parseShareLink('host:8443')).toThrow(/begins with https/);
  expect(() => parseShareLink('nonsense')).toThrow(/not a link/);
  expect(() => parseShareLink('javascript:alert(1)')).toThrow(/begins with https/);
});

test.each([
  ['https://host:8443/#abc.def', 'abc.def'],
  ['  #abc.def ', 'abc.def'],
  ['abc.def', 'abc.def'],
  ['https://host:8443/', ''],
  ['#', ''],
  ['two words', ''],
  ['#<script>', ''],
  ['#%E0%A4%A', ''],
])('the token in %j', (text, token) => {
  expect(tokenFromText(text)).toBe(token);
});
