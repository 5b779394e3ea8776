import {
  INPUT_CHANNEL,
  PROTOCOL_VERSION,
  STATE_CHANNEL,
  type Candidate,
  type SignalFromHost,
  type SignalFromViewer,
  type Waiting,
  type Welcome,
} from '../protocol.gen.js';
import { preferH264 } from './codecs.js';
import type { Environment } from './environment.js';
import { isFatal, type ClientError } from './errors.js';
import type { ShareLink } from './link.js';
import type { ChannelName } from './messages.js';
import { askForRoundTrips, offer } from './offer.js';

/** `WebSocket.OPEN`, which stand-ins for a socket do not bring. */
const SOCKET_OPEN = 1;
/** For the host's front door to answer. */
const SOCKET_TIMEOUT_MS = 5000;
/** From the open socket to open data channels. */
const SETUP_TIMEOUT_MS = 12_000;
/** ICE often recovers from `disconnected` by itself; longer than this and a new connection is faster. */
const DISCONNECTED_MS = 2000;

/** How an attempt ended. */
export interface PeerEnd extends ClientError {
  /** The signaling socket was open: there is a host at that address. */
  reached: boolean;
}

/** What a {@link Peer} tells. After `onEnd` it tells nothing more. */
export interface PeerEvents {
  /** No worker is free yet. `onWelcome` ends it. */
  onWaiting(waiting: Waiting): void;
  onWelcome(welcome: Welcome): void;
  /** Both data channels are open. */
  onOpen(): void;
  onTrack(stream: MediaStream): void;
  /** A text on the `state` channel. */
  onText(text: string): void;
  /** The signaling socket went away while the data channels still seem to be there. */
  onSocketLost(): void;
  onEnd(end: PeerEnd): void;
}

/**
 * One attempt to reach the host and the connection that comes of it: a signaling socket, a peer connection with one
 * video section, and the data channels `input` and `state`. A peer is used once; who reconnects makes another.
 */
