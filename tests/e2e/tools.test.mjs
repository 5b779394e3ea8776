// The tools of the page in a real browser: cutting everything open and measuring, by touch, seen by everybody.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as h from './harness.mjs';

let folder, host;

before(async () => {
  folder = h.temporaryFolder();
  host = await h.startHost(folder.path, [h.sampleLine(folder.path)]);
});

after(async () => {
  await h.closeBrowser();
  await host?.kill();
  folder?.remove();
});

test('a section is set by touch, everybody has it, and what is cut away is not tapped', async () => {
  const viewer = await h.openViewer(host.ready.links.viewer, { hasTouch: true });
  const engineer = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(viewer.page);
  await h.waitForPicture(engineer.page);
  await viewer.page.getByRole('button', { name: 'Section', exact: true }).tap();
  const [plane] = (await h.waitForState(viewer.page, (state) => state.section.length === 1)).section;
  assert.equal(Math.hypot(...plane.normal), 1, 'of unit length, through the middle of the line');
  const seen = (await h.waitForState(engineer.page, (state) => state.section.length === 1)).section;
  assert.deepEqual(seen, [plane]);
  await viewer.page.getByRole('button', { name: 'Plane 1: X' }).tap();
  await h.waitForState(viewer.page, (state) => Math.abs(state.section[0].normal[0]) === 1);
  await viewer.page.getByRole('button', { name: 'Add a plane' }).tap();
  await h.waitForState(viewer.page, (state) => state.section.length === 2);
  await viewer.page.screenshot({ path: join(h.output, 'section.png') });
  // The slider by keyboard, which is also how a screen reader moves it.
  const before = (await h.state(viewer.page)).section[0].offset;
  await viewer.page.getByRole('slider', { name: 'Place of plane 1, metres' }).press('End');
  await h.waitForState(viewer.page, (state, offset) => Math.abs(state.section[0].offset - offset) > 0.5, before);

  // Everything above 10 m below the floor is cut away: nothing is left to be tapped.
  await engineer.page.evaluate(() => window.remoteRender.sendSection([{ normal: [0, 1, 0], offset: -10 }]));
  await h.waitForState(engineer.page, (state) => state.section.length === 1 && state.section[0].offset === -10);
  await engineer.page.evaluate(() => window.remoteRender.sendDeviceClick(0.5, 0.5));
  await engineer.page.waitForTimeout(300);
  assert.deepEqual((await h.state(engineer.page)).selection, []);
  await viewer.page.getByRole('button', { name: 'Close' }).first().tap();
  await viewer.page.getByRole('button', { name: 'Switch the section off' }).tap();
  await h.waitForState(engineer.page, (state) => state.section.length === 0);
  const refused = await refusal(engineer.page, 'sendSection', [{ normal: [0, 0, 0] }]);
  assert.match(refused.message, /section plane/);
  await viewer.context.close();
  await engineer.context.close();
});

