/** Name and state of the session at the left, people and tools at the right. */
import type { App } from './app.js';
import { button, menuItem, openPopover } from './controls.js';
import { h, setText, show } from './dom.js';
import { isFullscreen, toggleFullscreen } from './fullscreen.js';
import { toggleHelp } from './help.js';
import { icon } from './icons.js';
import { peopleContent } from './people.js';
import { theme, toggleTheme } from './theme.js';

export class TopBar {
  private readonly name = h('span', { class: 'workspace' });
  private readonly statusText = h('span', {});
  private readonly status = h('span', { class: 'status', role: 'status' }, h('i', { class: 'status-dot' }), this.statusText);
  private readonly list: HTMLButtonElement;
  private readonly people: HTMLButtonElement;
  private readonly count = h('span', { class: 'count' });
  private readonly stats: HTMLButtonElement;
  private readonly theme: HTMLButtonElement;
  private readonly full: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    const { client } = app;
    this.list = button({
      icon: 'list',
      label: 'Devices',
      shortcut: 'D',
      onclick: () => app.set({ list: !app.view.list }),
    });
    this.people = button({
      icon: 'users',
      label: 'People',
      onclick: () => openPopover(peopleContent(app), 'People in this session', this.people),
    });
    this.people.append(this.count);
    this.stats = button({
      icon: 'chart',
      label: 'Connection figures',
      shortcut: 'L',
      class: 'wide-only',
      onclick: () => app.set({ stats: !app.view.stats }),
    });
    this.theme = button({ icon: 'sun', label: 'Light or dark', class: 'wide-only', onclick: () => this.switchTheme() });
    const help = button({
      icon: 'question',
      label: 'Gestures and shortcuts',
      shortcut: '?',
      class: 'wide-only',
      onclick: toggleHelp,
    });
    this.full = button({
      icon: 'cornersOut',
      label: 'Full screen',
      shortcut: 'G',
      onclick: () => void toggleFullscreen(app),
    });
    const more: HTMLButtonElement = button({
      icon: 'dots',
      label: 'More',
      class: 'narrow-only',
      onclick: () => openPopover(this.moreMenu(), 'More', more),
    });
    this.element = h(
      'header',
      { class: 'topbar' },
      h('div', { class: 'cluster cluster-title' }, this.list, this.name, this.status),
      h('div', { class: 'cluster' }, this.people, this.stats, this.theme, help, this.full, more),
    );
    client.onStatus(() => app.refresh());
  }

  update(): void {
    const { client, view } = this.app;
    const { phase, attempt, queue } = client.status;
    const label = {
      idle: 'Not connected',
      connecting: 'Connecting…',
      waiting: 'Waiting for the host',
      connected: 'Live',
      reconnecting: `Reconnecting (${attempt})…`,
      failed: 'Disconnected',
    }[phase];
    setText(this.statusText, queue ? `Waiting, place ${queue.place}` : label);
    this.status.dataset['phase'] = phase;
    setText(this.name, client.state?.workspace || 'Remote Render');
    if (document.title !== this.name.textContent) document.title = `${this.name.textContent} · Remote Render`;
    this.list.setAttribute('aria-pressed', String(view.list));
    this.stats.setAttribute('aria-pressed', String(view.stats));
    const others = client.presence?.participants.length ?? 0;
    setText(this.count, String(others));
    show(this.count, this.app.connected && others > 0);
    this.people.setAttribute('aria-label', others > 0 ? `People: ${others}` : 'People');
    this.setIcon(this.full, isFullscreen(this.app) ? 'cornersIn' : 'cornersOut');
    this.setIcon(this.theme, theme() === 'dark' ? 'sun' : 'moon');
  }

  private moreMenu(): HTMLElement {
    const dark = theme() === 'dark';
    return h(
      'div',
      { class: 'menu' },
      menuItem({ icon: 'chart', label: 'Connection figures', onclick: () => this.app.set({ stats: !this.app.view.stats }) }),
      menuItem({ icon: dark ? 'sun' : 'moon', label: dark ? 'Light' : 'Dark', onclick: () => this.switchTheme() }),
      menuItem({ icon: 'question', label: 'Gestures and shortcuts', onclick: toggleHelp }),
    );
  }

  private switchTheme(): void {
    toggleTheme();
    this.app.refresh();
  }

  private setIcon(element: HTMLElement, name: Parameters<typeof icon>[0]): void {
    if (element.dataset['icon'] === name) return;
    element.dataset['icon'] = name;
    element.querySelector('.icon')?.replaceWith(icon(name));
  }
}
