/** What can be done with one device: after a long press or a right click. */
import type { App } from './app.js';
import { words } from './app.js';
import { allow, menuItem, openPopover } from './controls.js';
import { h } from './dom.js';
import { kindIcon } from './icons.js';

export function openContextMenu(app: App, id: string, at: { x: number; y: number }): void {
  const device = app.client.device(id);
  if (!device) return;
  const connect = menuItem({ icon: 'flow', label: 'Connect from here…', onclick: () => app.startConnecting(id) });
  allow(connect, app.noEditReason);
  const duplicate = menuItem({ icon: 'copySimple', label: 'Duplicate', onclick: () => duplicateDevice(app, id) });
  const remove = menuItem({ icon: 'trash', label: 'Remove', class: 'danger', onclick: () => removeDevice(app, id) });
  const content = h(
    'div',
    { class: 'menu' },
    h('div', { class: 'menu-title' }, kindIcon(device.kind), h('div', {}, h('strong', {}, device.name), h('small', {}, words(device.kind)))),
    menuItem({ icon: 'info', label: 'Details', shortcut: 'I', onclick: () => app.set({ inspected: id, details: true }) }),
    menuItem({ icon: 'crosshair', label: 'Look at it', onclick: () => app.client.sendCameraFocus(id) }),
    connect,
    menuItem({ icon: 'copy', label: 'Copy ID', onclick: () => void app.copy(id, 'ID') }),
    ...(app.role === 'admin' ? [duplicate, remove] : []),
  );
  openPopover(content, `Actions for ${device.name}`, at);
}

/** Places a copy beside the device. */
export function duplicateDevice(app: App, id: string): void {
  const device = app.client.device(id);
  if (!device) return;
  const width = device.bounds.max[0] - device.bounds.min[0];
  const [x, y, z] = device.position;
  app.client.sendDeviceAdd({
    name: `${device.name} copy`,
    kind: device.kind,
    copyModelOf: id,
    position: [x + width + 0.5, y, z],
    properties: { ...device.properties },
  });
}

export function removeDevice(app: App, id: string): void {
  const name = app.nameOf(id);
  if (app.client.sendDeviceRemove(id) !== null) app.toast(`${name} removed. Ctrl+Z brings it back.`);
}
