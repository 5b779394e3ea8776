/** Where the others point, drawn over the picture. */
import type { App } from './app.js';
import { h, setText } from './dom.js';
import type { Stage } from './stage.js';

const HUES = 6;

/** A colour of its own for each person, the same on every screen. */
export const hueClass = (id: number): string => `hue-${id % HUES}`;

export class Pointers {
  readonly element = h('div', { class: 'pointers', 'aria-hidden': 'true' });
  private readonly dots = new Map<number, HTMLElement>();

  constructor(
    private readonly app: App,
    private readonly stage: Stage,
  ) {}

  update(): void {
    const { presence, state } = this.app.client;
    // Where somebody points who looks through another camera is somewhere else in this picture.
    const apart = this.app.client.hasOwnCamera;
    const others = this.app.connected && !apart
      ? (presence?.participants.filter((p) => p.pointer && !p.ownCamera && p.id !== state?.you.participantId) ?? [])
      : [];
    const ids = new Set(others.map((p) => p.id));
    for (const [id, dot] of this.dots) {
      if (ids.has(id)) continue;
      dot.remove();
      this.dots.delete(id);
    }
    if (others.length === 0) return;
    const box = this.stage.box();
    const frame = this.stage.rect();
    for (const { id, name, pointer } of others) {
      let dot = this.dots.get(id);
      if (!dot) {
        dot = h('div', { class: `pointer ${hueClass(id)}` }, h('span', {}, name));
        this.dots.set(id, dot);
        this.element.append(dot);
      }
      const label = dot.firstElementChild;
      if (label) setText(label, name);
      const { x, y } = pointer ?? { x: 0, y: 0 };
      const [left, top] = [box.left - frame.left + x * box.width, box.top - frame.top + y * box.height];
      dot.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
    }
  }
}
