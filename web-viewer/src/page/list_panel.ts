/** All devices as a list: found by name, chosen by keyboard, in step with the selection in the picture. */
import type { Device } from '../client/store.js';
import { words, type App } from './app.js';
import { button } from './controls.js';
import { h, setText, show } from './dom.js';
import { icon, kindIcon } from './icons.js';

/** Rows that are drawn; whoever has more devices finds the others by name. */
const MAX_ROWS = 3000;
/** `Cell 2` comes before `Cell 10`. */
const byName = new Intl.Collator(undefined, { numeric: true });

export class ListPanel {
  private readonly search = h('input', {
    type: 'search',
    placeholder: 'Search by name or kind',
    'aria-label': 'Search devices',
    'aria-controls': 'device-list',
    oninput: () => this.update(),
    onkeydown: (event: KeyboardEvent) => {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        this.list.focus();
      }
    },
  });
  private readonly count = h('span', { class: 'muted' });
  private readonly list = h('ul', {
    id: 'device-list',
    class: 'device-list',
    role: 'listbox',
    tabIndex: 0,
    'aria-label': 'Devices',
    'aria-multiselectable': 'true',
    onkeydown: (event: KeyboardEvent) => this.key(event),
  });
  private readonly nothing = h('p', { class: 'note' });
  readonly element: HTMLElement;
  private shown: readonly Device[] = [];
  private drawn: readonly Device[] | null = null;
  private drawnFor = '';
  private active: string | null = null;
  private readonly filled = new WeakMap<HTMLElement, Device>();
  private readonly rows = new Map<string, HTMLElement>();

  constructor(private readonly app: App) {
    this.element = h(
      'aside',
      { class: 'panel panel-list', 'aria-label': 'Devices' },
      h(
        'header',
        {},
        h('h2', {}, 'Devices'),
        this.count,
        button({ icon: 'x', label: 'Close', shortcut: 'D', onclick: () => app.set({ list: false }) }),
      ),
      this.search,
      this.list,
      this.nothing,
    );
  }

  update(): void {
    const { app } = this;
    show(this.element, app.view.list);
    if (!app.view.list) return;
    const devices = app.client.state?.devices ?? [];
    const wanted = this.search.value.trim().toLowerCase();
    if (this.drawn !== devices || this.drawnFor !== wanted) this.draw(devices, wanted);
    const selected = new Set(app.client.state?.selection);
    if (app.view.inspected !== null && app.role === 'viewer') selected.add(app.view.inspected);
    for (const [id, row] of this.rows) {
      const now = String(selected.has(id));
      if (row.getAttribute('aria-selected') !== now) row.setAttribute('aria-selected', now);
      row.classList.toggle('is-active', id === this.active);
    }
  }

  private draw(devices: readonly Device[], wanted: string): void {
    this.drawn = devices;
    this.drawnFor = wanted;
    const found = devices.filter((d) => `${d.name} ${d.kind} ${words(d.kind)}`.toLowerCase().includes(wanted));
    found.sort((a, b) => byName.compare(a.name, b.name));
    this.shown = found.slice(0, MAX_ROWS);
    setText(this.count, wanted ? `${found.length} of ${devices.length}` : String(devices.length));
    const before = new Map(this.rows);
    this.rows.clear();
    const rows = this.shown.map((device) => {
      const row = before.get(device.id) ?? this.row(device.id);
      this.fill(row, device);
      this.rows.set(device.id, row);
      return row;
    });
    // Devices move all the time; the list changes rarely.
    const old = this.list.children;
    if (rows.length !== old.length || rows.some((row, i) => row !== old[i])) this.list.replaceChildren(...rows);
    const why =
      found.length > MAX_ROWS ? `${found.length - MAX_ROWS} more: search by name.` : devices.length === 0 ? 'No devices yet.' : 'No device has this in its name.';
    setText(this.nothing, why);
    show(this.nothing, found.length === 0 || found.length > MAX_ROWS);
  }

  private row(id: string): HTMLElement {
    return h('li', {
      role: 'option',
      id: `device-${id}`,
      onclick: (event: MouseEvent) => this.choose(id, event.shiftKey || event.ctrlKey || event.metaKey),
      ondblclick: () => this.app.client.sendCameraFocus(id),
    });
  }

  private fill(row: HTMLElement, device: Device): void {
    if (this.filled.get(row) === device) return;
    this.filled.set(row, device);
    const key = `${device.name}|${device.kind}|${device.model}`;
    if (row.dataset['key'] === key) return;
    row.dataset['key'] = key;
    const state = { none: null, ready: null, loading: 'Loading', failed: 'Failed' }[device.model];
    row.replaceChildren(
      kindIcon(device.kind),
      h('span', { class: 'grow' }, h('span', { class: 'device-name' }, device.name), h('small', {}, words(device.kind))),
      state ? h('span', { class: `badge badge-${device.model}` }, device.model === 'failed' ? icon('warning') : '', state) : '',
    );
  }

  private choose(id: string, toggle: boolean): void {
    this.active = id;
    this.list.setAttribute('aria-activedescendant', `device-${id}`);
    this.app.choose(id, toggle);
    this.update();
  }

  private key(event: KeyboardEvent): void {
    const at = this.shown.findIndex((d) => d.id === this.active);
    const to = { ArrowDown: at + 1, ArrowUp: Math.max(at - 1, 0), Home: 0, End: this.shown.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const device = this.shown[Math.min(to, this.shown.length - 1)];
      if (!device) return;
      this.active = device.id;
      this.list.setAttribute('aria-activedescendant', `device-${device.id}`);
      this.rows.get(device.id)?.scrollIntoView({ block: 'nearest' });
      this.update();
    } else if ((event.key === 'Enter' || event.key === ' ') && this.active !== null) {
      event.preventDefault();
      this.choose(this.active, event.ctrlKey || event.metaKey || event.shiftKey);
    }
  }
}
