import type { Waiting, Welcome } from '../protocol.gen.js';
import { Backoff, STABLE_MS } from './backoff.js';
import type { Environment } from './environment.js';
import type { ClientError } from './errors.js';
import type { ShareLink } from './link.js';
import { Peer, type PeerEnd } from './peer.js';

/**
 * ```text
 *  idle ─connect─► connecting ──open──► connected ──lost──► reconnecting ─┐
 *                     │   ▲                 ▲──────────open───────┘  ▲────┘ attempt failed
 *                     ▼   │ nobody answers
 *                   waiting          failed: the host's last word       disconnect ─► idle
 * ```
 */
export type ConnectionPhase = 'idle' | 'connecting' | 'waiting' | 'connected' | 'reconnecting' | 'failed';

/** Where the connection stands. */
export interface ConnectionStatus {
  phase: ConnectionPhase;
  /** Attempts since the connection was lost, or since `connect`. */
  attempt: number;
  /** Why it is not connected. */
  error: ClientError | null;
  /** The place in a gateway's queue, while no worker is free. */
  queue: Waiting | null;
}

/** How long the host may be silent when its signaling socket went away. */
const SILENCE_MS = 1500;

/** What a {@link Supervisor} tells. */
export interface SupervisorEvents {
  onStatus(status: ConnectionStatus): void;
  onWelcome(welcome: Welcome): void;
  onOpen(): void;
  onTrack(stream: MediaStream): void;
  /** A text on the `state` channel. */
  onText(text: string): void;
  /** Asks the host for a sign of life on the `state` channel. */
  onProbe(): void;
}

/** Keeps one connection up: makes peers, one at a time, for as long as somebody wants to be connected. */
export class Supervisor {
  private link: ShareLink | null = null;
  private name: string | undefined;
  private peer: Peer | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly backoff: Backoff;
  /** By which hosts know that we come again. Not kept beyond the page: a second tab is somebody else. */
  private readonly returnKey: string;
  private connectedOnce = false;
  private connectedAt = 0;
  private heardAt = 0;
  private current: ConnectionStatus = { phase: 'idle', attempt: 0, error: null, queue: null };

  constructor(
    private readonly environment: Environment,
    private readonly events: SupervisorEvents,
  ) {
    this.backoff = new Backoff(() => environment.random());
    this.returnKey = environment.secret();
  }

  get status(): ConnectionStatus {
    return this.current;
  }

  /** The peer whose channels are open. */
  get openPeer(): Peer | null {
    return this.peer?.isOpen ? this.peer : null;
  }

  start(link: ShareLink, name: string | undefined): void {
    this.stop();
    this.link = link;
    this.name = name;
    this.set('connecting', 1, null);
    this.attempt();
  }

  /** Ends the connection and wants no other. */
  stop(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    this.peer?.close();
    this.peer = null;
    this.link = null;
    this.connectedOnce = false;
    this.backoff.reset();
    if (this.current.phase !== 'idle') this.set('idle', 0, null);
  }

  /** The first state is here. */
  connected(): void {
    this.connectedOnce = true;
    this.connectedAt = this.environment.now();
    this.set('connected', 0, null);
  }

  /** Gives this connection up and makes another. */
  fail(code: ClientError['code'], message: string): void {
    this.peer?.fail(code, message);
  }

  /** The network or the tab is back: does not wait any longer, or makes sure that the host is still there. */
  wake(): void {
    if (this.openPeer) {
      this.checkAlive();
    } else if (this.retryTimer !== undefined) {
      this.attempt();
    }
  }

  private attempt(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    if (!this.link) return;
    try {
      const peer: Peer = new Peer(this.environment, this.link, this.name, this.returnKey, {
        onWaiting: (waiting) => this.setQueue(waiting),
        onWelcome: (welcome) => {
          this.setQueue(null);
          this.events.onWelcome(welcome);
        },
        onOpen: () => this.events.onOpen(),
        onTrack: (stream) => this.events.onTrack(stream),
        onText: (text) => {
          this.heardAt = this.environment.now();
          this.events.onText(text);
        },
        onSocketLost: () => this.checkAlive(),
        onEnd: (end) => this.onEnd(end),
      });
      this.peer = peer;
    } catch (error) {
      const message = `This browser cannot connect: ${error instanceof Error ? error.message : error}`;
      this.onEnd({ code: 'unsupported', message, fatal: true, seq: null, reached: false });
    }
  }

  private onEnd(end: PeerEnd): void {
    clearTimeout(this.silenceTimer);
    this.peer = null;
    const { reached, ...error } = end;
    if (end.fatal) {
      this.link = null;
      return this.set('failed', this.current.attempt, error);
    }
    const wasConnected = this.current.phase === 'connected';
    if (wasConnected && this.environment.now() - this.connectedAt >= STABLE_MS) this.backoff.reset();
    const pause = this.backoff.next();
    const attempt = wasConnected ? 1 : this.current.attempt + 1;
    if (this.connectedOnce) this.set('reconnecting', attempt, error);
    else this.set(reached && end.code === 'unreachable' ? 'connecting' : 'waiting', attempt, error);
    this.retryTimer = setTimeout(() => this.attempt(), pause);
  }

  /**
   * Without its socket the host may be dead, which ICE notices late, or only its front door is. A host that lives
   * answers the probe.
   */
  private checkAlive(): void {
    clearTimeout(this.silenceTimer);
    const asked = this.environment.now();
    this.events.onProbe();
    this.silenceTimer = setTimeout(() => {
      if (this.heardAt < asked) this.fail('unreachable', 'The host does not answer any more.');
    }, SILENCE_MS);
  }

  private setQueue(queue: Waiting | null): void {
    if (queue === null && this.current.queue === null) return;
    this.current = { ...this.current, queue };
    this.events.onStatus(this.current);
  }

  private set(phase: ConnectionPhase, attempt: number, error: ClientError | null): void {
    this.current = { phase, attempt, error, queue: null };
    this.events.onStatus(this.current);
  }
}
