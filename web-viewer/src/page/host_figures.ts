/** The host's figures as a person reads them. */
import type { HostStats, LeftOut, StreamStats } from '../protocol.gen.js';

export type HostRow = [label: string, title: string, value: (s: HostStats) => string];

export const HOST_ROWS: HostRow[] = [
  ['Render', 'Time of the host to draw one picture', (s) => ms(s.renderMs)],
  ['Graphics', 'Time of the graphics device for one picture, by its own clock', (s) => (s.deviceMs === null ? '–' : ms(s.deviceMs))],
  ['Encode', 'Time of the host to encode one picture', (s) => s.streams.map((of) => ms(of.encodeMs)).join('\n') || '–'],
  ['Encoder', 'What the host encodes with', (s) => [...new Set(s.streams.map((of) => of.encoder))].join('\n') || '–'],
  ['Streams', 'What the host encodes: one quality level for all viewers, or several where their networks differ', (s) => s.streams.map(stream).join('\n') || 'Nothing'],
  ['Triangles', 'In the last picture that was drawn', (s) => short(s.triangles)],
  ['Objects', 'Drawn in the last picture', (s) => `${short(s.drawn)} drawn`],
  ['Left out', 'Objects that nobody would see in this picture', (s) => leftOut(s.leftOut)],
  ['Saved', 'What pictures in motion do without, to stay fluent', (s) => s.economy.replaceAll(', ', '\n') || 'Nothing'],
];

const stream = ({ heightPx, fps, bitrateBps, viewers }: StreamStats): string =>
  `${heightPx}p${fps.toFixed(0)}, ${(bitrateBps / 1e6).toFixed(1)} Mbit/s, ${viewers} ${viewers === 1 ? 'viewer' : 'viewers'}`;

const ms = (value: number): string => `${value.toFixed(1)} ms`;

/** 950, 12.4 k, 3.1 M. */
export function short(count: number): string {
  if (count < 1e4) return String(count);
  if (count < 999_950) return `${(count / 1e3).toFixed(1)} k`;
  if (count < 999_950_000) return `${(count / 1e6).toFixed(1)} M`;
  return `${(count / 1e9).toFixed(1)} G`;
}

/** Each reason that applies, one a line. */
export function leftOut({ outside, small, hidden, cutAway }: LeftOut): string {
  const reasons: [number, string][] = [[outside, 'outside'], [small, 'too small'], [hidden, 'hidden'], [cutAway, 'cut away']];
  const told = reasons.filter(([count]) => count > 0).map(([count, why]) => `${short(count)} ${why}`);
  return told.join('\n') || 'Nothing';
}
