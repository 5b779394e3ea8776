import {
  INPUT_CHANNEL,
  STATE_CHANNEL,
  type Ack,
  type ClientBody,
  type Drag,
  type HostMessage,
  type HostStats,
  type MeasurePick,
  type NewDevice,
  type Presence,
  type Role,
  type SectionPlane,
} from '../protocol.gen.js';
import * as geometry from './camera.js';
import type { PicturePoint } from './camera.js';
import { Coalescer } from './coalescer.js';
import { LocalEcho } from './echo/local_echo.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { browserEnvironment, type Environment } from './environment.js';
import type { ClientError } from './errors.js';
import { LatencyMeter, PresentedFrames, testLatency, type LatencyReport, type LatencySource } from './latency.js';
import { parseShareLink } from './link.js';
import { checkNumbers, Stamper, type ChannelName } from './messages.js';
import { PartJoiner } from './parts.js';
import { StatsReader, type ConnectionStats } from './stats.js';
import { StateStore, type Device, type SessionState } from './store.js';
import { Supervisor, type ConnectionPhase, type ConnectionStatus } from './supervisor.js';

/** How to connect. */
export interface ConnectOptions {
  /** Share link, `https://host:port/#<token>`; the page's own address by default. */
  url?: string;
  /** Instead of the one in the link. */
  token?: string;
  /** Shown to the others, at most 40 characters. The host makes one when it is absent. */
  name?: string;
}

/** Part of a drag. Without it the message stands for a whole movement. */
export interface DragOptions {
  /** From {@link RemoteRenderClient.nextGesture}: messages with the same number are undone together. */
  gesture?: number;
  /** The movement ends here: the message is sent so that it cannot be lost. */
  last?: boolean;
}

/** Why and how a connection ended. */
export interface Disconnection {
  /** Null when {@link RemoteRenderClient.disconnect} was called. */
  error: ClientError | null;
  willReconnect: boolean;
}

/** Continuous input is left out while this much of it waits, bytes: it would arrive too late to be of use. */
const MAX_BUFFERED_INPUT = 64 * 1024;
const STATS_INTERVAL_MS = 1000;

/**
 * A viewer of a Remote Render host: shows its picture, knows its state, sends input.
 *
 * ```ts
 * const client = new RemoteRenderClient();
 * client.attachVideo(video);
 * client.onState((state) => console.log(state.devices.length, 'devices'));
 * client.connect('https://host:8443/#token');
 * ```
 *
 * It reconnects by itself until {@link disconnect} is called or the host says its last word. Points of the picture are
 * 0 to 1 from the top left corner; movements are CSS pixels of a picture that is 720 pixels high, whatever its size on
 * the screen; places are metres, Y up. Methods that send an edit return its number, which comes back in `ack` and
 * `error`, or null when there is no connection.
 */
export class RemoteRenderClient {
  /** Shows camera movements at once where the round trip is long; see {@link attachEcho}. */
  readonly echo: LocalEcho;
  private readonly supervisor: Supervisor;
  private readonly store = new StateStore();
  private readonly coalescer: Coalescer;
  private readonly stamper: Stamper;
  private parts = new PartJoiner();
  private statsReader = new StatsReader();
  private statsTimer: ReturnType<typeof setTimeout> | undefined;
  private gestures = 0;
  private currentPresence: Presence | null = null;
  private currentStats: ConnectionStats | null = null;
  private currentHostStats: HostStats | null = null;
  private watchesHost = false;
  private currentRole: Role | null = null;
  private stream: MediaStream | null = null;
  private video: HTMLVideoElement | null = null;
  private phase: ConnectionPhase = 'idle';
  private unlisten: (() => void) | null = null;
  private meter: LatencyMeter | null = null;

