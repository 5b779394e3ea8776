import { nextFrame, type Schedule } from './coalescer.js';

/** What the client takes from the browser. Tests put their own in. */
export interface Environment {
  createSocket(url: string): WebSocket;
  createPeer(configuration: RTCConfiguration): RTCPeerConnection;
  /** What the browser can decode; null when it does not say. */
  videoCodecs(): RTCRtpCodec[] | null;
  /** Milliseconds; never goes back. */
  now(): number;
  random(): number;
  /** 32 characters that nobody guesses. */
  secret(): string;
  schedule: Schedule;
}

/** The browser's own. */
export const browserEnvironment: Environment = {
  createSocket: (url) => new WebSocket(url),
  createPeer: (configuration) => new RTCPeerConnection(configuration),
  videoCodecs: () => RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? null,
  now: () => performance.timeOrigin + performance.now(),
  random: Math.random,
  // Not `randomUUID`, which plain HTTP does not have.
  secret: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(''),
  schedule: nextFrame,
};
