// What a page is asked, the same for every system: when its first picture came, how many it showed, how soon a press is
// seen in it.

/** Runs in the page before anything else of it. */
export function watchPage() {
  const seen = (window.bench = { firstFrameAt: 0, shown: 0, connections: [] });
  const look = () => {
    const video = [...document.querySelectorAll('video')].find((v) => v.videoWidth > 0);
    if (!video) return requestAnimationFrame(look);
    const note = (now, frame) => {
      seen.firstFrameAt ||= now;
      seen.shown += 1;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  };
  look();
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      seen.connections.push(this);
    }
  };
}

/** Instead of the host's own addresses a page is told the relay's, which knows the way. Runs in the page. */
export function throughRelay(port) {
  // And the host is told no address of the page, which would be a way around the relay.
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && /"?ice"?/.test(data) && data.includes('.local') && !data.includes('v=0')) return;
    send.call(this, data);
  };
  const Connection = window.RTCPeerConnection;
  const set = Connection.prototype.setRemoteDescription;
  const add = Connection.prototype.addIceCandidate;
  const relayed = `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host\r\n`;
  Connection.prototype.setRemoteDescription = function (description) {
    let first = true;
    const sdp = description.sdp.replace(/a=candidate:.*\r\n/g, () => (first ? ((first = false), relayed) : ''));
    return set.call(this, { type: description.type, sdp });
  };
  Connection.prototype.addIceCandidate = function (candidate) {
    if (!candidate?.candidate) return add.call(this, candidate);
    const { sdpMid, sdpMLineIndex } = candidate;
    return add.call(this, { candidate: relayed.slice(2).trim(), sdpMid, sdpMLineIndex });
  };
}

export async function waitForFrame(page, timeout = 40_000) {
  await page.waitForFunction(() => window.bench.firstFrameAt, undefined, { timeout });
  return page.evaluate(() => window.bench.firstFrameAt);
}

export const shown = (page) => page.evaluate(() => window.bench.shown);

/** Milliseconds from a press to its mark in a presented picture, for each press; NaN where none came. */
export function latencies(page, count) {
  return page.evaluate(async (count) => {
    const video = [...document.querySelectorAll('video')].find((v) => v.videoWidth > 0);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 4;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const luma = (x, y) => {
      const [px, py] = [x * video.videoWidth - 8, y * video.videoHeight - 8];
      context.drawImage(video, px, py, 16, 16, 0, 0, 4, 4);
      const d = context.getImageData(0, 0, 4, 4).data;
      let sum = 0;
      for (let i = 0; i < d.length; i += 4) sum += 0.2126 * d[i] + 0.7152 * d[i + 1] + 0.0722 * d[i + 2];
      return sum / 16;
    };
    const results = [];
    for (let i = 0; i < count; i++) {
      // Left and right in turn: where the last mark still stands nothing would change.
      const [x, y] = [(i % 2 ? 0.15 : 0.55) + 0.3 * Math.random(), 0.15 + 0.7 * Math.random()];
      const before = luma(x, y);
      const sent = performance.now();
      window.benchPress(x, y);
      results.push(
        await new Promise((done) => {
          const limit = setTimeout(() => done(NaN), 3000);
          const look = () => {
            if (Math.abs(luma(x, y) - before) > 60) {
              clearTimeout(limit);
              done(performance.now() - sent);
            } else video.requestVideoFrameCallback(look);
          };
          video.requestVideoFrameCallback(look);
        }),
      );
      // Longer than a mark stands, and out of step with the pictures.
      await new Promise((done) => setTimeout(done, 700 + 200 * Math.random()));
    }
    return results;
  }, count);
}

/** Codec and profile that the page decodes. */
export function codec(page) {
  return page.evaluate(async () => {
    for (const connection of window.bench.connections) {
      const stats = await connection.getStats();
      for (const report of stats.values()) {
        if (report.type === 'inbound-rtp' && report.kind === 'video' && report.framesDecoded) {
          const { mimeType, sdpFmtpLine = '' } = stats.get(report.codecId) ?? {};
          return `${mimeType} ${/profile-level-id=(\w+)/.exec(sdpFmtpLine)?.[1] ?? ''}`.trim();
        }
      }
    }
    return null;
  });
}