  private readonly connectedEvent = new Emitter<void>();
  private readonly disconnectedEvent = new Emitter<Disconnection>();
  private readonly errorEvent = new Emitter<ClientError>();
  private readonly stateEvent = new Emitter<SessionState>();
  private readonly statsEvent = new Emitter<ConnectionStats>();
  private readonly hostStatsEvent = new Emitter<HostStats>();
  private readonly presenceEvent = new Emitter<Presence>();
  private readonly ackEvent = new Emitter<Ack>();
  private readonly trackEvent = new Emitter<MediaStream>();
  private readonly statusEvent = new Emitter<ConnectionStatus>();
  private readonly latencyEvent = new Emitter<void>();
  private readonly latencySource: LatencySource = {
    probe: (x, y) => this.post(STATE_CHANNEL, { type: 'test:click', data: { x, y } }),
    onAck: (listener) => this.onAck(listener),
    rtt: () => this.currentStats?.rttMs ?? 0,
  };

  constructor(environment: Environment = browserEnvironment) {
    this.stamper = new Stamper(() => environment.now());
    this.coalescer = new Coalescer(
      (body) => this.sendInput(body),
      environment.schedule,
      () => environment.now(),
    );
    this.echo = new LocalEcho({
      now: () => environment.now(),
      schedule: environment.schedule,
      rtt: () => this.currentStats?.rttMs ?? 0,
      maySteer: () =>
        this.hasOwnCamera || [null, this.store.state?.you.participantId].includes(this.currentPresence?.presenter ?? null),
      devices: () => this.store.state?.devices ?? [],
      watch: (on) => this.phase === 'connected' && void this.sendEdit({ type: 'picture:watch', data: { on } }),
    });
    this.supervisor = new Supervisor(environment, {
      onStatus: (status) => this.onStatusChange(status),
      onWelcome: ({ role }) => (this.currentRole = role),
      onOpen: () => (this.parts = new PartJoiner()),
      onTrack: (stream) => this.onStream(stream),
      onText: (text) => this.onText(text),
      onProbe: () => this.sendPing(),
    });
  }

  // Connecting

  /** Connects, or connects anew, and stays connected. Throws when the link is none. */
  connect(target: string | ConnectOptions = {}): void {
    const options = typeof target === 'string' ? { url: target } : target;
    const link = parseShareLink(options.url ?? location.href);
    if (options.token !== undefined) link.token = options.token;
    const name = options.name?.replace(/\p{Cc}/gu, '').trim();
    this.listenToBrowser();
    this.supervisor.start(link, name ? [...name].slice(0, 40).join('') : undefined);
  }

  /** Ends the connection and does not reconnect. */
  disconnect(): void {
    this.unlisten?.();
    this.unlisten = null;
    this.supervisor.stop();
  }

  /** Tries at once instead of waiting for the next attempt. */
  retryNow(): void {
    this.supervisor.wake();
  }

  get connectionState(): ConnectionPhase {
    return this.phase;
  }

  /** The same with the count of attempts and the reason. */
  get status(): ConnectionStatus {
    return this.supervisor.status;
  }

  /** The latest state; null before the first connection. It stays while the client reconnects. */
  get state(): SessionState | null {
    return this.store.state;
  }

  get stats(): ConnectionStats | null {
    return this.currentStats;
  }

  /** How fast the host is and what it drew; null before the first message after {@link watchHostStats}. */
  get hostStats(): HostStats | null {
    return this.currentHostStats;
  }

  /** Who is here, and who presents. */
  get presence(): Presence | null {
    return this.currentPresence;
  }

  /** What this viewer may do; null before the host has said so. */
  get role(): Role | null {
    return this.store.state?.you.role ?? this.currentRole;
  }

  /** Shows the picture in this element, now and after each reconnect. */
  attachVideo(video: HTMLVideoElement): void {
    this.video = video;
    if (this.stream) this.play(this.stream);
  }

  /**
   * Lets camera movements be seen at once where the round trip is long: a canvas that lies on the video and has its place
   * and size. It is hidden whenever the video alone is true.
   */
  attachEcho(canvas: HTMLCanvasElement): void {
    if (this.video) this.echo.attach(this.video, canvas);
  }

  // Camera

  /** Turns the camera: `dx` to the right, `dy` down. Sent once a frame, with what was added meanwhile. */
  sendCameraOrbit(dx: number, dy: number): void {
    checkNumbers({ dx, dy });
    this.coalescer.addOrbit(dx, dy);
  }

