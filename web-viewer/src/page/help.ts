/** The list of gestures and shortcuts. */
import { button } from './controls.js';
import { h } from './dom.js';

const GROUPS: [string, [string, string][]][] = [
  [
    'Look around',
    [
      ['Drag, or one finger', 'Turn the camera'],
      ['Right or middle drag, Shift+drag, two fingers', 'Shift the camera'],
      ['Wheel, or pinch', 'Zoom at the pointer'],
      ['Double click', 'Look at a device, or at everything'],
      ['← ↑ → ↓', 'Turn'],
      ['Shift + ← ↑ → ↓', 'Shift'],
      ['+  −', 'Zoom'],
      ['F', 'Look at the selection, or at everything'],
      ['1 – 6', 'Iso, front, back, left, right, top'],
      ['O', 'A camera of your own, or the shared one'],
    ],
  ],
  [
    'Work with devices',
    [
      ['Click, or tap', 'Select'],
      ['Shift+click', 'Add to the selection'],
      ['Drag a selected device', 'Move it on the floor'],
      ['Long press, or right click', 'Actions'],
      ['C', 'Connect from the selected device'],
      ['Ctrl+Z,  Ctrl+Y', 'Undo, redo'],
      ['Esc', 'Cancel, clear the selection'],
    ],
  ],
  [
    'Tools',
    [
      ['X', 'Section: cut everything open'],
      ['M', 'Measure: tap one thing or two'],
      ['Esc', 'Put the tool away'],
    ],
  ],
  [
    'Show',
    [
      ['D', 'Devices'],
      ['I', 'Details'],
      ['L', 'Connection figures'],
      ['G', 'Full screen'],
      ['?', 'This list'],
    ],
  ],
];

let dialog: HTMLDialogElement | null = null;

export function toggleHelp(): void {
  dialog ??= build();
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

function build(): HTMLDialogElement {
  const close = button({ icon: 'x', label: 'Close', onclick: () => dialog?.close() });
  const groups = GROUPS.map(([title, rows]) =>
    h(
      'section',
      {},
      h('h3', {}, title),
      h('dl', {}, ...rows.flatMap(([keys, what]) => [h('dt', {}, keys), h('dd', {}, what)])),
    ),
  );
  const made = h(
    'dialog',
    { class: 'help', 'aria-labelledby': 'help-title' },
    h('header', {}, h('h2', { id: 'help-title' }, 'Gestures and shortcuts'), close),
    h('div', { class: 'help-groups' }, ...groups),
  );
  made.addEventListener('click', (event) => event.target === made && made.close());
  made.addEventListener('keydown', (event) => event.key === '?' && made.close());
  document.body.append(made);
  return made;
}
