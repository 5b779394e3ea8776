/** Small help to build the page's elements. Text always goes in as text: names come from other people. */

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** Makes an element: `onclick` and the like are listeners, `class`, `aria-*`, `data-*` attributes, others properties. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) set(element, key, value);
  element.append(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
  return element;
}

function set(element: HTMLElement, key: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (key.startsWith('on') && typeof value === 'function') {
    element.addEventListener(key.slice(2), value as EventListener);
  } else if (key === 'class' || key === 'role' || key === 'for' || key.includes('-')) {
    element.setAttribute(key, String(value));
  } else {
    (element as unknown as Props)[key] = value;
  }
}

/** Sets a text only when it is another: nothing that a screen reader or the layout would notice happens otherwise. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides. */
export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}