  /** Shifts the camera: what is in the middle of the picture follows the pointer. */
  sendCameraPan(dx: number, dy: number): void {
    checkNumbers({ dx, dy });
    this.coalescer.addPan(dx, dy);
  }

  /**
   * The distance grows by the factor exp(delta / 1000). With a point of the picture, what is there (at the depth of the
   * target) stays there.
   */
  sendCameraZoom(delta: number, at?: PicturePoint): void {
    checkNumbers({ delta });
    this.coalescer.addZoom(delta);
    const { state } = this;
    if (!at || !state) return;
    checkNumbers({ x: at.x, y: at.y });
    // A point `p` pixels from the middle comes to p / factor; the pan takes it back.
    const share = 1 - Math.exp(-delta / 1000);
    const height = 720;
    const width = height * geometry.aspect(state.picture);
    this.coalescer.addPan((at.x - 0.5) * width * share, (at.y - 0.5) * height * share);
  }

  /** Goes to a named view of the workspace, or to `iso`, `front`, `back`, `left`, `right`, `top` or `fit`. */
  sendCameraView(name: string): number | null {
    return this.sendEdit({ type: 'camera:view', data: { name } });
  }

  /** Turns to a device and fits it. */
  sendCameraFocus(deviceId: string): number | null {
    return this.sendEdit({ type: 'camera:focus', data: { deviceId } });
  }

  /**
   * Cuts everything open along planes, for everybody; none shows all of it again. A plane without an offset goes through
   * the middle of the selection, or of everything. `last` sends the message so that it cannot be lost: of a slider that
   * moves, only the end has to arrive.
   */
  sendSection(planes: readonly SectionPlane[], options: { last?: boolean } = {}): number | null {
    planes.forEach(({ normal: [x, y, z], offset }) => checkNumbers({ x, y, z, offset: offset ?? 0 }));
    const copy = planes.map((plane) => ({ ...plane }));
    if (options.last === false) {
      this.coalescer.setSection(copy);
      return null;
    }
    this.coalescer.dropSection();
    return this.sendEdit({ type: 'section:set', data: { planes: copy } });
  }

  /** This viewer looks through a camera of its own; what it does to the camera is about that one. */
  get hasOwnCamera(): boolean {
    const me = this.store.state?.you.participantId;
    return this.currentPresence?.participants.some((p) => p.id === me && p.ownCamera) ?? false;
  }

  /**
   * Leaves the shared view for a camera of this viewer's own, which begins where the shared one is, or comes back. When the
   * owner does not allow it or the host has no room for another picture, an error says so.
   */
  sendOwnCamera(on: boolean): number | null {
    return this.sendEdit({ type: 'camera:own', data: { on } });
  }

  // Measuring

  /**
   * Measures what is at a point of the picture: the second thing of the measurement that this viewer has begun, or the
   * first of a new one. What is known of it comes with the state.
   */
  sendMeasurePick(x: number, y: number, options: Omit<MeasurePick, 'screenX' | 'screenY'> = {}): number | null {
    checkNumbers({ x, y, radiusPx: options.radiusPx ?? 0 });
    return this.sendEdit({ type: 'measure:pick', data: { screenX: x, screenY: y, ...options } });
  }

  /** Shows in the picture what a pick at this point would take. Sent with the next position of the pointer. */
  sendMeasureAim(at: PicturePoint | null): void {
    if (at) checkNumbers({ x: at.x, y: at.y });
    this.coalescer.setAim(at && { x: at.x, y: at.y });
  }

  /** Ends the measurement that waits for its second thing. */
  sendMeasureEnd(): number | null {
    return this.sendEdit({ type: 'measure:end', data: {} });
  }

  sendMeasureRemove(measurementId: number): number | null {
    return this.sendEdit({ type: 'measure:remove', data: { measurementId } });
  }

  /** Takes all measurements away, those of others too. */
  sendMeasureClear(): number | null {
    return this.sendEdit({ type: 'measure:clear', data: {} });
  }

