/**
 * Codecs in the order we want them: H.264 constrained baseline first, because every host has an encoder for it and every
 * device a decoder; then the other H.264 profiles; then the rest, retransmission and error correction among them.
 */
export function preferH264<T extends { mimeType: string; sdpFmtpLine?: string }>(codecs: readonly T[]): T[] {
  return codecs
    .map((codec, place) => ({ codec, place, rank: rank(codec) }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map(({ codec }) => codec);
}

function rank({ mimeType, sdpFmtpLine = '' }: { mimeType: string; sdpFmtpLine?: string }): number {
  if (mimeType.toLowerCase() !== 'video/h264') return 4;
  // Mode 1 may split a picture into several packets; mode 0 cannot carry large ones.
  const packets = /packetization-mode=1/.test(sdpFmtpLine) ? 0 : 1;
  const profile = /profile-level-id=42e0/i.test(sdpFmtpLine) ? 0 : 2;
  return profile + packets;
}