test('taps measure; the values are in the picture and in the list of everybody', async () => {
  const viewer = await h.openViewer(host.ready.links.viewer, { hasTouch: true });
  const engineer = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(viewer.page);
  await h.waitForPicture(engineer.page);
  await viewer.page.evaluate(() => window.remoteRender.sendCameraView('iso'));
  await viewer.page.waitForTimeout(1200);
  const [first, second] = await edges(engineer.page);
  await engineer.page.evaluate(() => window.remoteRender.sendMeasureClear());
  await h.waitForState(viewer.page, (state) => state.measurements.length === 0);

  const before = await h.samplePicture(viewer.page, 320, 180);
  await viewer.page.getByRole('button', { name: 'Measure', exact: true }).tap();
  await viewer.page.getByText('Tap an edge').waitFor();
  await tap(viewer.page, first);
  const [one] = (await h.waitForState(engineer.page, (state) => state.measurements.length === 1)).measurements;
  assert.ok(one.isOpen && one.things.length === 1 && one.facts.length > 0, JSON.stringify(one));
  await tap(viewer.page, second);
  const both = await h.waitForState(engineer.page, (state) => state.measurements[0]?.things.length === 2);
  const [measured] = both.measurements;
  assert.ok(!measured.isOpen && measured.facts.some((f) => f.quantity === 'distance'), JSON.stringify(measured));
  assert.match(measured.facts[0].text, /\d (mm|m)$|°$/);
  await viewer.page.locator('.measurements').getByText(measured.label).first().waitFor();
  await h.waitForChange(viewer.page, before, 0.05, { columns: 320, rows: 180 });
  await viewer.page.waitForTimeout(700);
  await viewer.page.screenshot({ path: join(h.output, 'measured.png') });

  const taken = await viewer.page.evaluate(() => new Promise((done) => {
    window.remoteRender.onAck((ack) => ack.seq === seq && done(ack));
    const seq = window.remoteRender.sendMeasureRemove(window.remoteRender.state.measurements[0].id);
  }));
  assert.ok(taken.seq > 0);
  await h.waitForState(engineer.page, (state) => state.measurements.length === 0);
  const missing = await refusal(viewer.page, 'sendMeasureRemove', 9999);
  assert.equal(missing.code, 'not_found');
  const sky = await refusal(viewer.page, 'sendMeasurePick', 0.5, 0.01);
  assert.match(sky.message, /nothing to measure/);

  await engineer.page.evaluate(() => window.remoteRender.requestControl());
  await viewer.page.waitForFunction(() => window.remoteRender.presence?.presenter != null);
  const forbidden = await refusal(viewer.page, 'sendMeasurePick', 0.5, 0.5);
  assert.equal(forbidden.code, 'forbidden');
  assert.match(forbidden.message, /presenting/);
  assert.deepEqual([...viewer.errors, ...engineer.errors], []);
  await viewer.context.close();
  await engineer.context.close();
});

/** Two points of the picture at which edges are seen, found by asking the host. */
async function edges(page) {
  const found = await page.evaluate(async () => {
    const client = window.remoteRender;
    const answer = (send) => new Promise((done) => {
      const stops = [];
      const end = (ok) => (stops.forEach((stop) => stop()), done(ok));
      stops.push(client.onAck((ack) => ack.seq === seq && end(true)), client.onError((error) => error.seq === seq && end(false)));
      const seq = send();
    });
    const points = [];
    for (const device of client.state.devices) {
      const { min, max } = device.bounds;
      const corner = client.project([max[0], max[1], max[2]]) ?? { x: 2, y: 2 };
      const middle = client.project(min.map((v, i) => (v + max[i]) / 2)) ?? { x: 2, y: 2 };
      for (const t of [0, 0.2, 0.4, 0.6]) {
        const at = { x: corner.x + (middle.x - corner.x) * t, y: corner.y + (middle.y - corner.y) * t };
        // Away from the panels that lie over the picture.
        if (at.x < 0.35 || at.x > 0.95 || at.y < 0.15 || at.y > 0.85) continue;
        const known = points.some((p) => Math.hypot(p.x - at.x, p.y - at.y) < 0.1);
        if (known || !(await answer(() => client.sendMeasurePick(at.x, at.y, { kind: 'edge', startsAnew: true })))) continue;
        points.push(at);
        if (points.length === 2) return points;
      }
    }
    return points;
  });
  assert.equal(found.length, 2, `edges are seen at ${JSON.stringify(found)} only`);
  return found;
}

/** Taps a point of the picture. */
async function tap(page, { x, y }) {
  const at = await page.evaluate(([x, y]) => {
    const video = document.querySelector('video');
    const box = video.getBoundingClientRect();
    const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    return [box.left + (box.width - width) / 2 + x * width, box.top + (box.height - height) / 2 + y * height];
  }, [x, y]);
  // Not so soon after the last one that it counts as a double tap.
  await page.waitForTimeout(450);
  await page.touchscreen.tap(...at);
}

/** What the host says to a message that it refuses. */
const refusal = (page, method, ...data) =>
  page.evaluate(
    ([method, data]) =>
      new Promise((done) => {
        const stop = window.remoteRender.onError((error) => (stop(), done(structuredClone(error))));
        window.remoteRender[method](...data);
      }),
    [method, data],
  );