  // Pointing and selecting

  /** Shows the others where this viewer points; null when nowhere. */
  sendPointer(at: PicturePoint | null): void {
    if (at) checkNumbers({ x: at.x, y: at.y });
    this.coalescer.setPointer(at && { x: at.x, y: at.y });
  }

  /** Selects what is at a point of the picture, or this device whatever is there. Empty space clears the selection. */
  sendDeviceClick(x: number, y: number, deviceId?: string, options: { toggle?: boolean } = {}): number | null {
    checkNumbers({ x, y });
    const seq = this.sendEdit({
      type: 'device:click',
      data: { screenX: x, screenY: y, ...(deviceId && { deviceId }), ...(options.toggle && { toggle: true }) },
    });
    if (seq !== null) this.echo.clicked(seq);
    return seq;
  }

  // Editing

  /** A number for the messages of one drag. */
  nextGesture(): number {
    this.gestures += 1;
    return this.gestures;
  }

  /** Moves a device to a place in the world. */
  sendDeviceDrag(deviceId: string, x: number, y: number, z: number, options: DragOptions = {}): number | null {
    checkNumbers({ x, y, z });
    const gesture = options.gesture ?? this.nextGesture();
    const drag: Drag = { deviceId, positionX: x, positionY: y, positionZ: z, gesture };
    if (!(options.last ?? options.gesture === undefined)) {
      this.coalescer.setDrag(drag);
      return null;
    }
    this.coalescer.dropDrag(deviceId);
    return this.sendEdit({ type: 'device:drag', data: drag });
  }

  sendConnectionCreate(sourceDeviceId: string, targetDeviceId: string, type?: string): number | null {
    return this.sendEdit({ type: 'connection:create', data: { sourceDeviceId, targetDeviceId, ...(type && { type }) } });
  }

  sendConnectionRemove(connectionId: string): number | null {
    return this.sendEdit({ type: 'connection:remove', data: { connectionId } });
  }

  sendDeviceAdd(device: NewDevice): number | null {
    const [x, y, z] = device.position;
    checkNumbers({ x, y, z });
    return this.sendEdit({ type: 'device:add', data: device });
  }

  sendDeviceRemove(deviceId: string): number | null {
    return this.sendEdit({ type: 'device:remove', data: { deviceId } });
  }

  undo(): number | null {
    return this.sendEdit({ type: 'edit:undo', data: {} });
  }

  redo(): number | null {
    return this.sendEdit({ type: 'edit:redo', data: {} });
  }

  /** Asks to be the presenter: the one who steers the camera. */
  requestControl(): number | null {
    return this.sendEdit({ type: 'control:request', data: {} });
  }

  releaseControl(): number | null {
    return this.sendEdit({ type: 'control:release', data: {} });
  }

  /** Asks the host for its figures, once a second while they change, or for no more. Holds for later connections too. */
  watchHostStats(on: boolean): void {
    if (on === this.watchesHost) return;
    this.watchesHost = on;
    if (!on) this.currentHostStats = null;
    if (this.phase === 'connected') this.sendEdit({ type: 'stats:watch', data: { on } });
  }

  // Latency

  /** Asks the host to draw a small mark there for a moment. */
  sendTestClick(x: number, y: number): number | null {
    checkNumbers({ x, y });
    return this.sendEdit({ type: 'test:click', data: { x, y } });
  }

  /**
   * Measures the whole path and its stages: sends probes and waits for the picture that shows each on this screen. Needs a
   * video (see {@link attachVideo}) and a browser that tells the RTP timestamps of pictures.
   */
  async latencyTest(count = 20, onProgress?: (done: number) => void): Promise<LatencyReport> {
    const { video } = this;
    if (!video || !PresentedFrames.isSupported(video)) throw new Error('This browser does not tell when pictures appear');
    return testLatency(video, this.latencySource, count, onProgress);
  }

