/** While a connection is being made: from where, of which type, and how to stop. */
import { words, type App } from './app.js';
import { button } from './controls.js';
import { h, setText, show } from './dom.js';
import { icon } from './icons.js';

const USUAL = ['production_flow', 'material_flow', 'power', 'data'];

export class ConnectBanner {
  private readonly from = h('strong', {});
  private readonly type = h('select', {
    'aria-label': 'Type of the connection',
    onchange: () => this.app.set({ connectType: this.type.value }),
  });
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    this.element = h(
      'div',
      { class: 'banner', role: 'region', 'aria-label': 'New connection', 'aria-live': 'polite' },
      icon('flow'),
      h('p', { class: 'grow' }, 'Connect ', this.from, ' to… Pick a device in the picture or in the list.'),
      this.type,
      button({ icon: 'list', label: 'Show the list of devices', onclick: () => app.set({ list: true }) }),
      button({ icon: 'x', label: 'Cancel', shortcut: 'Esc', onclick: () => app.set({ connectFrom: null }) }),
    );
  }

  update(): void {
    const { connectFrom, connectType } = this.app.view;
    show(this.element, connectFrom !== null);
    if (connectFrom === null) return;
    // The device may have been removed meanwhile.
    if (!this.app.client.device(connectFrom)) return this.app.set({ connectFrom: null });
    setText(this.from, this.app.nameOf(connectFrom));
    const known = this.app.client.state?.connections.map((c) => c.type) ?? [];
    const types = [...new Set([...USUAL, ...known, connectType])];
    if (types.join() !== [...this.type.options].map((o) => o.value).join()) {
      this.type.replaceChildren(...types.map((type) => h('option', { value: type }, words(type))));
    }
    this.type.value = connectType;
  }
}
