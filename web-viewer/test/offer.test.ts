import { expect, test } from 'vitest';
import { askForRoundTrips, offer } from '../src/client/offer.js';

const SDP = [
  'm=video 9 UDP/TLS/RTP/SAVPF 108 109',
  'a=rtpmap:108 H264/90000',
  'a=rtcp-fb:108 nack',
  'a=rtcp-fb:108 nack pli',
  'a=rtpmap:109 rtx/90000',
  '',
].join('\r\n');

test('round trips are asked for beside each codec that repeats what was lost', () => {
  const lines = askForRoundTrips(SDP).split('\r\n');
  expect(lines.filter((line) => line.includes('rrtr'))).toEqual(['a=rtcp-fb:108 rrtr']);
  expect(lines.filter((line) => line !== 'a=rtcp-fb:108 rrtr')).toEqual(SDP.split('\r\n'));
});

test('a browser that takes nothing but its own offer offers that', async () => {
  const taken: string[] = [];
  const pc = {
    createOffer: async () => ({ type: 'offer', sdp: SDP }),
    setLocalDescription: async ({ sdp }: { sdp: string }) => {
      if (sdp !== SDP) throw new DOMException('changed', 'InvalidModificationError');
      taken.push(sdp);
    },
  };
  await offer(pc as unknown as RTCPeerConnection);
  expect(taken).toEqual([SDP]);
});
