import { Emitter } from '../client/emitter.js';
import { RemoteRenderClient } from '../client/remote_render_client.js';
import type { PicturePoint } from '../client/camera.js';
import { pickByBox } from '../client/floor_drag.js';
import type { Device } from '../client/store.js';
import type { Role } from '../protocol.gen.js';
import type { Tool } from './tools.js';

/** What the page shows beside the session: which panels are open, what is inspected, what is being connected. */
export interface View {
  list: boolean;
  details: boolean;
  stats: boolean;
  /** Camera moves are shown ahead of the host where the round trip is long. */
  echo: boolean;
  /** The device whose details are shown; follows the selection. */
  inspected: string | null;
  /** Where a connection that is being made starts. */
  connectFrom: string | null;
  /** Type of the connection that is being made. */
  connectType: string;
  /** The tool in hand; null: a tap selects. */
  tool: Tool | null;
  /** Everything but the picture is hidden, where the browser has no full screen of its own. */
  immersive: boolean;
}

/** For the host to answer what is at a point. */
const PICK_TIMEOUT_MS = 1500;
const KEPT = ['list', 'details', 'stats', 'echo', 'connectType'] as const;

/** What every part of the page works with. */
export class App {
  readonly client = new RemoteRenderClient();
  private readonly changed = new Emitter<void>();
  private readonly toasts = new Emitter<{ text: string; kind: 'info' | 'error' }>();
  private current: View = {
    list: false,
    details: false,
    stats: false,
    echo: true,
    inspected: null,
    connectFrom: null,
    connectType: 'production_flow',
    tool: null,
    immersive: false,
    ...restore(),
  };
  private scheduled = false;

  get view(): Readonly<View> {
    return this.current;
  }

  constructor() {
    this.client.echo.enabled = this.current.echo;
  }

  set(change: Partial<View>): void {
    this.current = { ...this.current, ...change };
    if (this.client.echo.enabled !== this.current.echo) this.client.echo.enabled = this.current.echo;
    store('view', JSON.stringify(Object.fromEntries(KEPT.map((key) => [key, this.current[key]]))));
    this.refresh();
  }

  /** Redraws the page once, soon, however many changes there are. */
  refresh(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.changed.emit();
    });
  }

  /** Called whenever something that is shown may have changed. */
  onChange(listener: () => void): void {
    this.changed.on(listener);
  }

  toast(text: string, kind: 'info' | 'error' = 'info'): void {
    this.toasts.emit({ text, kind });
  }

  onToast(listener: (toast: { text: string; kind: 'info' | 'error' }) => void): void {
    this.toasts.on(listener);
  }

  get role(): Role {
    return this.client.role ?? 'viewer';
  }

  get connected(): boolean {
    return this.client.connectionState === 'connected';
  }

  /** Why this person may not edit; null when they may. */
  get noEditReason(): string | null {
    if (!this.connected) return 'Not connected to the host';
    return this.role === 'viewer' ? 'Your link is for viewing. Ask for an engineer link to make changes.' : null;
  }

  get noAdminReason(): string | null {
    if (!this.connected) return 'Not connected to the host';
    return this.role === 'admin' ? null : 'Only an administrator link adds and removes devices.';
  }

  /** Why this person may not move the camera that they look through; null when they may, as far as we know. */
  get noSteerReason(): string | null {
    return this.connected && this.client.hasOwnCamera ? null : this.noShareReason;
  }

  /** Why this person may not change what the shared view shows: sections, measurements. */
  get noShareReason(): string | null {
    if (!this.connected) return 'Not connected to the host.';
    const { presence, state } = this.client;
    const presenter = presence?.presenter ?? null;
    if (presenter === null || presenter === state?.you.participantId) return null;
    const name = presence?.participants.find((p) => p.id === presenter)?.name ?? 'Somebody else';
    return `${name} is presenting and steers the camera.`;
  }

  /** Leaves the shared view for a camera of this person's own, or comes back. */
  toggleOwnCamera(): void {
    if (this.client.sendOwnCamera(!this.client.hasOwnCamera) === null) this.toast('Not connected to the host.', 'error');
  }

  get inspected(): Device | null {
    const { inspected } = this.current;
    return inspected === null ? null : (this.client.device(inspected) ?? null);
  }

  /** Chooses a device from a list. Who may not select for everybody looks at it for themselves. */
  choose(id: string | null, toggle = false): void {
    if (this.current.connectFrom !== null && id !== null) return this.connectTo(id);
    this.set({ inspected: id });
    if (this.noEditReason !== null) return;
    if (id !== null) this.client.sendDeviceClick(0.5, 0.5, id, { toggle });
    // There is no point of the picture that is empty for sure: what is selected is taken away instead.
    else this.client.state?.selection.forEach((one) => this.client.sendDeviceClick(0.5, 0.5, one, { toggle: true }));
  }

  /**
   * Which device is at a point of the picture. The host knows by the full geometry, and selects it on the way; who may
   * not select gets the first box.
   */
  async pick(at: PicturePoint): Promise<string | null> {
    const { client } = this;
    if (!client.state) return null;
    if (this.noEditReason !== null) return pickByBox(client.state, at)?.id ?? null;
    const seq = client.sendDeviceClick(at.x, at.y);
    if (seq === null) return null;
    await new Promise<void>((done) => {
      const stop = client.onAck((ack) => ack.seq !== null && ack.seq >= seq && finish());
      const timer = setTimeout(() => finish(), PICK_TIMEOUT_MS);
      const finish = () => {
        clearTimeout(timer);
        stop();
        done();
      };
    });
    return client.state.selection[0] ?? null;
  }

  startConnecting(from: string): void {
    if (this.noEditReason) return this.toast(this.noEditReason, 'error');
    this.set({ connectFrom: from, tool: null });
  }

  /** The second device of a connection is chosen. */
  connectTo(target: string): void {
    const { connectFrom: source, connectType } = this.current;
    if (source === null) return;
    if (source === target) return this.toast('A device cannot be connected to itself. Pick another one.', 'error');
    if (this.client.sendConnectionCreate(source, target, connectType) === null) {
      return this.toast('Not connected to the host. Try again when the picture is back.', 'error');
    }
    this.set({ connectFrom: null });
    this.toast(`${this.nameOf(source)} → ${this.nameOf(target)}`);
  }

  nameOf(id: string): string {
    return this.client.device(id)?.name ?? id;
  }

  async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.toast(`${what} copied`);
    } catch {
      // Outside of a secure context there is no clipboard; the text is shown to copy it by hand.
      this.toast(`${what}: ${text}`);
    }
  }
}

/** `robot_arm` as people read it. */
export function words(name: string): string {
  const spaced = name.replace(/_/g, ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Settings of this browser. Private windows may refuse to keep them. */
export function store(key: string, value: string): void {
  try {
    localStorage.setItem(`remote-render.${key}`, value);
  } catch {
    // The page works without.
  }
}

export function stored(key: string): string | null {
  try {
    return localStorage.getItem(`remote-render.${key}`);
  } catch {
    return null;
  }
}

function restore(): Partial<View> {
  try {
    const kept: unknown = JSON.parse(stored('view') ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    const entries = Object.entries(kept).filter(
      ([key, value]) => (KEPT as readonly string[]).includes(key) && typeof value === (key === 'connectType' ? 'string' : 'boolean'),
    );
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}
