/** Figures of the last second. Zero where the browser does not tell. */
export interface ConnectionStats {
  /** When it was taken, milliseconds since 1970. */
  timestamp: number;
  /** Pictures decoded a second. A scene at rest sends few. */
  fps: number;
  /** There and back, milliseconds. */
  rttMs: number;
  /** Of the video, bits a second. */
  bitrate: number;
  /** Packets of the last second that did not come, percent. */
  lossPercent: number;
  /** Variation of the packets' arrival, milliseconds. */
  jitterMs: number;
  /** Time a picture waits before it is decoded, milliseconds. */
  jitterBufferMs: number;
  /** Time to decode a picture, milliseconds. */
  decodeMs: number;
  /** Size of the decoded picture, pixels. */
  width: number;
  height: number;
  framesDecoded: number;
  /** Decoded too late to be shown. */
  framesDropped: number;
  /** Times the picture stood still though it should have moved. */
  freezes: number;
  /** Such as `H264`. */
  codec: string;
  /** Profile and mode as negotiated, such as `profile-level-id=42e01f;...`. */
  codecParameters: string;
  /** How packets travel: `host` (direct), `srflx`, `prflx` (through a router) or `relay`. */
  route: string;
  /** What carries them on their first step: `udp`, `tcp`, or `tls` to a relay. */
  protocol: string;
}

type Entry = Record<string, unknown> & { type: string; id: string };

/** The counters that figures are differences of. */
interface Counters {
  timestamp: number;
  framesDecoded: number;
  bytes: number;
  lost: number;
  received: number;
  decodeTime: number;
  bufferDelay: number;
  bufferEmitted: number;
}

/** Makes {@link ConnectionStats} of what `getStats` reports, one report after the other. */
export class StatsReader {
  private before: Counters | null = null;

  read(report: Iterable<[string, unknown]>): ConnectionStats | null {
    const entries = new Map<string, Entry>();
    for (const [id, entry] of report) entries.set(id, entry as Entry);
    const all = [...entries.values()];
    const video = all.find((e) => e.type === 'inbound-rtp' && (e['kind'] ?? e['mediaType']) === 'video');
    if (!video) return null;
    const now: Counters = {
      timestamp: number(video, 'timestamp'),
      framesDecoded: number(video, 'framesDecoded'),
      bytes: number(video, 'bytesReceived'),
      lost: number(video, 'packetsLost'),
      received: number(video, 'packetsReceived'),
      decodeTime: number(video, 'totalDecodeTime'),
      bufferDelay: number(video, 'jitterBufferDelay'),
      bufferEmitted: number(video, 'jitterBufferEmittedCount'),
    };
    const was = this.before ?? { ...zero, timestamp: now.timestamp };
    this.before = now;
    const seconds = (now.timestamp - was.timestamp) / 1000;
    const per = (amount: number, whole: number) => (whole > 0 ? Math.max(amount, 0) / whole : 0);
    const lost = Math.max(now.lost - was.lost, 0);
    const frames = now.framesDecoded - was.framesDecoded;
    const pair = selectedPair(all, entries);
    const codec = entries.get(String(video['codecId']));
    const local = entries.get(String(pair?.['localCandidateId']));
    return {
      timestamp: now.timestamp,
      fps: per(frames, seconds),
      rttMs: number(pair, 'currentRoundTripTime') * 1000,
      bitrate: per((now.bytes - was.bytes) * 8, seconds),
      lossPercent: per(lost * 100, lost + now.received - was.received),
      jitterMs: number(video, 'jitter') * 1000,
      jitterBufferMs: per((now.bufferDelay - was.bufferDelay) * 1000, now.bufferEmitted - was.bufferEmitted),
      decodeMs: per((now.decodeTime - was.decodeTime) * 1000, frames),
      width: number(video, 'frameWidth'),
      height: number(video, 'frameHeight'),
      framesDecoded: now.framesDecoded,
      framesDropped: number(video, 'framesDropped'),
      freezes: number(video, 'freezeCount'),
      codec: text(codec, 'mimeType').replace(/^video\//i, ''),
      codecParameters: text(codec, 'sdpFmtpLine'),
      route: text(local, 'candidateType'),
      // To a relay the browser may speak otherwise than the relay does to the host.
      protocol: (text(local, 'relayProtocol') || text(local, 'protocol')).toLowerCase(),
    };
  }
}

const zero: Counters = {
  timestamp: 0,
  framesDecoded: 0,
  bytes: 0,
  lost: 0,
  received: 0,
  decodeTime: 0,
  bufferDelay: 0,
  bufferEmitted: 0,
};

function selectedPair(all: Entry[], entries: Map<string, Entry>): Entry | undefined {
  const transport = all.find((e) => e.type === 'transport' && e['selectedCandidatePairId']);
  const named = transport && entries.get(String(transport['selectedCandidatePairId']));
  return named ?? all.find((e) => e.type === 'candidate-pair' && (e['selected'] === true || e['nominated'] === true));
}

function number(entry: Entry | undefined, key: string): number {
  const value = entry?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function text(entry: Entry | undefined, key: string): string {
  const value = entry?.[key];
  return typeof value === 'string' ? value : '';
}
