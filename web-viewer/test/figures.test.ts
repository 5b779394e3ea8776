import { expect, test } from 'vitest';
import { preferH264 } from '../src/client/codecs.js';
import { report, rtpReached } from '../src/client/latency.js';
import { quantile } from '../src/client/stages.js';
import { StatsReader } from '../src/client/stats.js';
import { HOST_ROWS, leftOut, short } from '../src/page/host_figures.js';
import { route } from '../src/page/stats_panel.js';
import { hostStats } from './samples.js';

const entries = (change: object = {}): [string, unknown][] => [
  ['V', { id: 'V', type: 'inbound-rtp', kind: 'video', timestamp: 1000, framesDecoded: 30, bytesReceived: 100_000, packetsLost: 1, packetsReceived: 99, jitter: 0.004, totalDecodeTime: 0.1, jitterBufferDelay: 0.3, jitterBufferEmittedCount: 30, frameWidth: 1280, frameHeight: 720, framesDropped: 2, codecId: 'C', ...change }],
  ['C', { id: 'C', type: 'codec', mimeType: 'video/H264', sdpFmtpLine: 'profile-level-id=42e01f;packetization-mode=1' }],
  ['T', { id: 'T', type: 'transport', selectedCandidatePairId: 'P' }],
  ['Q', { id: 'Q', type: 'candidate-pair', nominated: true, currentRoundTripTime: 9 }],
  ['P', { id: 'P', type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.025, localCandidateId: 'L' }],
  ['L', { id: 'L', type: 'local-candidate', candidateType: 'relay' }],
];

test('figures are those of the time between two reports', () => {
  const reader = new StatsReader();
  expect(reader.read(entries())).toMatchObject({ width: 1280, height: 720, codec: 'H264', rttMs: 25, route: 'relay', fps: 0 });
  const second = reader.read(
    entries({ timestamp: 2000, framesDecoded: 60, bytesReceived: 1_100_000, packetsLost: 11, packetsReceived: 189, totalDecodeTime: 0.16, jitterBufferDelay: 0.6, jitterBufferEmittedCount: 60 }),
  );
  expect(second).toMatchObject({ fps: 30, bitrate: 8_000_000, lossPercent: 10, framesDropped: 2, framesDecoded: 60 });
  expect(second?.decodeMs).toBeCloseTo(2);
  expect(second?.jitterBufferMs).toBeCloseTo(10);
  expect(second?.jitterMs).toBeCloseTo(4);
});

test('how packets travel is told in words', () => {
  const told = (candidate: object) => {
    const with_ = [...entries().slice(0, -1), ['L', { id: 'L', type: 'local-candidate', ...candidate }]] as [string, unknown][];
    const stats = new StatsReader().read(with_);
    return stats && route(stats);
  };
  expect(told({ candidateType: 'host', protocol: 'udp' })).toBe('Direct, UDP');
  expect(told({ candidateType: 'host', protocol: 'tcp', tcpType: 'active' })).toBe('Direct, TCP');
  expect(told({ candidateType: 'srflx', protocol: 'udp' })).toBe('Through a router, UDP');
  expect(told({ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' })).toBe('Relayed, TLS');
  expect(told({ candidateType: 'relay', protocol: 'udp' })).toBe('Relayed, UDP');
  expect(told({ candidateType: 'prflx' })).toBe('Direct');
  expect(told({ candidateType: 'new' })).toBe('–');
  expect(told({})).toBe('–');
});

test('a picture at rest and a browser that tells little give zeros, never NaN', () => {
  const reader = new StatsReader();
  reader.read(entries());
  const rest = reader.read(entries({ timestamp: 2000 }));
  expect(rest).toMatchObject({ fps: 0, bitrate: 0, lossPercent: 0, decodeMs: 0 });
  const little = new StatsReader().read([['V', { id: 'V', type: 'inbound-rtp', kind: 'video', timestamp: 5 }]]);
  expect(Object.values(little ?? {}).filter((v) => typeof v === 'number').every(Number.isFinite)).toBe(true);
  expect(new StatsReader().read([])).toBeNull();
});

test('quantiles are values that were measured', () => {
  const samples = Array.from({ length: 20 }, (_, i) => 20 - i);
  expect(quantile(samples, 0.5)).toBe(10);
  expect(quantile(samples, 0.95)).toBe(19);
  expect(quantile([7], 0.95)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
  expect(report([3, 1, 2], 1)).toEqual({ samples: [3, 1, 2], lost: 1, p50: 2, p95: 3, stages: null, inputs: [] });
});

test('RTP timestamps start over at zero', () => {
  expect(rtpReached(100, 100)).toBe(true);
  expect(rtpReached(99, 100)).toBe(false);
  expect(rtpReached(5, 0xffff_fff0)).toBe(true);
  expect(rtpReached(0xffff_fff0, 5)).toBe(false);
});

test('constrained baseline comes first, everything else stays', () => {
  const h264 = (profile: string, mode: number) => ({ mimeType: 'video/H264', sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}` });
  const offered = [{ mimeType: 'video/VP8' }, { mimeType: 'video/rtx' }, h264('42001f', 1), h264('42e01f', 0), h264('42e01f', 1), h264('4d001f', 1), { mimeType: 'video/AV1' }];
  const sorted = preferH264(offered);
  expect(sorted.slice(0, 4)).toEqual([h264('42e01f', 1), h264('42e01f', 0), h264('42001f', 1), h264('4d001f', 1)]);
  expect(sorted.slice(4).map((c) => c.mimeType)).toEqual(['video/VP8', 'video/rtx', 'video/AV1']);
});

test('figures of the host are short and have units', () => {
  expect([0, 9_999, 12_345, 999_950, 3_140_000, 2e9].map(short)).toEqual(['0', '9999', '12.3 k', '1.0 M', '3.1 M', '2.0 G']);
  expect(leftOut({ outside: 312, small: 0, hidden: 12_345, cutAway: 1 })).toBe('312 outside\n12.3 k hidden\n1 cut away');
  expect(leftOut({ outside: 0, small: 0, hidden: 0, cutAway: 0 })).toBe('Nothing');
  const shown = Object.fromEntries(HOST_ROWS.map(([label, , value]) => [label, value(hostStats())]));
  expect(shown).toEqual({ Render: '8.3 ms', Graphics: '–', Encode: '4.0 ms', Encoder: 'openh264', Triangles: '2.5 M', Objects: '120 drawn', Streams: '720p30, 4.2 Mbit/s, 2 viewers', 'Left out': '30 outside', Saved: '71 % resolution' });
  expect(HOST_ROWS[1]?.[2](hostStats({ deviceMs: 2.25 }))).toMatch(/^2\.[23] ms$/);
});
