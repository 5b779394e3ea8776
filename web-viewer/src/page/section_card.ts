/** The section tool: up to three planes, each with its axis, side and place. */
import { axisOf, facingAxis, facingNormal, flipped, reach, unit, type Axis } from '../client/section.js';
import type { SectionPlane, SectionState } from '../protocol.gen.js';
import type { App } from './app.js';
import { allow, button, isAllowed } from './controls.js';
import { h, setText, show } from './dom.js';
import { leaveTool } from './tools.js';

const AXES = ['X', 'Y', 'Z'] as const;
const MAX_PLANES = 3;

/** The controls of one plane. They stay while it moves, so that a finger on the slider keeps it. */
interface Row {
  element: HTMLElement;
  axes: HTMLButtonElement[];
  slider: HTMLInputElement;
  value: HTMLElement;
}

export class SectionCard {
  private readonly rows = h('div', { class: 'planes' });
  private readonly note = h('p', { class: 'note' }, 'Nothing is cut away.');
  private readonly add: HTMLButtonElement;
  private readonly off: HTMLButtonElement;
  private made: Row[] = [];
  private sliding = false;
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    this.add = button({ icon: 'plus', label: 'Add a plane', text: true, onclick: () => this.addPlane() });
    this.off = button({ icon: 'x', label: 'Switch off', text: true, onclick: () => isAllowed(this.off) && this.send([]) });
    this.element = h(
      'section',
      { class: 'tool-card', 'aria-label': 'Section' },
      h('header', {}, h('h2', {}, 'Section'), button({ icon: 'x', label: 'Close', shortcut: 'Esc', onclick: () => leaveTool(app) })),
      this.note,
      this.rows,
      h('div', { class: 'row' }, this.add, this.off),
    );
  }

  /** Who takes the tool in hand wants to see something cut: the half that faces them goes. */
  static begin(app: App): void {
    const { state } = app.client;
    if (!state || state.section.length > 0) return;
    const { axis, sign } = facingAxis(state.camera);
    app.client.sendSection([{ normal: unit(axis, sign) }]);
  }

  update(): void {
    const { app } = this;
    show(this.element, app.view.tool === 'section');
    if (app.view.tool !== 'section') return;
    const planes = this.planes();
    while (this.made.length > planes.length) this.made.pop()?.element.remove();
    while (this.made.length < planes.length) {
      const row = this.row(this.made.length);
      this.made.push(row);
      this.rows.append(row.element);
    }
    planes.forEach((plane, i) => this.fill(this.made[i], plane));
    show(this.note, planes.length === 0);
    show(this.add, planes.length < MAX_PLANES);
    show(this.off, planes.length > 0);
    for (const element of this.element.querySelectorAll<HTMLButtonElement>('.button:not(header .button)')) allow(element, app.noShareReason);
  }

  private planes(): readonly SectionState[] {
    return (this.app.client.state?.section ?? []).map(({ normal: [x, y, z], offset }) => ({ normal: [x, y, z], offset }));
  }

  private send(planes: readonly SectionPlane[], last = true): void {
    this.app.client.sendSection(planes, { last });
  }

  private addPlane(): void {
    const { state } = this.app.client;
    if (!state || !isAllowed(this.add)) return;
    const planes = this.planes();
    const first = facingAxis(state.camera).axis;
    const free = ([first, 0, 1, 2] as Axis[]).find((axis) => planes.every((p) => axisOf(p.normal)?.axis !== axis)) ?? first;
    this.send([...planes, { normal: facingNormal(state.camera, free) }]);
  }

  /** Replaces one plane, or takes it away. */
  private change(index: number, plane: SectionPlane | null, last = true): void {
    const planes: SectionPlane[] = [...this.planes()];
    if (plane) planes[index] = plane;
    else planes.splice(index, 1);
    this.send(planes, last);
  }

  private row(index: number): Row {
    const { app } = this;
    const number = index + 1;
    const axes = AXES.map((name, axis) => {
      const choose = button({
        icon: 'section',
        label: `Plane ${number}: ${name}`,
        text: name,
        class: 'button-axis',
        onclick: () => {
          const camera = app.client.state?.camera;
          if (camera && isAllowed(choose)) this.change(index, { normal: facingNormal(camera, axis as Axis) });
        },
      });
      return choose;
    });
    const flip: HTMLButtonElement = button({
      icon: 'flip',
      label: `Plane ${number}: cut the other side away`,
      onclick: () => {
        const plane = this.planes()[index];
        if (plane && isAllowed(flip)) this.change(index, flipped(plane));
      },
    });
    const remove: HTMLButtonElement = button({
      icon: 'trash',
      label: `Remove plane ${number}`,
      onclick: () => isAllowed(remove) && this.change(index, null),
    });
    const slider = h('input', { type: 'range', step: 'any', 'aria-label': `Place of plane ${number}, metres` });
    slider.addEventListener('input', () => this.slide(index, slider.valueAsNumber, false));
    slider.addEventListener('change', () => this.slide(index, slider.valueAsNumber, true));
    const value = h('output', {});
    const element = h(
      'div',
      { class: 'plane' },
      h('div', { class: 'row' }, ...axes, flip, remove),
      h('div', { class: 'row plane-place' }, slider, value),
    );
    return { element, axes, slider, value };
  }

  private slide(index: number, at: number, last: boolean): void {
    const plane = this.planes()[index];
    if (!plane || !Number.isFinite(at)) return;
    this.sliding = !last;
    this.change(index, { normal: plane.normal, offset: at * (axisOf(plane.normal)?.sign ?? 1) }, last);
    const row = this.made[index];
    if (row) setText(row.value, metres(at));
  }

  private fill(row: Row | undefined, plane: SectionState): void {
    const { state } = this.app.client;
    if (!row || !state) return;
    const along = axisOf(plane.normal);
    row.axes.forEach((element, axis) => element.setAttribute('aria-pressed', String(along?.axis === axis)));
    // People think in places along an axis, whichever side is cut away.
    const sign = along?.sign ?? 1;
    const at = plane.offset * sign;
    const [low, high] = reach(state, plane.normal.map((n) => n * sign)) ?? [at - 1, at + 1];
    row.slider.disabled = this.app.noShareReason !== null;
    // The host's answer comes after the finger has moved on.
    if (this.sliding) return;
    row.slider.min = String(Math.min(low, at));
    row.slider.max = String(Math.max(high, at));
    row.slider.value = String(at);
    setText(row.value, metres(at));
  }
}

const metres = (value: number): string => `${(Math.abs(value) < 0.0005 ? 0 : value).toFixed(3)} m`;
