/** Dark or light: as the device says, until the person says otherwise. */
import { store, stored } from './app.js';

export type Theme = 'dark' | 'light';

const light = matchMedia('(prefers-color-scheme: light)');

export function theme(): Theme {
  const chosen = stored('theme');
  return chosen === 'dark' || chosen === 'light' ? chosen : light.matches ? 'light' : 'dark';
}

/** Puts the theme on the page and keeps it there. */
export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme();
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--bg').trim();
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', colour);
}

export function toggleTheme(): void {
  store('theme', theme() === 'dark' ? 'light' : 'dark');
  applyTheme();
}

light.addEventListener?.('change', applyTheme);