  /** Measures whatever is done from now on ({@link latency}), or no more. */
  watchLatency(on: boolean): void {
    if (on === (this.meter !== null)) return;
    this.meter?.stop();
    const { video } = this;
    this.meter =
      on && video && PresentedFrames.isSupported(video)
        ? new LatencyMeter(video, this.latencySource, () => this.latencyEvent.emit())
        : null;
  }

  /** The last hundred inputs and their pictures; null while {@link watchLatency} has seen none. */
  get latency(): LatencyReport | null {
    return this.meter?.report ?? null;
  }

  // Geometry

  /** A device of the latest state. */
  device(id: string): Device | undefined {
    return this.store.device(id);
  }

  /** Where the middle of a device is in the picture, 0 to 1 from the top left; outside of that when it is out of the picture. */
  projectDevice(id: string): PicturePoint | null {
    const device = this.device(id);
    return device ? this.project(geometry.centre(device.bounds)) : null;
  }

  /** Where a place of the world is in the picture; null behind the eye. */
  project(point: readonly [number, number, number]): PicturePoint | null {
    const { state } = this;
    return state && geometry.project(state.camera, geometry.aspect(state.picture), point);
  }

  // Events: each returns what ends it.

  /** Connected, or connected again: {@link state} is there. */
  onConnected(listener: () => void): Unsubscribe {
    return this.connectedEvent.on(listener);
  }

  onDisconnected(listener: (end: Disconnection) => void): Unsubscribe {
    return this.disconnectedEvent.on(listener);
  }

  /** A message was refused, or the connection failed. */
  onError(listener: (error: ClientError) => void): Unsubscribe {
    return this.errorEvent.on(listener);
  }

  onState(listener: (state: SessionState) => void): Unsubscribe {
    return this.stateEvent.on(listener);
  }

  /** Once a second. */
  onStats(listener: (stats: ConnectionStats) => void): Unsubscribe {
    return this.statsEvent.on(listener);
  }

  /** At most once a second, after {@link watchHostStats}. */
  onHostStats(listener: (stats: HostStats) => void): Unsubscribe {
    return this.hostStatsEvent.on(listener);
  }

  onPresence(listener: (presence: Presence) => void): Unsubscribe {
    return this.presenceEvent.on(listener);
  }

  onAck(listener: (ack: Ack) => void): Unsubscribe {
    return this.ackEvent.on(listener);
  }

  /** {@link latency} has one input more. */
  onLatency(listener: () => void): Unsubscribe {
    return this.latencyEvent.on(listener);
  }

  /** The video is there; {@link attachVideo} does what is usual with it. */
  onTrack(listener: (stream: MediaStream) => void): Unsubscribe {
    return this.trackEvent.on(listener);
  }

  onStatus(listener: (status: ConnectionStatus) => void): Unsubscribe {
    return this.statusEvent.on(listener);
  }

  // Sending

  /** Sends a text as it is, for tests of a host. Throws when the channel is not open. */
  sendRaw(channel: ChannelName, text: string): void {
    const peer = this.supervisor.openPeer;
    if (!peer) throw new Error('not connected');
    peer.send(channel, text);
  }

  private sendEdit(body: ClientBody): number | null {
    this.coalescer.flush();
    return this.post(STATE_CHANNEL, body)?.seq ?? null;
  }

  private sendInput(body: ClientBody): void {
    const peer = this.supervisor.openPeer;
    if (!peer || peer.buffered(INPUT_CHANNEL) > MAX_BUFFERED_INPUT) return;
    const message = this.post(INPUT_CHANNEL, body);
    if (message) this.echo.sent(message.seq, body);
  }

  private post(channel: ChannelName, body: ClientBody): { seq: number; timestamp: number } | null {
    const peer = this.supervisor.openPeer;
    if (!peer) return null;
    const message = this.stamper.stamp(body);
    try {
      peer.send(channel, JSON.stringify(message));
    } catch {
      // The channel is closing; the peer is about to say so.
      return null;
    }
    return message;
  }

  /** Changes nothing that anybody sees, and is acknowledged. */
  private sendPing(): void {
    this.post(STATE_CHANNEL, { type: 'pointer:leave', data: {} });
  }

