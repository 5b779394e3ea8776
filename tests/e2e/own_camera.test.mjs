// Viewers who look through a camera of their own, in a real browser.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as h from './harness.mjs';

let folder, host;

before(async () => {
  folder = h.temporaryFolder();
  // One, so that there is somebody for whom there is no room.
  host = await h.startHost(folder.path, ['--most-own-cameras', '1', h.sampleLine(folder.path)]);
});

after(async () => {
  await h.closeBrowser();
  await host?.kill();
  folder?.remove();
});

const has = (page) => page.evaluate(() => window.remoteRender.hasOwnCamera);
const until = (page, on) => page.waitForFunction((on) => window.remoteRender.hasOwnCamera === on, on);

test('one leaves the shared view while another presents, looks around, and comes back', async () => {
  const viewer = await h.openViewer(host.ready.links.viewer, { hasTouch: true });
  const engineer = await h.openViewer(host.ready.links.engineer);
  await h.waitForPicture(viewer.page);
  await h.waitForPicture(engineer.page);
  await engineer.page.evaluate(() => window.remoteRender.requestControl());
  await viewer.page.waitForFunction(() => window.remoteRender.presence?.presenter !== null);
  const shared = (await h.state(viewer.page)).camera;

  const button = viewer.page.getByRole('button', { name: 'My own camera' });
  await button.tap();
  await until(viewer.page, true);
  await viewer.page.waitForFunction(() => document.querySelector('[aria-label="My own camera"]').ariaPressed === 'true');
  const before = await h.samplePicture(viewer.page);
  await viewer.page.getByRole('button', { name: 'View: Top' }).tap();
  await h.waitForChange(viewer.page, before, 4);
  assert.deepEqual((await h.state(engineer.page)).camera, shared, 'the shared camera moved');
  assert.notDeepEqual((await h.state(viewer.page)).camera, shared);
  await viewer.page.screenshot({ path: join(h.output, 'own-camera.png') });

  // The presenter moves: nothing of it is seen there.
  const [theirs, mine] = [await h.samplePicture(engineer.page), await h.samplePicture(viewer.page)];
  await engineer.page.evaluate(() => window.remoteRender.sendCameraOrbit(150, 30));
  await h.waitForChange(engineer.page, theirs, 4);
  assert.ok(h.difference(await h.samplePicture(viewer.page), mine) < 2, 'the own camera follows the presenter');

  // There is no room for a second one, and that is said.
  const third = await h.openViewer(host.ready.links.viewer);
  await h.waitForPicture(third.page);
  await third.page.keyboard.press('o');
  await third.page.getByText('no room for another camera').waitFor();
  assert.equal(await has(third.page), false);

  // Back by keyboard: the same picture as everybody's.
  await viewer.page.keyboard.press('o');
  await until(viewer.page, false);
  await h.waitForChange(viewer.page, mine, 4);
  await viewer.page.waitForFunction(() => window.remoteRender.presence.participants.every((p) => !p.ownCamera));
  assert.deepEqual((await h.state(viewer.page)).camera, (await h.state(engineer.page)).camera);
  await third.page.keyboard.press('o');
  await until(third.page, true);
  for (const { context } of [viewer, engineer, third]) await context.close();
});
