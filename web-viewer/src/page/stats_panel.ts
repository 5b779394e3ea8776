/** How good the connection is, in figures, with a measurement of the whole path. */
import type { ConnectionStats } from '../client/stats.js';
import type { App } from './app.js';
import { button } from './controls.js';
import { h, setText, show } from './dom.js';
import { HOST_ROWS } from './host_figures.js';
import { LatencyView } from './latency_view.js';

type Row = [label: string, title: string, value: (s: ConnectionStats) => string];

const ROWS: Row[] = [
  ['Frame rate', 'Pictures decoded a second; few when nothing moves', (s) => `${s.fps.toFixed(0)} fps`],
  ['Round trip', 'Time of a packet to the host and back', (s) => `${s.rttMs.toFixed(s.rttMs < 10 ? 1 : 0)} ms`],
  ['Bitrate', 'Of the video', (s) => bitrate(s.bitrate)],
  ['Loss', 'Packets that did not come', (s) => `${s.lossPercent.toFixed(1)} %`],
  ['Picture', 'Size of the decoded picture', (s) => `${s.width} × ${s.height}`],
  ['Jitter', 'Variation of the packets’ arrival', (s) => `${s.jitterMs.toFixed(1)} ms`],
  ['Wait and decode', 'Time before and in the decoder', (s) => `${s.jitterBufferMs.toFixed(1)} + ${s.decodeMs.toFixed(1)} ms`],
  ['Dropped', 'Pictures decoded too late to be shown', (s) => String(s.framesDropped)],
  ['Codec', 'As negotiated', (s) => s.codec || '–'],
  ['Route', 'How packets travel', route],
];

const ROUTES: Record<string, string> = { host: 'Direct', srflx: 'Through a router', prflx: 'Direct', relay: 'Relayed' };

/** Such as `Direct, UDP` or `Relayed, TCP`. */
export function route({ route, protocol }: ConnectionStats): string {
  const way = ROUTES[route];
  if (!way) return '–';
  return protocol ? `${way}, ${protocol.toUpperCase()}` : way;
}

export class StatsPanel {
  private readonly values = ROWS.map(() => h('dd', {}, '–'));
  private readonly hostValues = HOST_ROWS.map(() => h('dd', {}, '–'));
  private readonly latency: LatencyView;
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    this.latency = new LatencyView(app);
    this.element = h(
      'section',
      { class: 'stats', 'aria-label': 'Connection figures' },
      h(
        'header',
        {},
        h('h2', {}, 'Connection'),
        button({ icon: 'x', label: 'Close', shortcut: 'L', onclick: () => app.set({ stats: false }) }),
      ),
      h('dl', { class: 'facts' }, ...ROWS.flatMap(([label, title], i) => [h('dt', { title }, label), this.values[i] ?? ''])),
      ...this.latency.elements,
      h('h3', {}, 'Host'),
      h('dl', { class: 'facts' }, ...HOST_ROWS.flatMap(([label, title], i) => [h('dt', { title }, label), this.hostValues[i] ?? ''])),
    );
    app.client.onStats(() => app.refresh());
    app.client.onHostStats(() => app.refresh());
  }

  update(): void {
    show(this.element, this.app.view.stats);
    this.app.client.watchHostStats(this.app.view.stats);
    this.app.client.watchLatency(this.app.view.stats);
    if (!this.app.view.stats) return;
    const stats = this.app.connected ? this.app.client.stats : null;
    ROWS.forEach(([, , value], i) => {
      const cell = this.values[i];
      if (cell) setText(cell, stats ? value(stats) : '–');
    });
    const { hostStats } = this.app.client;
    HOST_ROWS.forEach(([, , value], i) => {
      const cell = this.hostValues[i];
      if (cell) setText(cell, hostStats ? value(hostStats) : '–');
    });
    this.latency.update();
  }
}

function bitrate(bits: number): string {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${(bits / 1e3).toFixed(0)} kbit/s`;
}