  // Receiving

  private onText(text: string): void {
    let message: HostMessage | null;
    try {
      message = this.parts.read(text);
    } catch (error) {
      // What is missing now cannot be known; a new connection begins with the whole state.
      return this.supervisor.fail('malformed', `The host sent something unreadable (${error}).`);
    }
    if (message) this.onMessage(message);
  }

  private onMessage(message: HostMessage): void {
    switch (message.type) {
      case 'state:full':
        this.stateEvent.emit(this.store.setFull(message.data));
        if (this.phase !== 'connected') this.supervisor.connected();
        return;
      case 'state:update': {
        const state = this.store.update(message.data);
        if (state) this.stateEvent.emit(state);
        return;
      }
      case 'presence':
        this.currentPresence = message.data;
        this.echo.presence();
        return this.presenceEvent.emit(message.data);
      case 'ack':
        this.echo.answered(message.data.seq, message.data.rtpTimestamp);
        return this.ackEvent.emit(message.data);
      case 'picture':
        return this.echo.told(message.data);
      case 'stats':
        // One may still be on its way when nobody wants any.
        if (!this.watchesHost) return;
        this.currentHostStats = message.data;
        return this.hostStatsEvent.emit(message.data);
      case 'error':
        this.echo.refused(message.data.seq);
        return this.errorEvent.emit({ ...message.data, fatal: false });
      case 'part':
    }
  }

  private onStatusChange(status: ConnectionStatus): void {
    const before = this.phase;
    this.phase = status.phase;
    if (before === 'connected') {
      this.coalescer.clear();
      clearTimeout(this.statsTimer);
      this.currentHostStats = null;
      this.echo.connected(false);
      if (this.meter) {
        // Another host counts its pictures from elsewhere.
        this.watchLatency(false);
        this.watchLatency(true);
      }
      const willReconnect = status.phase === 'reconnecting';
      this.disconnectedEvent.emit({ error: status.error, willReconnect });
    }
    if (status.phase === 'connected' && before !== 'connected') {
      this.statsReader = new StatsReader();
      this.statsTimer = setTimeout(() => void this.readStats(), STATS_INTERVAL_MS / 4);
      if (this.watchesHost) this.sendEdit({ type: 'stats:watch', data: { on: true } });
      this.echo.connected(true);
      this.connectedEvent.emit();
    }
    this.statusEvent.emit(status);
    if (status.phase === 'failed' && status.error) this.errorEvent.emit(status.error);
  }

  private onStream(stream: MediaStream): void {
    this.stream = stream;
    this.play(stream);
    this.trackEvent.emit(stream);
  }

  private play(stream: MediaStream): void {
    if (!this.video) return;
    this.video.srcObject = stream;
    // A browser that wants a gesture first rejects; the page offers one.
    void this.video.play()?.catch(() => undefined);
  }

  private async readStats(): Promise<void> {
    const connection = this.supervisor.openPeer?.connection;
    const reader = this.statsReader;
    try {
      const found = connection && reader.read(await connection.getStats());
      if (found && this.phase === 'connected' && reader === this.statsReader) {
        this.currentStats = found;
        this.echo.update();
        this.statsEvent.emit(found);
      }
    } catch {
      // The connection closed meanwhile.
    }
    if (this.phase !== 'connected' || reader !== this.statsReader) return;
    this.statsTimer = setTimeout(() => void this.readStats(), STATS_INTERVAL_MS);
  }

  /** A device that slept or changed its network finds out at once, not at the next timeout. */
  private listenToBrowser(): void {
    if (this.unlisten || typeof window === 'undefined') return;
    const wake = () => document.visibilityState === 'visible' && this.supervisor.wake();
    window.addEventListener('online', wake);
    window.addEventListener('pageshow', wake);
    document.addEventListener('visibilitychange', wake);
    this.unlisten = () => {
      window.removeEventListener('online', wake);
      window.removeEventListener('pageshow', wake);
      document.removeEventListener('visibilitychange', wake);
    };
  }
}
