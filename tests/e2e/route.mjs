// The way that media takes from a host to a browser, seen from the browser.
import * as h from './harness.mjs';

/** Before a page is loaded: keeps its peer connections, and lets it use relays only where wanted. */
export const watch = (policy) => (page) =>
  page.addInitScript((policy) => {
    window.peers = [];
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
      constructor(configuration) {
        super(policy ? { ...configuration, iceTransportPolicy: policy } : configuration);
        window.peers.push(this);
      }
    };
  }, policy);

/** Selected candidates of the last peer connection: of the browser and of the host. */
export const selected = (page) =>
  page.evaluate(async () => {
    const report = await window.peers.at(-1).getStats();
    const all = [...report.values()];
    const { selectedCandidatePairId } = all.find((s) => s.type === 'transport');
    const pair = report.get(selectedCandidatePairId);
    const short = ({ candidateType, protocol, relayProtocol, port }) => ({ candidateType, protocol, relayProtocol, port });
    return { local: short(report.get(pair.localCandidateId)), remote: short(report.get(pair.remoteCandidateId)) };
  });

/** The picture moves by the hand of the viewer. */
export async function steers(page) {
  const before = await h.samplePicture(page);
  await page.evaluate(() => window.remoteRender.sendCameraOrbit(120, 0));
  await h.waitForChange(page, before, 2);
}

/** What the panel says of the way. */
export async function routeShown(page) {
  await page.keyboard.press('l');
  const shown = page.locator('dt:text-is("Route") + dd');
  await page.waitForFunction((dd) => dd.textContent !== '–', await shown.elementHandle());
  return shown.textContent();
}
