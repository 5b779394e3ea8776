/** What is selected at the left, views in the middle, undo and redo at the right. */
import { words, type App } from './app.js';
import { allow, button, isAllowed, menuItem, openPopover } from './controls.js';
import { h, setText, show } from './dom.js';
import { kindIcon } from './icons.js';
import { STANDARD_VIEWS } from './keyboard.js';
import type { Stage } from './stage.js';

export class BottomBar {
  private readonly name = h('strong', {});
  private readonly kind = h('small', {});
  private readonly symbol = h('span', { class: 'kind-icon' });
  private readonly chip: HTMLElement;
  private readonly views: HTMLElement;
  private readonly edits: HTMLElement;
  private readonly connect: HTMLButtonElement;
  private readonly details: HTMLButtonElement;
  private readonly own: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(
    private readonly app: App,
    private readonly stage: Stage,
  ) {
    const { client } = app;
    this.details = button({
      icon: 'info',
      label: 'Details',
      shortcut: 'I',
      onclick: () => app.set({ details: !app.view.details }),
    });
    this.connect = button({
      icon: 'flow',
      label: 'Connect from here',
      shortcut: 'C',
      onclick: () => app.inspected && app.startConnecting(app.inspected.id),
    });
    this.chip = h(
      'div',
      { class: 'cluster chip' },
      this.symbol,
      h('div', { class: 'chip-text' }, this.name, this.kind),
      this.details,
      this.connect,
      button({
        icon: 'crosshair',
        label: 'Look at it',
        shortcut: 'F',
        onclick: () => app.inspected && this.stage.maySteer() && client.sendCameraFocus(app.inspected.id),
      }),
      button({ icon: 'x', label: 'Clear the selection', shortcut: 'Esc', onclick: () => app.choose(null) }),
    );
    const more: HTMLButtonElement = button({
      icon: 'caretUp',
      label: 'All views',
      onclick: () => openPopover(this.viewMenu(), 'Views', more),
    });
    this.own = button({
      icon: 'eye',
      label: 'My own camera',
      shortcut: 'O',
      onclick: () => app.toggleOwnCamera(),
    });
    this.views = h(
      'div',
      { class: 'cluster', role: 'group', 'aria-label': 'Views' },
      this.view('cube', 'Iso', 'iso', '1'),
      this.view('square', 'Front', 'front', '2'),
      this.view('arrowLineDown', 'Top', 'top', '6'),
      this.view('frame', 'Fit', 'fit', 'F'),
      more,
      this.own,
    );
    this.undo = button({ icon: 'undo', label: 'Undo', shortcut: 'Ctrl+Z', onclick: () => this.edit(() => client.undo()) });
    this.redo = button({ icon: 'redo', label: 'Redo', shortcut: 'Ctrl+Y', onclick: () => this.edit(() => client.redo()) });
    this.edits = h('div', { class: 'cluster', role: 'group', 'aria-label': 'Changes' }, this.undo, this.redo);
    this.element = h(
      'footer',
      { class: 'bottombar' },
      h('div', { class: 'bar-left' }, this.chip),
      this.views,
      h('div', { class: 'bar-right' }, this.edits),
    );
  }

  update(): void {
    const { app } = this;
    const device = app.inspected;
    const count = app.client.state?.selection.length ?? 0;
    show(this.chip, device !== null);
    if (device) {
      setText(this.name, device.name);
      setText(this.kind, count > 1 ? `and ${count - 1} more` : words(device.kind));
      if (this.symbol.dataset['kind'] !== device.kind) {
        this.symbol.dataset['kind'] = device.kind;
        this.symbol.replaceChildren(kindIcon(device.kind));
      }
    }
    this.details.setAttribute('aria-pressed', String(app.view.details));
    this.own.setAttribute('aria-pressed', String(app.client.hasOwnCamera));
    allow(this.connect, app.noEditReason);
    allow(this.undo, app.noEditReason);
    allow(this.redo, app.noEditReason);
    show(this.edits, app.role !== 'viewer');
    show(this.views, app.client.state !== null);
  }

  private edit(act: () => void): void {
    if (isAllowed(this.undo)) act();
    else if (this.app.noEditReason) this.app.toast(this.app.noEditReason, 'error');
  }

  private go(name: string): void {
    if (this.stage.maySteer()) this.app.client.sendCameraView(name);
  }

  private view(icon: Parameters<typeof button>[0]['icon'], label: string, name: string, shortcut: string): HTMLButtonElement {
    return button({ icon, label: `View: ${label}`, text: label, shortcut, class: 'button-view', onclick: () => this.go(name) });
  }

  private viewMenu(): HTMLElement {
    const named = this.app.client.state?.views ?? [];
    return h(
      'div',
      { class: 'menu' },
      ...STANDARD_VIEWS.map((name, i) =>
        menuItem({ icon: 'cube', label: words(name), shortcut: String(i + 1), onclick: () => this.go(name) }),
      ),
      named.length > 0 && h('h3', {}, 'Of this workspace'),
      ...named.map((name) => menuItem({ icon: 'perspective', label: name, onclick: () => this.go(name) })),
    );
  }
}