export class Peer {
  private readonly socket: WebSocket;
  private pc: RTCPeerConnection | null = null;
  private readonly channels = new Map<ChannelName, RTCDataChannel>();
  private readonly early: Candidate[] = [];
  private readonly remoteEarly: Candidate[] = [];
  private offered = false;
  private answered = false;
  private reached = false;
  private open = false;
  private ended = false;
  private setupTimer: ReturnType<typeof setTimeout>;
  private disconnectedTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly link: ShareLink,
    private readonly name: string | undefined,
    private readonly returnKey: string,
    private readonly events: PeerEvents,
  ) {
    this.setupTimer = setTimeout(
      () => this.fail('unreachable', 'The host does not answer at this address.'),
      SOCKET_TIMEOUT_MS,
    );
    this.socket = environment.createSocket(link.signalUrl);
    this.socket.onopen = () => this.onSocketOpen();
    this.socket.onmessage = (event) => void this.onSignal(event.data);
    this.socket.onclose = () => this.onSocketClosed();
  }

  get isOpen(): boolean {
    return this.open && !this.ended;
  }

  get connection(): RTCPeerConnection | null {
    return this.pc;
  }

  /** Bytes that wait in a channel. */
  buffered(channel: ChannelName): number {
    return this.channels.get(channel)?.bufferedAmount ?? 0;
  }

  /** Throws when the channel is not open. */
  send(channel: ChannelName, text: string): void {
    const open = this.channels.get(channel);
    if (!open || open.readyState !== 'open') throw new Error(`the ${channel} channel is not open`);
    open.send(text);
  }

  /** Ends everything without a word to the events. */
  close(): void {
    this.ended = true;
    clearTimeout(this.setupTimer);
    clearTimeout(this.disconnectedTimer);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    // As a goodbye: the host need not wait until it has heard nothing for a while.
    this.socket.close(1000);
    for (const channel of this.channels.values()) {
      channel.onopen = channel.onclose = channel.onmessage = null;
      channel.close();
    }
    if (this.pc) {
      this.pc.onicecandidate = this.pc.ontrack = this.pc.onconnectionstatechange = null;
      this.pc.close();
    }
  }

  /** Ends the attempt for a reason that is found outside, such as a damaged state. */
  fail(code: ClientError['code'], message: string, fatal = false): void {
    if (this.ended) return;
    this.close();
    this.events.onEnd({ code, message, fatal, seq: null, reached: this.reached });
  }

  private onSocketOpen(): void {
    this.reached = true;
    this.expectSetup();
    const hello = { token: this.link.token, protocolVersion: PROTOCOL_VERSION, returnKey: this.returnKey };
    this.signal({ type: 'hello', data: this.name ? { ...hello, name: this.name } : hello });
  }

  private expectSetup(): void {
    clearTimeout(this.setupTimer);
    this.setupTimer = setTimeout(
      () =>
        this.fail('unreachable', 'The host answers, but no video connection comes about. A firewall may block it.'),
      SETUP_TIMEOUT_MS,
    );
  }

  private onSocketClosed(): void {
    if (this.isOpen) this.events.onSocketLost();
    else if (this.reached) this.fail('unreachable', 'The host closed the connection before it was complete.');
    else this.fail('unreachable', 'The host does not answer at this address.');
  }

  private signal(message: SignalFromViewer): void {
    if (this.socket.readyState === SOCKET_OPEN) this.socket.send(JSON.stringify(message));
  }

  private async onSignal(data: unknown): Promise<void> {
    try {
      const message = JSON.parse(String(data)) as SignalFromHost;
      switch (message.type) {
        case 'waiting':
          // As long as it takes: the gateway's pings keep the socket honest.
          clearTimeout(this.setupTimer);
          return this.events.onWaiting(message.data);
        case 'welcome':
          this.expectSetup();
          return await this.onWelcome(message.data);
        case 'answer':
          return await this.onAnswer(message.data.sdp);
        case 'candidate':
          return await this.onCandidate(message.data);
        case 'error':
          return this.fail(message.data.code, message.data.message, isFatal(message.data.code));
        case 'bye':
          return this.fail(message.data.code, message.data.message, isFatal(message.data.code));
      }
    } catch (error) {
      this.fail('internal', `The connection could not be set up: ${error instanceof Error ? error.message : error}`);
    }
  }

  private async onWelcome(welcome: Welcome): Promise<void> {
    if (this.pc) return;
    this.events.onWelcome(welcome);
    const pc = this.environment.createPeer({ iceServers: welcome.iceServers, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    const transceiver = pc.addTransceiver('video', { direction: 'recvonly' });
    const codecs = this.environment.videoCodecs();
    if (codecs && typeof transceiver.setCodecPreferences === 'function') {
      transceiver.setCodecPreferences(preferH264(codecs));
    }
    pc.ontrack = ({ track, streams, receiver }) => {
      playAtOnce(receiver);
      this.events.onTrack(streams[0] ?? new MediaStream([track]));
    };
    pc.onicecandidate = ({ candidate }) => this.onLocalCandidate(candidate);
    pc.onconnectionstatechange = () => this.onConnectionState(pc.connectionState);
    this.listen(INPUT_CHANNEL, pc.createDataChannel(INPUT_CHANNEL, { ordered: false, maxRetransmits: 0 }));
    this.listen(STATE_CHANNEL, pc.createDataChannel(STATE_CHANNEL, { ordered: true }));
    await offer(pc);
    if (this.ended) return;
    this.signal({ type: 'offer', data: { sdp: pc.localDescription?.sdp ?? '' } });
    this.offered = true;
    this.early.splice(0).forEach((candidate) => this.signal({ type: 'candidate', data: candidate }));
  }

  private async onAnswer(sdp: string): Promise<void> {
    // The host answers the clock though its WebRTC stack does not say so; Chromium asks only where both sides say it.
    await this.pc?.setRemoteDescription({ type: 'answer', sdp: askForRoundTrips(sdp) });
    this.answered = true;
    for (const candidate of this.remoteEarly.splice(0)) await this.addCandidate(candidate);
  }

  private async onCandidate(candidate: Candidate): Promise<void> {
    if (this.answered) await this.addCandidate(candidate);
    else this.remoteEarly.push(candidate);
  }

  private async addCandidate(candidate: Candidate): Promise<void> {
    if (candidate.candidate === '' || this.ended) return;
    try {
      await this.pc?.addIceCandidate(candidate);
    } catch (error) {
      // One address that this browser does not understand; another may serve.
      console.warn('a candidate of the host is not taken', error);
    }
  }

  /** The host takes candidates after the offer only. An empty one marks the end. */
  private onLocalCandidate(candidate: RTCIceCandidate | null): void {
    const data: Candidate = {
      candidate: candidate?.candidate ?? '',
      sdpMid: candidate?.sdpMid ?? null,
      sdpMLineIndex: candidate?.sdpMLineIndex ?? null,
    };
    if (this.offered) this.signal({ type: 'candidate', data });
    else this.early.push(data);
  }

  private listen(name: ChannelName, channel: RTCDataChannel): void {
    this.channels.set(name, channel);
    channel.onopen = () => {
      if ([...this.channels.values()].some(({ readyState }) => readyState !== 'open')) return;
      clearTimeout(this.setupTimer);
      this.open = true;
      this.events.onOpen();
    };
    channel.onclose = () => this.fail('closing', 'The host ended the connection.');
    if (name === STATE_CHANNEL) channel.onmessage = ({ data }) => !this.ended && this.events.onText(String(data));
  }

  private onConnectionState(state: RTCPeerConnectionState): void {
    clearTimeout(this.disconnectedTimer);
    if (state === 'failed') this.fail('unreachable', 'The connection to the host was lost.');
    if (state === 'disconnected') {
      this.disconnectedTimer = setTimeout(
        () => this.fail('unreachable', 'The connection to the host was lost.'),
        DISCONNECTED_MS,
      );
    }
  }
}

/** Asks the browser to show each picture when it is there instead of keeping some in stock against jitter. */
function playAtOnce(receiver: RTCRtpReceiver): void {
  const tuned = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null; playoutDelayHint?: number };
  if ('jitterBufferTarget' in tuned) tuned.jitterBufferTarget = 0;
  if ('playoutDelayHint' in tuned) tuned.playoutDelayHint = 0;
}
