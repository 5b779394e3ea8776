/** Everything that is known about one device, and its connections. */
import type { Connection, Device } from '../client/store.js';
import { words, type App } from './app.js';
import { duplicateDevice, removeDevice } from './context_menu.js';
import { allow, button, isAllowed } from './controls.js';
import { h, setText, show } from './dom.js';
import { icon, kindIcon } from './icons.js';

const AXES = ['X', 'Y', 'Z'] as const;
/** As the host takes it, metres. */
const MAX_POSITION = 50_000;

export class DetailsPanel {
  private readonly content = h('div', { class: 'panel-content' });
  private readonly title = h('h2', {}, 'Details');
  readonly element: HTMLElement;
  private drawn: unknown[] = [];

  constructor(private readonly app: App) {
    this.element = h(
      'aside',
      { class: 'panel panel-details', 'aria-label': 'Details' },
      h(
        'header',
        {},
        this.title,
        button({ icon: 'x', label: 'Close', shortcut: 'I', onclick: () => app.set({ details: false }) }),
      ),
      this.content,
    );
  }

  update(): void {
    const { app } = this;
    show(this.element, app.view.details);
    if (!app.view.details) return;
    const device = app.inspected;
    const { connections, devices } = app.client.state ?? {};
    const now = [device, connections, device ? null : devices?.length, app.role, app.connected];
    if (now.every((value, i) => value === this.drawn[i]) && this.drawn.length > 0) return;
    // Nobody wants a field to lose what they are typing because the device moved.
    if (this.content.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
    this.drawn = now;
    setText(this.title, device?.name ?? 'Details');
    const focused = this.content.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    this.content.replaceChildren(...(device ? this.device(device, connections ?? []) : [this.nothing()]));
    if (focused) this.content.querySelector<HTMLElement>(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  private nothing(): HTMLElement {
    return h('p', { class: 'note' }, 'Tap a device in the picture, or choose one in the list, to see what is known about it.');
  }

  private device(device: Device, connections: readonly Connection[]): HTMLElement[] {
    const size = device.bounds.max.map((max, i) => metres(max - (device.bounds.min[i] ?? 0)));
    const model = {
      none: 'No model: a marker stands for it',
      loading: 'The model is being read',
      ready: '',
      failed: 'The model could not be read: a marker stands for it',
    }[device.model];
    const facts = h(
      'dl',
      { class: 'facts' },
      ...row('Kind', h('span', { class: 'with-icon' }, kindIcon(device.kind), words(device.kind))),
      ...row('ID', h('code', {}, device.id)),
      ...row('Size', `${size.join(' × ')} m`),
    );
    const properties = Object.entries(device.properties);
    return [
      h('div', {}, model ? h('p', { class: `hint hint-${device.model}` }, icon('warning'), model) : null, facts),
      this.position(device),
      h(
        'section',
        {},
        h('h3', {}, 'Properties'),
        properties.length === 0
          ? h('p', { class: 'note' }, 'None')
          : h('dl', { class: 'facts' }, ...properties.flatMap(([key, value]) => property(key, value))),
      ),
      this.connections(device, connections),
      this.actions(device),
    ];
  }

  /** Moves a device by numbers, which also serves who cannot drag. */
  private position(device: Device): HTMLElement {
    const { app } = this;
    const fields = AXES.map((axis, i) =>
      h('input', {
        type: 'number',
        step: '0.1',
        value: metres(device.position[i] ?? 0),
        disabled: app.noEditReason !== null,
        'aria-label': `Position ${axis}, metres`,
        title: app.noEditReason ?? `Position ${axis}, metres`,
      }),
    );
    const move = (axis: number) => {
      const value = fields[axis]?.valueAsNumber ?? NaN;
      if (!(Math.abs(value) <= MAX_POSITION)) return;
      // The other fields show rounded numbers: their axes keep the exact ones.
      const [x, y, z] = (app.client.device(device.id) ?? device).position;
      app.client.sendDeviceDrag(device.id, axis === 0 ? value : x, axis === 1 ? value : y, axis === 2 ? value : z);
    };
    fields.forEach((field, axis) => field.addEventListener('change', () => move(axis)));
    fields.forEach((field) => field.addEventListener('blur', () => app.refresh()));
    return h(
      'section',
      {},
      h('h3', {}, 'Position, metres'),
      h('div', { class: 'axes' }, ...fields.map((field, i) => h('label', {}, h('span', {}, AXES[i] ?? ''), field))),
    );
  }

  private connections(device: Device, all: readonly Connection[]): HTMLElement {
    const { app } = this;
    const mine = all.filter((c) => c.sourceDeviceId === device.id || c.targetDeviceId === device.id);
    const items = mine.map((connection) => {
      const out = connection.sourceDeviceId === device.id;
      const other = out ? connection.targetDeviceId : connection.sourceDeviceId;
      const name = app.nameOf(other);
      const remove = button({
        icon: 'x',
        label: `Remove the connection with ${name}`,
        onclick: () => isAllowed(remove) && app.client.sendConnectionRemove(connection.id),
      });
      allow(remove, app.noEditReason);
      return h(
        'li',
        {},
        h(
          'button',
          { type: 'button', class: 'button connection', title: `Show ${name}`, onclick: () => app.choose(other) },
          icon(out ? 'arrowRight' : 'arrowLeft'),
          h('span', { class: 'grow' }, h('span', { class: 'sr-only' }, out ? 'To ' : 'From '), name, h('small', {}, words(connection.type))),
        ),
        remove,
      );
    });
    const connect = button({
      icon: 'flow',
      label: 'Connect to…',
      shortcut: 'C',
      text: true,
      class: 'button-wide',
      onclick: () => app.startConnecting(device.id),
    });
    allow(connect, app.noEditReason);
    return h(
      'section',
      {},
      h('h3', {}, 'Connections'),
      mine.length > 0 ? h('ul', { class: 'connections' }, ...items) : h('p', { class: 'note' }, 'None'),
      connect,
    );
  }

  private actions(device: Device): HTMLElement {
    const { app } = this;
    const wide = { text: true, class: 'button-wide' };
    const admin = app.noAdminReason === null;
    return h(
      'section',
      { class: 'actions' },
      app.role === 'viewer' && app.noEditReason !== null && h('p', { class: 'note' }, app.noEditReason),
      button({ icon: 'crosshair', label: 'Look at it', shortcut: 'F', ...wide, onclick: () => app.client.sendCameraFocus(device.id) }),
      button({ icon: 'copy', label: 'Copy ID', ...wide, onclick: () => void app.copy(device.id, 'ID') }),
      admin && button({ icon: 'copySimple', label: 'Duplicate', ...wide, onclick: () => duplicateDevice(app, device.id) }),
      admin &&
        button({ icon: 'trash', label: 'Remove', text: true, class: 'button-wide danger', onclick: () => removeDevice(app, device.id) }),
    );
  }
}

function row(name: string, value: Node | string): HTMLElement[] {
  return [h('dt', {}, name), h('dd', {}, value)];
}

/** To the centimetre, without a minus before nothing. */
const metres = (value: number): string => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);

/** `payload_kg: 12` reads "Payload 12 kg". */
function property(key: string, value: boolean | number | string): HTMLElement[] {
  if (typeof value === 'number') {
    for (const [ending, unit] of UNITS) {
      if (key.endsWith(ending)) return row(words(key.slice(0, -ending.length)), `${shown(value)} ${unit}`);
    }
  }
  return row(words(key), shown(value));
}

/** Longer endings first: `_m_per_s` ends like `_s`. */
const UNITS: [ending: string, unit: string][] = [
  ['_m_per_s', 'm/s'],
  ['_m_per_min', 'm/min'],
  ['_per_min', '/min'],
  ['_per_hour', '/h'],
  ['_um', 'µm'],
  ['_mm', 'mm'],
  ['_cm', 'cm'],
  ['_kg', 'kg'],
  ['_kw', 'kW'],
  ['_kva', 'kVA'],
  ['_bar', 'bar'],
  ['_deg', '°'],
  ['_rpm', 'rpm'],
  ['_c', '°C'],
  ['_v', 'V'],
  ['_a', 'A'],
  ['_t', 't'],
  ['_m', 'm'],
  ['_s', 's'],
];

function shown(value: boolean | number | string): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  return typeof value === 'number' ? value.toLocaleString('en') : value;
}
