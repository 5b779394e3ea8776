// Where the time goes between input and picture, on a direct and on a shaped link.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as h from './harness.mjs';
import { openLink } from './link.mjs';

after(h.closeBrowser);

const STAGES = ['up', 'wait', 'render', 'encode', 'down', 'decode', 'display'];
const sum = (of) => STAGES.reduce((total, stage) => total + of[stage], 0);
const network = (of) => of.up + of.down;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Probes on a link with that delay each way. */
async function probes(delayMs) {
  const folder = h.temporaryFolder();
  const link = await openLink({ delayMs });
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path), '--advertise', link.address]);
  link.connect(Number(new URL(host.ready.url).port));
  const { page, context, errors } = await h.openViewer(host.ready.url);
  try {
    await h.waitForPicture(page);
    // Until the host knows what the link carries.
    await page.waitForTimeout(5000);
    const found = await page.evaluate(() => window.remoteRender.latencyTest(15));
    assert.deepEqual(errors, []);
    return found;
  } finally {
    await context.close();
    await host.kill();
    link.close();
    folder.remove();
  }
}

test('the stages of an input sum to the whole, and a longer way shows as network and nowhere else', async (t) => {
  const near = await probes(0);
  const far = await probes(50);
  for (const [name, found] of Object.entries({ near, far })) {
    const parts = STAGES.map((stage) => `${stage} ${found.stages[stage].p50.toFixed(1)}/${found.stages[stage].p95.toFixed(1)}`);
    t.diagnostic(`${name}: ${found.p50.toFixed(0)}/${found.p95.toFixed(0)} ms: ${parts.join(', ')}`);
    assert.ok(found.inputs.length >= 12, `${name}: ${found.inputs.length} of 15 probes`);
    found.inputs.forEach((of, i) => {
      assert.ok(Math.abs(sum(of) - found.samples[i]) < 1e-6, `${JSON.stringify(of)} is not ${found.samples[i]}`);
      assert.ok(STAGES.every((stage) => of[stage] >= 0), JSON.stringify(of));
    });
  }
  const grown = (of) => median(far.inputs.map(of)) - median(near.inputs.map(of));
  assert.ok(Math.abs(grown(network) - 100) < 30, `the network grew by ${grown(network)} ms`);
  for (const stage of ['wait', 'render', 'encode', 'decode', 'display']) {
    assert.ok(Math.abs(grown((of) => of[stage])) < 30, `${stage} grew by ${grown((of) => of[stage])} ms`);
  }
  assert.ok(Math.abs(median(far.inputs.map((of) => of.up)) - 50) < 20, 'half of the round trip goes up');
});

test('the figures show the stages of what a person does, and measure on demand by keyboard', async () => {
  const folder = h.temporaryFolder();
  const host = await h.startHost(folder.path, [h.sampleLine(folder.path)]);
  const { page, context, errors } = await h.openViewer(host.ready.url);
  try {
    await h.waitForPicture(page);
    await page.locator('main.stage').press('l');
    const panel = page.getByRole('region', { name: 'Connection figures' });
    await panel.waitFor();
    assert.equal(await panel.getByRole('table').count(), 0, 'there is nothing to show yet');
    for (let i = 0; i < 12; i++) {
      await page.evaluate(() => window.remoteRender.sendCameraOrbit(6, 0));
      await page.waitForTimeout(80);
    }
    const table = panel.getByRole('table', { name: 'From input to picture' });
    await table.waitFor();
    assert.equal(await table.getByRole('row').count(), STAGES.length + 2);
    assert.match(await table.getByRole('row', { name: /Drawing/ }).innerText(), /Drawing\s+[\d.]+ ms\s+[\d.]+ ms/);
    assert.match(await panel.getByRole('img', { name: /On average: To the host [\d.]+ ms, / }).getAttribute('aria-label'), /Screen/);
    await panel.getByRole('button', { name: 'Measure latency' }).focus();
    await page.keyboard.press('Enter');
    await panel.getByText(/Measuring: \d+ of 20/).waitFor();
    await panel.getByText(/Input to picture: P50 [\d.]+ ms, P95 [\d.]+ ms/).waitFor({ timeout: 30_000 });
    await panel.getByText(/Of \d+ probes/).waitFor();
    await table.scrollIntoViewIfNeeded();
    for (const scheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(h.output, `stages-${scheme}.png`) });
    }
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
    await host.kill();
    folder.remove();
  }
});
