/** Everything by keyboard. Letters act wherever the focus is, but in fields and lists they mean what they mean there. */
import type { App } from './app.js';
import { closePopover } from './controls.js';
import { toggleFullscreen } from './fullscreen.js';
import { toggleHelp } from './help.js';
import type { Stage } from './stage.js';
import { leaveTool, toggleTool } from './tools.js';

export const STANDARD_VIEWS = ['iso', 'front', 'back', 'left', 'right', 'top'] as const;

/** Pixels of input a second while an arrow key is held, and at once when it is pressed. */
const SPEED = 420;
const FIRST_STEP = 24;
const ZOOM_STEP = 120;

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Keyboard {
  private readonly held = new Map<string, { pan: boolean; since: number }>();
  private running = false;

  constructor(
    private readonly app: App,
    private readonly stage: Stage,
  ) {
    addEventListener('keydown', (event) => this.down(event));
    addEventListener('keyup', (event) => this.held.delete(event.key));
    addEventListener('blur', () => this.held.clear());
  }

  private down(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey) return;
    if (event.key === 'Escape') return this.escape(event);
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest('input, textarea, select, [contenteditable], dialog')) return;
    if (event.ctrlKey || event.metaKey) return this.control(event);
    const arrow = ARROWS[event.key];
    if (arrow) {
      if (target?.closest('[role="listbox"], .popover')) return;
      event.preventDefault();
      if (!event.repeat) this.press(event.key, arrow, event.shiftKey);
      return;
    }
    const action = this.action(event.key);
    if (!action || (event.repeat && event.key !== '+' && event.key !== '-')) return;
    event.preventDefault();
    action();
  }

  private action(key: string): (() => void) | null {
    const { app } = this;
    const { client, view } = app;
    const steer = (act: () => void) => () => void (this.stage.maySteer() && act());
    const standard = STANDARD_VIEWS[Number(key) - 1];
    if (standard) return steer(() => client.sendCameraView(standard));
    switch (key.toLowerCase()) {
      case '+':
      case '=':
        return steer(() => client.sendCameraZoom(-ZOOM_STEP));
      case '-':
        return steer(() => client.sendCameraZoom(ZOOM_STEP));
      case 'f':
        return steer(() => {
          const id = client.state?.selection[0] ?? view.inspected;
          if (id) client.sendCameraFocus(id);
          else client.sendCameraView('fit');
        });
      case 'd':
        return () => app.set({ list: !view.list });
      case 'i':
        return () => app.set({ details: !view.details });
      case 'l':
        return () => app.set({ stats: !view.stats });
      case 'o':
        return () => app.toggleOwnCamera();
      case 'g':
        return () => void toggleFullscreen(app);
      case 'c':
        return () => (app.inspected ? app.startConnecting(app.inspected.id) : undefined);
      case 'x':
        return () => toggleTool(app, 'section');
      case 'm':
        return () => toggleTool(app, 'measure');
      case '?':
        return toggleHelp;
      default:
        return null;
    }
  }

  private control(event: KeyboardEvent): void {
    const key = event.key.toLowerCase();
    if (key !== 'z' && key !== 'y') return;
    event.preventDefault();
    if (this.app.noEditReason) return this.app.toast(this.app.noEditReason, 'error');
    if (key === 'y' || event.shiftKey) this.app.client.redo();
    else this.app.client.undo();
  }

  /** Takes one thing back at a time, the topmost first. */
  private escape(event: KeyboardEvent): void {
    const { app } = this;
    if (document.querySelector('dialog[open]')) return;
    if (closePopover()) return event.preventDefault();
    if (app.view.connectFrom !== null) return app.set({ connectFrom: null });
    if (app.view.tool !== null) return leaveTool(app);
    if (app.view.immersive) return app.set({ immersive: false });
    const selected = app.client.state?.selection.length ?? 0;
    if (selected > 0 || app.view.inspected !== null) app.choose(null);
  }

  private press(key: string, arrow: readonly [number, number], pan: boolean): void {
    if (!this.stage.maySteer()) return;
    this.held.set(key, { pan, since: performance.now() });
    this.move(arrow, FIRST_STEP, pan);
    if (!this.running) {
      this.running = true;
      this.run(performance.now());
    }
  }

  private run(last: number): void {
    requestAnimationFrame((now) => {
      if (this.held.size === 0) {
        this.running = false;
        return;
      }
      for (const [key, { pan, since }] of this.held) {
        const arrow = ARROWS[key];
        // A tap on the key is one step; only who holds it goes on.
        if (arrow && now - since > 180) this.move(arrow, (SPEED * Math.min(now - last, 100)) / 1000, pan);
      }
      this.run(now);
    });
  }

  private move([x, y]: readonly [number, number], pixels: number, pan: boolean): void {
    if (pan) this.app.client.sendCameraPan(-x * pixels, -y * pixels);
    else this.app.client.sendCameraOrbit(x * pixels, y * pixels);
  }
}
