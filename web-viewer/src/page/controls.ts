/** Buttons and popovers as all parts of the page use them. */
import { h } from './dom.js';
import { icon, type IconName } from './icons.js';

export interface ButtonOptions {
  icon: IconName;
  label: string;
  /** As people press it, such as `Ctrl+Z`. */
  shortcut?: string;
  /** Shows the label beside the icon. */
  text?: boolean | string;
  class?: string;
  onclick(event: MouseEvent): void;
}

/** A button with an icon, a name and a tooltip that tells its shortcut. */
export function button(options: ButtonOptions): HTMLButtonElement {
  const { label, shortcut } = options;
  const text = options.text === true ? label : options.text;
  return h(
    'button',
    {
      type: 'button',
      class: `button ${text ? '' : 'button-icon'} ${options.class ?? ''}`,
      title: shortcut ? `${label} (${shortcut})` : label,
      'aria-label': label,
      'aria-keyshortcuts': shortcut?.replace('Ctrl', 'Control'),
      onclick: options.onclick,
    },
    icon(options.icon),
    text ? h('span', {}, text) : null,
  );
}

/**
 * Enables a button, or says why it is off. It stays focusable, so that everybody can find out the reason; a press on it
 * does nothing.
 */
export function allow(element: HTMLButtonElement, reason: string | null): void {
  const label = element.getAttribute('aria-label') ?? '';
  const base = (element.dataset['title'] ??= element.title);
  const title = reason === null ? base : `${label}: ${reason}`;
  if (element.title !== title) element.title = title;
  element.setAttribute('aria-disabled', String(reason !== null));
  element.dataset['reason'] = reason ?? '';
}

export const isAllowed = (element: Element): boolean => element.getAttribute('aria-disabled') !== 'true';

let opened: { close(): void } | null = null;

/** Closes the popover that is open; true when there was one. */
export function closePopover(): boolean {
  const was = opened;
  opened?.close();
  return was !== null;
}

/** Opens a small panel beside its anchor, or at a point. One is open at a time; Escape and a press outside close it. */
export function openPopover(
  content: HTMLElement,
  label: string,
  anchor: Element | { x: number; y: number },
): { close(): void } {
  const again = opened && anchor instanceof Element && anchor.getAttribute('aria-expanded') === 'true';
  closePopover();
  if (again) return { close: () => undefined };
  const panel = h('div', { class: 'popover', role: 'dialog', 'aria-label': label, tabIndex: -1 }, content);
  document.body.append(panel);
  place(panel, anchor);
  const before = document.activeElement;
  if (anchor instanceof Element) anchor.setAttribute('aria-expanded', 'true');
  const outside = (event: Event) => {
    const target = event.target as Node;
    if (!panel.contains(target) && !(anchor instanceof Element && anchor.contains(target))) handle.close();
  };
  const handle = {
    close() {
      if (opened !== handle) return;
      opened = null;
      document.removeEventListener('pointerdown', outside, true);
      const hadFocus = panel.contains(document.activeElement);
      panel.remove();
      if (anchor instanceof Element) anchor.setAttribute('aria-expanded', 'false');
      if (hadFocus && before instanceof HTMLElement) before.focus({ preventScroll: true });
    },
  };
  opened = handle;
  document.addEventListener('pointerdown', outside, true);
  (panel.querySelector<HTMLElement>('[data-autofocus]') ?? panel).focus({ preventScroll: true });
  return handle;
}

const GAP = 8;

function place(panel: HTMLElement, anchor: Element | { x: number; y: number }): void {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const box = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const below = box.bottom + GAP + height <= innerHeight - GAP;
  const top = below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - height);
  const left = box.left + width <= innerWidth - GAP ? box.left : box.right - width;
  panel.style.top = `${top}px`;
  panel.style.left = `${Math.min(Math.max(GAP, left), Math.max(GAP, innerWidth - width - GAP))}px`;
}

/** A row of a menu. */
export function menuItem(options: Omit<ButtonOptions, 'text'>): HTMLButtonElement {
  const item = button({
    ...options,
    text: true,
    class: `menu-item ${options.class ?? ''}`,
    onclick: (event) => {
      if (!isAllowed(item)) return;
      closePopover();
      options.onclick(event);
    },
  });
  if (options.shortcut) item.append(h('kbd', {}, options.shortcut));
  return item;
}
