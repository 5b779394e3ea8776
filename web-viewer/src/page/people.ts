/** Who is here, who presents, and what this person is called. */
import { store, stored, words, type App } from './app.js';
import { allow, button, isAllowed } from './controls.js';
import { h } from './dom.js';
import { hueClass } from './pointers.js';

export const ownName = (): string => stored('name') ?? '';

export function peopleContent(app: App): HTMLElement {
  const root = h('div', { class: 'people' });
  const list = h('ul', { class: 'people-list' });
  const note = h('p', { class: 'note' });
  const control = button({
    icon: 'presentation',
    label: 'Take control',
    text: true,
    class: 'button-wide',
    onclick: () => {
      if (!isAllowed(control)) return;
      if (presents(app)) app.client.releaseControl();
      else app.client.requestControl();
    },
  });
  const name = h('input', {
    type: 'text',
    maxLength: 40,
    value: ownName(),
    placeholder: 'Your name',
    autocomplete: 'name',
    'aria-label': 'Your name, as the others see it',
  });
  const form = h(
    'form',
    { class: 'row', onsubmit: (event: Event) => (event.preventDefault(), rename(app, name.value)) },
    name,
    h('button', { type: 'submit', class: 'button' }, 'Save'),
  );
  root.append(h('h2', {}, 'People'), list, note, control, form);
  const update = () => {
    const { presence, state } = app.client;
    const me = state?.you.participantId;
    list.replaceChildren(
      ...(presence?.participants ?? []).map((p) =>
        h(
          'li',
          {},
          h('span', { class: `avatar ${hueClass(p.id)}`, 'aria-hidden': 'true' }, initials(p.name)),
          h('span', { class: 'grow' }, p.name, p.id === me ? h('small', {}, ' (you)') : null),
          h('span', { class: 'muted' }, presence?.presenter === p.id ? 'Presenting' : p.ownCamera ? 'Own camera' : words(p.role)),
        ),
      ),
    );
    const mine = presents(app);
    note.textContent = app.client.hasOwnCamera
      ? 'You look through a camera of your own: the others do not see where you look.'
      : mine
      ? 'You present: only you move the camera.'
      : (app.noSteerReason ?? 'Nobody presents: everybody may move the camera.');
    const label = control.querySelector('span');
    if (label) label.textContent = mine ? 'Release control' : 'Take control';
    control.setAttribute('aria-label', mine ? 'Release control' : 'Take control');
    const taken = !mine && app.role !== 'admin' && (presence?.presenter ?? null) !== null;
    allow(control, app.noEditReason ?? (taken ? 'Somebody presents. They have to release control first.' : null));
  };
  update();
  const stops = [app.client.onPresence(update), app.client.onState(update), app.client.onStatus(update)];
  // The content is made anew each time it is opened.
  new MutationObserver((_, observer) => {
    if (root.isConnected) return;
    observer.disconnect();
    stops.forEach((stop) => stop());
  }).observe(document.body, { childList: true });
  return root;
}

/** The host learns a name when somebody joins. */
function rename(app: App, name: string): void {
  store('name', name.trim());
  app.client.connect({ name });
}

function presents(app: App): boolean {
  const presenter = app.client.presence?.presenter ?? null;
  return presenter !== null && presenter === app.client.state?.you.participantId;
}

function initials(name: string): string {
  const parts = name.trim().split(/\s+/);
  const [first = '', second = ''] = [parts[0], parts.length > 1 ? parts[parts.length - 1] : ''];
  return ([...first][0] ?? '?').concat([...second][0] ?? '').toUpperCase();
}
