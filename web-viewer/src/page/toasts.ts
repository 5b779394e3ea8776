/** Short notes that go by themselves, and what screen readers hear. */
import type { App } from './app.js';
import { h } from './dom.js';
import { icon } from './icons.js';

const SHOWN_MS = 4000;
/** The same note is not shown again while somebody goes on doing what brought it. */
const REPEAT_MS = 4000;
const MAX_TOASTS = 3;

export class Toasts {
  readonly element = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  private readonly last = new Map<string, number>();

  constructor(app: App) {
    app.onToast(({ text, kind }) => this.add(text, kind));
  }

  private add(text: string, kind: 'info' | 'error'): void {
    const now = performance.now();
    if (now - (this.last.get(text) ?? -Infinity) < REPEAT_MS) return;
    if (this.last.size > 50) this.last.clear();
    this.last.set(text, now);
    const toast = h('div', { class: `toast toast-${kind}` }, icon(kind === 'error' ? 'warning' : 'info'), h('span', {}, text));
    this.element.append(toast);
    while (this.element.children.length > MAX_TOASTS) this.element.firstElementChild?.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  }
}
