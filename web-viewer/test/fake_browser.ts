// Stand-ins for what a browser brings: a socket and a peer connection that a test drives by hand.
import type { Environment } from '../src/client/environment.js';
import type { HostBody, SignalFromHost, SignalFromViewer } from '../src/protocol.gen.js';

export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: SignalFromViewer[] = [];
  closed = false;

  constructor(readonly url: string) {}

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: SignalFromHost): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The other side is gone. */
  drop(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
    this.closed = true;
  }
}

export class FakeChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly sent: string[] = [];

  constructor(
    readonly label: string,
    readonly options: RTCDataChannelInit,
  ) {}

  open(): void {
    this.readyState = 'open';
    this.onopen?.();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 'closed';
  }
}

export class FakePeer {
  connectionState = 'new';
  onicecandidate: ((event: { candidate: object | null }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: ((event: object) => void) | null = null;
  localDescription: { sdp: string } | null = null;
  readonly channels = new Map<string, FakeChannel>();
  readonly transceivers: unknown[][] = [];
  readonly remote: unknown[] = [];
  readonly candidates: unknown[] = [];
  codecs: { mimeType: string }[] = [];
  closed = false;

  constructor(readonly configuration: RTCConfiguration) {}

  addTransceiver(...of: unknown[]): object {
    this.transceivers.push(of);
    return { setCodecPreferences: (codecs: { mimeType: string }[]) => (this.codecs = codecs) };
  }

  createDataChannel(label: string, options: RTCDataChannelInit): FakeChannel {
    const channel = new FakeChannel(label, options);
    this.channels.set(label, channel);
    return channel;
  }

  async createOffer(): Promise<object> {
    return { type: 'offer', sdp: 'v=0 offer' };
  }

  async setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
    // As browsers do: the first candidate may come before the offer was sent.
    this.onicecandidate?.({ candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } });
  }

  async setRemoteDescription(description: unknown): Promise<void> {
    this.remote.push(description);
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }

  async getStats(): Promise<Map<string, unknown>> {
    return new Map([['V', { id: 'V', type: 'inbound-rtp', kind: 'video', timestamp: 1, frameWidth: 1280 }]]);
  }

  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }

  channel(label: 'input' | 'state'): FakeChannel {
    const channel = this.channels.get(label);
    if (!channel) throw new Error(`no channel ${label}`);
    return channel;
  }

  /** Texts that were sent, parsed. */
  messages(label: 'input' | 'state'): { type: string; timestamp: number; seq: number; data: unknown }[] {
    return this.channel(label).sent.map((text) => JSON.parse(text));
  }

  host(body: HostBody): void {
    this.channel('state').onmessage?.({ data: JSON.stringify({ timestamp: 1, ...body }) });
  }
}

/** Keeps what the client makes, in order. */
export class FakeBrowser implements Environment {
  readonly sockets: FakeSocket[] = [];
  readonly peers: FakePeer[] = [];
  private frames: (() => void)[] = [];

  createSocket = (url: string): WebSocket => {
    const socket = new FakeSocket(url);
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  };
  createPeer = (configuration: RTCConfiguration): RTCPeerConnection => {
    const peer = new FakePeer(configuration);
    this.peers.push(peer);
    return peer as unknown as RTCPeerConnection;
  };
  videoCodecs = (): RTCRtpCodec[] => [
    { mimeType: 'video/VP8', clockRate: 90_000 },
    { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'packetization-mode=1;profile-level-id=42e01f' },
  ];
  now = (): number => Date.now();
  random = (): number => 1;
  private secrets = 0;
  secret = (): string => `secret number ${++this.secrets}`;
  schedule = (callback: () => void): (() => void) => {
    this.frames.push(callback);
    return () => void (this.frames = this.frames.filter((one) => one !== callback));
  };

  get socket(): FakeSocket {
    return last(this.sockets);
  }

  get peer(): FakePeer {
    return last(this.peers);
  }

  frame(): void {
    this.frames.splice(0).forEach((callback) => callback());
  }
}

function last<T>(items: T[]): T {
  const item = items[items.length - 1];
  if (item === undefined) throw new Error('nothing was made yet');
  return item;
}
