// GStreamer's webrtcbin and x264enc, of Debian's packages, capturing the stage.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openLinkThread } from '../link_thread.mjs';
import { start } from './processes.mjs';

const PAGE = `<!doctype html><title>webrtcbin</title><body style="margin:0;background:#000">
<video autoplay muted playsinline style="width:100vw;height:100vh"></video><script>
(async () => {
  const { viewer, sdp } = await (await fetch('/offer', { method: 'POST' })).json();
  const connection = new RTCPeerConnection();
  connection.ontrack = ({ track, receiver }) => {
    // What such a page can do for a short delay.
    receiver.jitterBufferTarget = 0;
    document.querySelector('video').srcObject = new MediaStream([track]);
  };
  connection.ondatachannel = ({ channel }) => {
    window.benchPress = (x, y) => channel.send(Math.round(x * 1280) + ' ' + Math.round(y * 720));
  };
  await connection.setRemoteDescription({ type: 'offer', sdp });
  const answer = await connection.createAnswer();
  await connection.setLocalDescription(answer);
  await fetch('/answer', { method: 'POST', body: JSON.stringify({ viewer, sdp: answer.sdp }) });
})();
</script>`;

export async function openGStreamer({ stage, kbps, preset = 'superfast', profile = 'constrained-baseline', link: shape }) {
  const script = fileURLToPath(new URL('gstreamer.py', import.meta.url));
  const host = start('/usr/bin/python3', [script, String(kbps), preset, profile], { env: { DISPLAY: stage.display } });
  const { ready: version } = JSON.parse(await host.line((line) => line.includes('ready')));
  // webrtcbin has a port for each viewer, so that each has a link of its own. The first one counts.
  const links = [await openLinkThread({ ...shape })];
  let viewers = 0;
  const offer = async () => {
    const viewer = ++viewers;
    const told = host.line((line) => JSON.parse(line).viewer === viewer);
    host.say(JSON.stringify({ viewer }));
    const sdp = JSON.parse(await told).offer;
    const port = Number(/a=candidate:.* udp \d+ 127\.0\.0\.1 (\d+) typ host/i.exec(sdp)[1]);
    return { viewer, sdp, port };
  };
  const body = async (request) => {
    let text = '';
    for await (const part of request) text += part;
    return text;
  };
  const server = createServer(async (request, response) => {
    if (request.url === '/offer') {
      const { viewer, sdp, port } = await offer();
      const link = viewerLinks.next ? links[0] : await openLinkThread({ ...shape });
      if (!viewerLinks.next) links.push(link);
      viewerLinks.next = false;
      await link.connect(port);
      const relayed = `a=candidate:1 1 udp 2130706431 127.0.0.1 ${link.port} typ host\r\n`;
      let first = true;
      const sdpForPage = sdp.replace(/a=candidate:.*\r\n/g, () => (first ? ((first = false), relayed) : ''));
      response.end(JSON.stringify({ viewer, sdp: sdpForPage }));
    } else if (request.url === '/answer') {
      const { viewer, sdp } = JSON.parse(await body(request));
      // Only the relay knows the page: its own addresses would be a way around it.
      host.say(JSON.stringify({ viewer, answer: sdp.replace(/a=candidate:.*\r\n/g, '') }));
      response.end();
    } else {
      response.setHeader('content-type', 'text/html');
      response.end(PAGE);
    }
  });
  const viewerLinks = { next: false };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name: `webrtcbin, x264 ${preset}${profile === 'main' ? ', main' : ''}`,
    version,
    url: `http://127.0.0.1:${server.address().port}/`,
    link: links[0],
    pid: host.pid,
    /** The next viewer comes through the first link. */
    prepare: async () => (viewerLinks.next = true),
    arm: (page) => page.waitForFunction(() => window.benchPress, undefined, { timeout: 10_000 }),
    play: () => stage.play(30),
    still: () => stage.still(0),
    split: () => 0,
    leave: () => host.say(JSON.stringify({ viewer: viewers, gone: true })),
    log: host.log,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await host.stop();
      for (const link of links) await link.close();
    },
  };
}
