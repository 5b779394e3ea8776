/** For whoever comes without a link. */
import { tokenFromText } from '../client/link.js';
import { h, show } from './dom.js';
import { icon } from './icons.js';

/** Asks for a link; following it makes the page start anew with it. */
export function loginForm(): HTMLElement {
  const field = h('input', {
    type: 'text',
    id: 'share-link',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: false,
    placeholder: 'https://…/#…',
    'aria-describedby': 'share-link-error',
  });
  const error = h('p', { class: 'field-error', id: 'share-link-error', role: 'alert', hidden: true }, 'There is no share link in this text. It looks like https://host:8443/#…');
  const submit = (event: Event) => {
    event.preventDefault();
    const text = field.value.trim();
    const token = tokenFromText(text);
    show(error, token === '');
    field.setAttribute('aria-invalid', String(token === ''));
    if (token === '') return field.focus();
    const elsewhere = otherHost(text);
    if (elsewhere) location.href = elsewhere;
    else if (location.hash === `#${token}`) location.reload();
    else location.hash = token;
  };
  return h(
    'form',
    { class: 'login', onsubmit: submit },
    h('label', { for: 'share-link' }, 'Share link'),
    h('div', { class: 'row' }, field, h('button', { type: 'submit', class: 'button button-primary' }, 'Open')),
    error,
  );
}

/** The link when it leads to another host than this page's. */
function otherHost(text: string): string | null {
  try {
    const url = new URL(text);
    const web = url.protocol === 'https:' || url.protocol === 'http:';
    return web && url.origin !== location.origin ? url.href : null;
  } catch {
    return null;
  }
}

export function loginPage(): HTMLElement {
  return h(
    'main',
    { class: 'login-page' },
    h(
      'section',
      { class: 'card' },
      icon('cube'),
      h('h1', {}, 'Remote Render'),
      h('p', {}, 'Paste the link that you were given, or scan its QR code with the camera of this device.'),
      loginForm(),
    ),
  );
}
