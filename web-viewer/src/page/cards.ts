/** What is said over the picture when there is none: waiting, lost, refused, asleep, empty. */
import type { Waiting } from '../index.js';
import type { App } from './app.js';
import { h, show } from './dom.js';
import { icon, type IconName } from './icons.js';
import { loginForm } from './login.js';
import type { Stage } from './stage.js';

/** Shorter interruptions are told by the status alone. */
const PATIENCE_MS = 600;

interface Card {
  key: string;
  icon: IconName | 'spinner';
  title: string;
  text: string;
  details?: string;
  action?: [string, () => void];
  login?: boolean;
  /** The picture can be used meanwhile. */
  light?: boolean;
}

export class Cards {
  readonly element = h('div', { class: 'cards' });
  private drawn = '';
  private notConnectedSince = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The browser wants a touch before it plays. */
  blocked = false;

  constructor(
    private readonly app: App,
    private readonly stage: Stage,
  ) {}

  update(): void {
    const { app } = this;
    if (app.connected) this.notConnectedSince = 0;
    else this.notConnectedSince ||= performance.now();
    const card = this.card();
    this.stage.element.classList.toggle('is-stale', !app.connected && app.client.state !== null);
    show(this.element, card !== null);
    const key = JSON.stringify(card);
    if (key === this.drawn) return;
    this.drawn = key;
    this.element.replaceChildren(...(card ? [this.draw(card)] : []));
    this.element.classList.toggle('is-light', card?.light === true);
  }

  private card(): Card | null {
    const { client } = this.app;
    const { phase, error, queue } = client.status;
    const again: [string, () => void] = ['Try now', () => client.retryNow()];
    const details = error ? error.message : undefined;
    if (phase === 'failed') return this.failed();
    if (phase !== 'connected' && !this.patient()) return null;
    if (queue) return queued(queue);
    const full = error?.code === 'full';
    switch (phase) {
      case 'connecting':
        return { key: phase, icon: 'spinner', title: 'Connecting…', text: 'The picture comes in a moment.', ...opt(details) };
      case 'waiting':
        return {
          key: phase,
          icon: full ? 'users' : 'spinner',
          title: full ? 'The session is full' : 'Waiting for the host',
          text: full
            ? 'No more viewers fit at the moment. This page goes on trying; ask somebody to leave, or come back later.'
            : 'The workstation does not answer. It may be switched off or starting, or you are in another network. This page goes on trying by itself.',
          action: again,
          ...opt(details),
        };
      case 'reconnecting':
        return {
          key: phase,
          icon: 'spinner',
          title: 'Reconnecting…',
          text: 'The picture stands still until the host answers. This page goes on trying by itself.',
          action: again,
          ...opt(details),
        };
      case 'connected':
        if (this.blocked) {
          return { key: 'play', icon: 'cube', title: 'Tap to start', text: 'The browser waits for a touch before it shows the picture.', action: ['Start', () => this.play()] };
        }
        return client.state?.devices.length === 0
          ? {
              key: 'empty',
              icon: 'cubeFocus',
              title: 'This workspace is empty',
              text: 'At the workstation, drop model files into the window, or open the sample line. They appear here at once.',
              light: true,
            }
          : null;
      default:
        return null;
    }
  }

  private failed(): Card {
    const { error } = this.app.client.status;
    const details = error?.message ?? '';
    if (error?.code === 'unauthorized') {
      const expired = /expire/i.test(details);
      return {
        key: 'unauthorized',
        icon: 'linkBreak',
        title: expired ? 'This link has expired' : 'This link is not valid',
        text: 'Ask the person who shared it for a new link, and paste it here.',
        ...opt(details),
        login: true,
      };
    }
    if (error?.code === 'removed') {
      return {
        key: 'removed',
        icon: 'users',
        title: 'You were removed from the session',
        text: 'Somebody at the workstation ended your view. Ask there before you come back.',
        action: ['Join again', () => location.reload()],
      };
    }
    if (error?.code === 'invalid' && /\bversion\b|reload/i.test(details)) {
      return {
        key: 'version',
        icon: 'arrowClockwise',
        title: 'This page is out of date',
        text: 'The host was updated. Reload the page to go on.',
        ...opt(details),
        action: ['Reload', () => location.reload()],
      };
    }
    return {
      key: 'failed',
      icon: 'warning',
      title: error?.code === 'unsupported' ? 'This browser cannot show the picture' : 'The host refused the connection',
      text: details || 'Trying again by itself would not help. Ask the person who shared the link.',
      action: ['Try again', () => location.reload()],
    };
  }

  /** True when it lasts long enough to be told. */
  private patient(): boolean {
    clearTimeout(this.timer);
    const left = PATIENCE_MS - (performance.now() - this.notConnectedSince);
    if (left <= 0) return true;
    this.timer = setTimeout(() => this.update(), left + 1);
    return false;
  }

  play(): void {
    void this.stage.video.play()?.then(
      () => {
        this.blocked = false;
        this.app.refresh();
      },
      () => undefined,
    );
  }

  private draw(card: Card): HTMLElement {
    return h(
      'section',
      { class: 'card', role: card.light ? 'note' : 'alert' },
      card.icon === 'spinner' ? h('div', { class: 'spinner', 'aria-hidden': 'true' }) : icon(card.icon),
      h('h1', {}, card.title),
      h('p', {}, card.text),
      card.login ? loginForm() : null,
      card.action ? h('button', { type: 'button', class: 'button button-primary', onclick: card.action[1] }, card.action[0]) : null,
      card.details ? h('details', {}, h('summary', {}, 'Details'), h('p', {}, card.details)) : null,
    );
  }
}

const opt = (details: string | undefined): { details?: string } => (details ? { details } : {});

/** A place in the queue. The time is a guess, and told as one. */
function queued({ place, estimateSecs }: Waiting): Card {
  const before = place === 1 ? 'You are next.' : `${place - 1} ${place === 2 ? 'session is' : 'sessions are'} before yours.`;
  const time =
    estimateSecs === undefined
      ? 'It begins as soon as a machine is free.'
      : estimateSecs < 60
        ? 'It should begin in less than a minute.'
        : `It should begin in about ${Math.ceil(estimateSecs / 60)} minutes.`;
  return { key: 'queue', icon: 'users', title: 'Waiting for a machine', text: `${before} ${time} This page goes on by itself.` };
}
