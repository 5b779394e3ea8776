/** The measuring tool: what to tap, and everything that was measured. */
import type { Measurement } from '../client/store.js';
import type { App } from './app.js';
import { allow, button, isAllowed } from './controls.js';
import { h, setText, show } from './dom.js';
import { leaveTool } from './tools.js';

/** How near things count, in pixels of a picture 720 high: a finger covers more than the tip of a pointer. */
export const SNAP_PX = { mouse: 10, touch: 24 } as const;

export class MeasureCard {
  private readonly hint = h('p', { class: 'note', 'aria-live': 'polite' });
  private readonly list = h('ul', { class: 'measurements' });
  private readonly clear: HTMLButtonElement;
  private readonly anew: HTMLButtonElement;
  private drawn: unknown[] = [];
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    this.clear = button({
      icon: 'trash',
      label: 'Remove all',
      text: true,
      onclick: () => isAllowed(this.clear) && app.client.sendMeasureClear(),
    });
    this.anew = button({ icon: 'plus', label: 'Measure something else', text: 'New', onclick: () => app.client.sendMeasureEnd() });
    this.element = h(
      'section',
      { class: 'tool-card', 'aria-label': 'Measure' },
      h('header', {}, h('h2', {}, 'Measure'), button({ icon: 'x', label: 'Close', shortcut: 'Esc', onclick: () => leaveTool(app) })),
      this.hint,
      this.list,
      h('div', { class: 'row' }, this.anew, this.clear),
    );
  }

  update(): void {
    const { app } = this;
    const { state } = app.client;
    show(this.element, app.view.tool === 'measure');
    if (app.view.tool !== 'measure' || !state) return;
    const { measurements, you } = state;
    const open = measurements.find((m) => m.isOpen && m.participantId === you.participantId);
    setText(this.hint, open ? 'Tap a second thing for distance and angle.' : 'Tap an edge, a corner or a face.');
    show(this.anew, open !== undefined);
    show(this.clear, measurements.length > 1);
    allow(this.clear, app.noShareReason);
    const now = [measurements, app.noShareReason];
    if (now.every((value, i) => value === this.drawn[i])) return;
    this.drawn = now;
    // The newest is what one looks for.
    this.list.replaceChildren(...[...measurements].reverse().map((m, i) => this.item(m, i === 0)));
  }

  private item(measurement: Measurement, isNewest: boolean): HTMLElement {
    const { app } = this;
    const remove: HTMLButtonElement = button({
      icon: 'trash',
      label: `Remove the measurement ${measurement.label}`,
      onclick: () => isAllowed(remove) && app.client.sendMeasureRemove(measurement.id),
    });
    allow(remove, app.noShareReason);
    const names = [...new Set(measurement.things.map((thing) => app.nameOf(thing.deviceId)))];
    const facts = measurement.facts.flatMap((fact) => [h('dt', {}, fact.name), h('dd', {}, fact.text)]);
    return h(
      'li',
      {},
      h(
        'details',
        { open: isNewest },
        h('summary', {}, h('span', { class: 'grow' }, h('strong', {}, title(measurement)), h('small', {}, names.join(' – ')))),
        h('dl', { class: 'facts' }, ...facts),
      ),
      h(
        'div',
        { class: 'measurement-buttons' },
        button({ icon: 'copy', label: `Copy ${title(measurement)}`, onclick: () => void app.copy(asText(measurement), 'Measurement') }),
        remove,
      ),
    );
  }
}

/** A single point has no value of its own yet. */
function title({ facts, label }: Measurement): string {
  return facts[0]?.quantity === 'x' ? 'Point' : label;
}

/** One line for each value, as one pastes it into a mail or a table. */
export function asText({ facts }: Measurement): string {
  return facts.map((fact) => `${fact.name}\t${fact.text}`).join('\n');
}
