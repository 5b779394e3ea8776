/** Where the time goes between an input and the picture that shows it, as a bar and a table. */
import type { LatencyReport } from '../client/latency.js';
import { STAGES, type Stage } from '../client/stages.js';
import type { App } from './app.js';
import { button } from './controls.js';
import { h, setText, show } from './dom.js';

const PROBES = 20;

const NAMES: Record<Stage, [name: string, title: string]> = {
  up: ['To the host', 'The input on its way: half of the round trip'],
  wait: ['Waiting', 'Until the host begins the picture: it finishes the one before'],
  render: ['Drawing', 'The host draws the picture'],
  encode: ['Encoding', 'The host encodes the picture and hands it to the network'],
  down: ['To you', 'The picture on its way, to its last packet'],
  decode: ['Decoding', 'This device decodes the picture'],
  display: ['Screen', 'Until the screen shows it'],
};

export class LatencyView {
  private readonly segments = STAGES.map((stage) => h('span', { class: `stage-${stage}` }));
  private readonly bar = h('div', { class: 'stage-bar', role: 'img' }, ...this.segments);
  private readonly cells = STAGES.map(() => [h('td'), h('td')] as const);
  private readonly whole = [h('td'), h('td')] as const;
  private readonly table: HTMLElement;
  private readonly note = h('p', { class: 'note' });
  private readonly result = h('p', { class: 'note', role: 'status' });
  private readonly echo = h('input', { type: 'checkbox' });
  readonly elements: HTMLElement[];
  private testing = false;
  /** Of the last test, until something else is done. */
  private tested: LatencyReport | null = null;

  constructor(private readonly app: App) {
    const column = (text: string, title: string) => h('th', { scope: 'col', title }, text);
    const row = (stage: Stage, i: number) => {
      const [name, title] = NAMES[stage];
      const swatch = h('span', { class: `swatch stage-${stage}`, 'aria-hidden': 'true' });
      return h('tr', {}, h('th', { scope: 'row', title }, swatch, name), ...(this.cells[i] ?? []));
    };
    this.table = h(
      'table',
      { class: 'stage-table' },
      h('caption', {}, 'From input to picture'),
      h('thead', {}, h('tr', {}, h('td'), column('P50', 'Half of the inputs took no longer'), column('P95', '95 of 100 inputs took no longer'))),
      h('tbody', {}, ...STAGES.map(row)),
      h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'All together'), ...this.whole)),
    );
    const test = button({ icon: 'timer', label: 'Measure latency', text: true, class: 'button-wide', onclick: () => void this.run() });
    this.echo.addEventListener('change', () => app.set({ echo: this.echo.checked }));
    const title = 'Draws camera moves on this device until the host’s picture of them is here. In use where the round trip is longer than 40 ms.';
    const echo = h('label', { class: 'check', title }, this.echo, 'Show camera moves at once');
    this.elements = [h('h3', {}, 'Delay'), this.bar, this.table, this.note, test, this.result, echo];
    app.client.onLatency(() => {
      // What a test does is in its own report.
      if (!this.testing) this.tested = null;
      app.refresh();
    });
  }

  update(): void {
    this.echo.checked = this.app.view.echo;
    const found = this.tested ?? (this.testing ? null : this.app.client.latency);
    const stages = found?.stages ?? null;
    show(this.bar, stages !== null);
    show(this.table, stages !== null);
    show(this.note, !this.testing);
    if (!found || !stages) return setText(this.note, 'Move the camera, or measure, to see where the time goes.');
    const mean = STAGES.reduce((sum, stage) => sum + stages[stage].mean, 0);
    STAGES.forEach((stage, i) => {
      const { p50, p95, mean: width } = stages[stage];
      const segment = this.segments[i];
      if (segment) segment.style.flexGrow = (mean > 0 ? width / mean : 0).toFixed(4);
      const [half, most] = this.cells[i] ?? [];
      if (half && most) [setText(half, ms(p50)), setText(most, ms(p95))];
    });
    setText(this.whole[0], ms(found.p50));
    setText(this.whole[1], ms(found.p95));
    const parts = STAGES.map((stage) => `${NAMES[stage][0]} ${ms(stages[stage].mean)}`).join(', ');
    const label = `On average: ${parts}`;
    if (this.bar.getAttribute('aria-label') !== label) this.bar.setAttribute('aria-label', label);
    const count = found.inputs.length;
    const what = this.tested ? `${count} ${count === 1 ? 'probe' : 'probes'}` : count === 1 ? 'the last input' : `the last ${count} inputs`;
    setText(this.note, `Of ${what}; the bar shows averages.`);
  }

  private async run(): Promise<void> {
    if (this.testing) return;
    if (!this.app.connected) return setText(this.result, 'Not connected to the host.');
    this.testing = true;
    this.tested = null;
    this.app.refresh();
    try {
      const found = await this.app.client.latencyTest(PROBES, (done) => setText(this.result, `Measuring: ${done} of ${PROBES}`));
      const lost = found.lost > 0 ? `, ${found.lost} lost` : '';
      const text = `Input to picture: P50 ${ms(found.p50)}, P95 ${ms(found.p95)}${lost}`;
      setText(this.result, found.samples.length > 0 ? text : 'No probe came back. The host may be busy; try again.');
      this.tested = found.stages ? found : null;
    } catch (error) {
      setText(this.result, error instanceof Error ? `${error.message}.` : String(error));
    } finally {
      this.testing = false;
      this.app.refresh();
    }
  }
}

const ms = (value: number): string => `${value.toFixed(value < 9.95 ? 1 : 0)} ms`;
