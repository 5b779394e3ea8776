/** Tools for the picture: buttons that take one in hand, and the card that it brings. */
import type { App } from './app.js';
import { allow, button, isAllowed } from './controls.js';
import { h, show } from './dom.js';
import { MeasureCard } from './measure_card.js';
import { SectionCard } from './section_card.js';

/** What a tap on the picture means; null: it selects. */
export type Tool = 'section' | 'measure';

export class Tools {
  private readonly buttons: Record<Tool, HTMLButtonElement>;
  private readonly section: SectionCard;
  private readonly measure: MeasureCard;
  private readonly bar: HTMLElement;
  /** Reminds of a section that is on, and brings back what it cuts away. */
  private readonly chip: HTMLElement;
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    this.section = new SectionCard(app);
    this.measure = new MeasureCard(app);
    this.buttons = {
      section: button({ icon: 'section', label: 'Section', shortcut: 'X', onclick: () => toggleTool(app, 'section') }),
      measure: button({ icon: 'ruler', label: 'Measure', shortcut: 'M', onclick: () => toggleTool(app, 'measure') }),
    };
    this.bar = h('div', { class: 'cluster tool-buttons', role: 'group', 'aria-label': 'Tools' }, this.buttons.section, this.buttons.measure);
    this.chip = h(
      'div',
      { class: 'cluster', role: 'status' },
      button({ icon: 'section', label: 'Cut open', text: true, onclick: () => toggleTool(app, 'section') }),
      button({
        icon: 'x',
        label: 'Switch the section off',
        onclick: (event) => {
          if (isAllowed(event.currentTarget as Element)) app.client.sendSection([]);
        },
      }),
    );
    this.element = h('div', { class: 'tools' }, this.bar, this.chip, this.section.element, this.measure.element);
  }

  update(): void {
    const { app } = this;
    const { tool } = app.view;
    const state = app.client.state;
    show(this.element, state !== null);
    for (const [name, element] of Object.entries(this.buttons)) {
      element.setAttribute('aria-pressed', String(tool === name));
      allow(element, tool === name ? null : app.noShareReason);
    }
    show(this.chip, tool !== 'section' && (state?.section.length ?? 0) > 0);
    const off = this.chip.querySelector<HTMLButtonElement>('.button-icon');
    if (off) allow(off, app.noShareReason);
    this.section.update();
    this.measure.update();
  }
}

/** Takes a tool in hand, or puts it away when it is in hand already. Who may not steer is told why. */
export function toggleTool(app: App, tool: Tool): void {
  const { tool: before } = app.view;
  if (before === tool) return leaveTool(app);
  if (app.noShareReason !== null) return app.toast(app.noShareReason);
  leaveTool(app);
  app.set({ tool, connectFrom: null });
  if (tool === 'section') SectionCard.begin(app);
}

/** Puts away what is in hand. What it made stays. */
export function leaveTool(app: App): void {
  const { tool } = app.view;
  if (tool === null) return;
  if (tool === 'measure') app.client.sendMeasureEnd();
  app.set({ tool: null });
}
