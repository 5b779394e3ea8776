/**
 * Shows camera movements at once: while an input is on its way to the host and its picture on the way back, the last
 * picture is drawn as it would look from where the camera will be. It is laid over the video only as long as there is such
 * an input, and corrected with each picture that comes.
 */
import type { ClientBody, Picture } from '../../protocol.gen.js';
import { aspect as aspectOf, type Camera } from '../camera.js';
import type { Schedule } from '../coalescer.js';
import { Emitter, type Unsubscribe } from '../emitter.js';
import { rtpReached } from '../latency.js';
import { POINTS, sceneDepths, standing, type Box } from './depth.js';
import { offsetBetween, offsetBy, sizeOf, type Offset } from './moves.js';
import { Prediction } from './prediction.js';
import { Warp, type Colour } from './warp.js';

/** Round trips from which on it is worth its work, and below which it is not any more, milliseconds. */
const WORTH = { onMs: 40, offMs: 30 };
/** Where the processor draws, it takes a third of the pictures that a small machine can show. */
const WORTH_SOFTWARE = { onMs: 80, offMs: 65 };
/** The last input was lost when it took so many times as long as others do, within these bounds. */
const LOST_AFTER = 3;
const LOST_MIN_MS = 700;
/** Longest that anything is shown ahead of a host that does not answer. */
const LOST_MAX_MS = 3000;
/** What the prediction got wrong is taken back over so long. */
const BLEND_MS = 120;
/** Less than this is not seen, more is no mistake but another view; shares of the picture's width. */
const LEAST_OFFSET = 2e-4;
const MOST_OFFSET = 0.6;
/** Longest that the picture before is kept when nobody says what the new one shows: the word of it may be repeated. */
const UNKNOWN_MS = 400;
/** Longest that a click keeps movements from being shown ahead. */
const HELD_MS = 1500;

/** How often the colours of the background are looked up. */
const SKY_EVERY_MS = 10_000;

/** Of the picture's edge, where the processor draws: what moves is seen sooner, and not for long. */
const SOFTWARE_SHARE = 0.35;

/** A picture that is followed by no other for so long is made ready, if something was done here not long before. */
const REST_MS = 60;
const INTEREST_MS = 5000;

/** What it needs of {@link Warp}. */
export type Drawing = Pick<Warp, 'isLost' | 'isSoftware' | 'take' | 'draw'>;

/** What it needs of the client. */
export interface EchoSource {
  now(): number;
  /** Calls back with the next picture of the screen. */
  schedule: Schedule;
  /** There and back, milliseconds; 0 when it is not known. */
  rtt(): number;
  /** As far as is known, the host takes movements of this viewer. */
  maySteer(): boolean;
  /** What stands in the world; the same list as long as nothing changes. */
  devices(): readonly { readonly bounds: Box }[];
  /** Asks the host to tell what its pictures show, or not to. */
  watch(on: boolean): void;
}

/** A picture that was drawn ahead, for tests and figures. */
export interface EchoFrame {
  /** The camera of the picture that was drawn. */
  source: Camera;
  /** The camera that it was drawn for. */
  shown: Camera;
  /** RTP timestamp of the picture. */
  rtp: number;
}

export class LocalEcho {
  private readonly prediction = new Prediction();
  private readonly depths = new Float32Array(POINTS);
  private readonly drawn = new Emitter<EchoFrame>();
  private canvas: HTMLCanvasElement | null = null;
  private video: HTMLVideoElement | null = null;
  private warp: Drawing | null = null;
  private isWanted = true;
  private isBroken = false;
  private isSoftware = false;
  private isWatching = false;
  private isConnected = false;
  /** The host refused a movement: none is shown ahead until somebody else presents. */
  private isRefused = false;
  private active = false;
  private callback = 0;
  private cancelFrame: (() => void) | null = null;
  /** RTP timestamp of the video's picture. */
  private rtp: number | null = null;
  /** The picture that is drawn. */
  private source: Picture | null = null;
  private unknownSince: number | null = null;
  private offset: { of: Offset; since: number } | null = null;
  private sky: readonly [Colour, Colour] = [[0.08, 0.09, 0.11], [0.16, 0.19, 0.22]];
  private skySince = -Infinity;
  /** RTP timestamp of the picture that the warp holds. */
  private held: number | null = null;
  private interestAt = -Infinity;
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private stands: { of: readonly object[]; boxes: readonly Box[] } | null = null;
  /** A click, and the picture that shows what came of it. */
  private heldBy: { seq: number; since: number; rtp: number | null } | null = null;
  private isDirty = false;
  /** What is on the canvas. */
  private last: { source: Picture; shown: Camera } | null = null;

  /** Tests draw with something else than WebGL. */
  constructor(
    private readonly of: EchoSource,
    private readonly createWarp: (canvas: HTMLCanvasElement) => Drawing | null = Warp.create,
  ) {}

  /** Draws over this video, into a canvas that lies on it with the same size. Both stay where they are. */
  attach(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
    this.video = video;
    this.canvas = canvas;
    canvas.hidden = true;
    canvas.addEventListener('webglcontextlost', (event) => {
      // So that it may come back.
      event.preventDefault();
      this.warp = null;
      this.isBroken = true;
      this.update();
    });
    canvas.addEventListener('webglcontextrestored', () => {
      this.isBroken = false;
      this.update();
    });
    this.update();
  }

  /** Wanted by the person; on by default. */
  get enabled(): boolean {
    return this.isWanted;
  }

  set enabled(on: boolean) {
    this.isWanted = on;
    this.update();
  }

  /** Movements are shown ahead as soon as there are any: the round trip is long, and browser and host can. */
  get ready(): boolean {
    return this.isWatching;
  }

  /** A picture that was drawn ahead is on the screen. */
  get isActive(): boolean {
    return this.active;
  }

  onDrawn(listener: (frame: EchoFrame) => void): Unsubscribe {
    return this.drawn.on(listener);
  }

  // What the client hears and does

  connected(on: boolean): void {
    this.isConnected = on;
    this.isWatching = false;
    this.isRefused = false;
    this.heldBy = null;
    this.source = null;
    this.held = null;
    this.prediction.clear();
    this.stop();
    this.update();
  }

  /** The round trip is known better, or who presents has changed. */
  update(): void {
    const { video } = this;
    const able = video !== null && this.canvas !== null && typeof video.requestVideoFrameCallback === 'function';
    const may = able && this.isWanted && !this.isBroken && this.isConnected;
    // What draws is known when it was opened.
    const wanted = may && this.isFar() && this.open() && this.isFar();
    if (wanted === this.isWatching) return;
    this.isWatching = wanted;
    this.of.watch(wanted);
    if (wanted) this.nextPicture();
    else {
      video?.cancelVideoFrameCallback?.(this.callback);
      this.rtp = null;
      this.prediction.clear();
      this.stop();
    }
  }

  private isFar(): boolean {
    const { onMs, offMs } = this.isSoftware ? WORTH_SOFTWARE : WORTH;
    return this.of.rtt() > (this.isWatching ? offMs : onMs);
  }

  /** Who presents has changed: what was refused may be allowed now. */
  presence(): void {
    this.isRefused = false;
  }

  /** An input was sent. */
  sent(seq: number, message: ClientBody): void {
    if (!this.isWatching || this.isRefused || !this.of.maySteer()) return;
    // A pointer over the picture tells that somebody is about to do something.
    this.interest();
    if (!this.prediction.sent(seq, message, this.of.now())) return;
    this.isDirty = true;
    // After the other inputs of this moment and before the screen is drawn.
    queueMicrotask(() => this.isDirty && this.step());
  }

  /** A click selects something in the picture as the host has it: until that is seen, nothing is drawn ahead. */
  clicked(seq: number): void {
    if (!this.isWatching) return;
    this.heldBy = { seq, since: this.of.now(), rtp: null };
    this.stop();
  }

  /** The host has applied what was sent up to this message, and the picture of that timestamp shows it, if any does. */
  answered(seq: number | null, rtp: number | null): void {
    if (!this.heldBy || seq === null || seq < this.heldBy.seq) return;
    if (rtp === null || (this.rtp !== null && rtpReached(this.rtp, rtp))) this.heldBy = null;
    else this.heldBy.rtp ??= rtp;
  }

  refused(seq: number | null): void {
    if (seq === null) return;
    this.answered(seq, null);
    if (!this.prediction.has(seq)) return;
    this.isRefused = true;
    // Others on their way will fare no better.
    this.correct(() => this.prediction.drop());
  }

  told(picture: Picture): void {
    if (!this.isWatching) return;
    this.prediction.told(picture, this.of.now());
    // The video may have shown it already.
    if (this.active && picture.rtpTimestamp === this.rtp) this.takePicture();
  }

  // Pictures of the video

  private nextPicture(): void {
    const { video } = this;
    if (!video || !this.isWatching) return;
    this.callback = video.requestVideoFrameCallback((_, metadata) => {
      this.rtp = metadata.rtpTimestamp ?? null;
      const shows = this.heldBy?.rtp ?? null;
      if (shows !== null && this.rtp !== null && rtpReached(this.rtp, shows)) this.heldBy = null;
      if (this.active) this.takePicture();
      else this.rest();
      this.nextPicture();
    });
  }

  private interest(): void {
    const before = this.interestAt;
    this.interestAt = this.of.now();
    if (!this.active && this.interestAt - before > INTEREST_MS) this.rest();
  }

  /** Makes a picture ready that rests: the first movement then has nothing to do but to draw. */
  private rest(): void {
    clearTimeout(this.restTimer);
    if (this.of.now() - this.interestAt > INTEREST_MS) return;
    this.restTimer = setTimeout(() => {
      if (this.active || !this.isWatching) return;
      this.takePicture();
      this.unknownSince = null;
      this.lookAtSky();
    }, REST_MS);
  }

  /** The picture of the video becomes the one that is drawn, when it is known what it shows. */
  private takePicture(): boolean {
    const { rtp } = this;
    const picture = rtp === null ? null : this.prediction.picture(rtp);
    if (!picture || !this.video || !this.warp) {
      this.unknownSince ??= this.of.now();
      return false;
    }
    this.unknownSince = null;
    const take = () => {
      this.source = picture;
      this.prediction.shown(picture);
      this.upload(picture);
    };
    if (this.active) this.correct(take);
    else take();
    return true;
  }

  private upload({ camera }: Picture): void {
    const { video, canvas, warp } = this;
    if (!video || !canvas || !warp || video.videoWidth === 0 || this.held === this.rtp) return;
    this.held = this.rtp;
    const share = this.isSoftware ? SOFTWARE_SHARE : 1;
    const [width, height] = [Math.round(video.videoWidth * share), Math.round(video.videoHeight * share)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const aspect = aspectOf({ widthPx: video.videoWidth, heightPx: video.videoHeight });
    sceneDepths(camera, aspect, this.boxes(), this.depths);
    warp.take(video, camera, this.depths);
  }

  private boxes(): readonly Box[] {
    const devices = this.of.devices();
    if (this.stands?.of !== devices) this.stands = { of: devices, boxes: standing(devices.map(({ bounds }) => bounds)) };
    return this.stands.boxes;
  }

  /** The colours of the background change with its theme only. Looked at when there is nothing to do. */
  private lookAtSky(): void {
    const now = this.of.now();
    if (now - this.skySince < SKY_EVERY_MS) return;
    this.skySince = now;
    this.sky = skyOf(this.video) ?? this.sky;
  }

  // Drawing

  private step(): void {
    this.isDirty = false;
    const now = this.of.now();
    if (this.heldBy && now - this.heldBy.since > HELD_MS) this.heldBy = null;
    if (this.heldBy || !this.isWatching) return;
    const isFirst = !this.active;
    if (isFirst && !this.start()) return;
    if (!isFirst && this.held !== this.rtp && this.unknownSince === null) this.takePicture();
    this.giveUpLost(now);
    const { source } = this;
    const isStale = this.unknownSince !== null && now - this.unknownSince > UNKNOWN_MS;
    const settled = !source || (!this.prediction.isAhead(source) && this.offset === null);
    if (isStale || (settled && this.unknownSince === null)) return this.stop();
    this.draw();
    this.cancelFrame?.();
    this.cancelFrame = this.of.schedule(() => this.active && this.step());
  }

  /** False when it cannot be told what is on the screen. */
  private start(): boolean {
    const { canvas, rtp, source } = this;
    const picture = rtp === null ? null : this.prediction.picture(rtp);
    if (!canvas || !picture) return false;
    // The one that was made ready differs by its sharpness only: the newer one follows with the next picture of the screen.
    const isReady = this.held !== null && source !== null && isSame(source.camera, picture.camera);
    if (!isReady && !this.takePicture()) return false;
    this.source = picture;
    this.unknownSince = null;
    this.offset = null;
    this.last = null;
    this.active = true;
    canvas.hidden = false;
    return true;
  }

  private stop(): void {
    clearTimeout(this.restTimer);
    this.cancelFrame?.();
    this.cancelFrame = null;
    this.active = false;
    this.offset = null;
    this.unknownSince = null;
    if (this.canvas && !this.canvas.hidden) this.canvas.hidden = true;
  }

  private draw(): void {
    const { source, canvas, warp } = this;
    if (!source || !canvas || !warp) return;
    const shown = this.shown(source);
    // Waiting costs nothing: what is on the canvas stays there.
    if (this.last && this.last.source === source && isSame(this.last.shown, shown)) return;
    this.last = { source, shown };
    warp.draw(shown, [canvas.width, canvas.height], this.sky);
    this.drawn.emit({ source: source.camera, shown, rtp: source.rtpTimestamp });
  }

  /** The camera that is drawn for: the predicted one, and what is left of its last mistake. */
  private shown(source: Picture): Camera {
    const predicted = this.prediction.camera(source);
    if (!this.offset) return predicted;
    const left = 1 - (this.of.now() - this.offset.since) / BLEND_MS;
    if (left > 0) return offsetBy(predicted, this.offset.of, left * left);
    this.offset = null;
    return predicted;
  }

  /** Something was learnt: what it changes of what is on the screen is taken back gently. */
  private correct(learn: () => void): void {
    const before = this.source && this.shown(this.source);
    learn();
    this.offset = null;
    if (!before || !this.source) return;
    const after = this.shown(this.source);
    const of = offsetBetween(before, after);
    const size = sizeOf(of, after);
    if (size > LEAST_OFFSET && size < MOST_OFFSET) this.offset = { of, since: this.of.now() };
  }

  private giveUpLost(now: number): void {
    const usual = Math.max(this.of.rtt(), this.prediction.delay) * LOST_AFTER;
    const last = Math.min(Math.max(usual, LOST_MIN_MS), LOST_MAX_MS);
    if (this.prediction.isUnanswered(now - last, now - LOST_MAX_MS)) this.correct(() => this.prediction.drop());
  }

  /** Makes what draws when it is first needed; false without WebGL. */
  private open(): boolean {
    if (this.warp && !this.warp.isLost) return true;
    this.warp = this.canvas && this.createWarp(this.canvas);
    this.isSoftware = this.warp?.isSoftware ?? false;
    this.held = null;
    this.isBroken = this.warp === null;
    return !this.isBroken;
  }
}

const isSame = (a: Camera, b: Camera): boolean =>
  a.yaw === b.yaw && a.pitch === b.pitch && a.distance === b.distance && a.fovY === b.fovY && a.target.every((value, i) => value === b.target[i]);

const skyCanvas = { context: null as CanvasRenderingContext2D | null };

/** The background at the top and at the bottom of a picture: what most of the border has. */
function skyOf(video: HTMLVideoElement | null): [Colour, Colour] | null {
  const columns = 16;
  if (!video || video.videoWidth === 0 || typeof document === 'undefined') return null;
  if (!skyCanvas.context) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [columns, 2];
    skyCanvas.context = canvas.getContext('2d', { willReadFrequently: true });
  }
  const { context } = skyCanvas;
  if (!context) return null;
  context.drawImage(video, 0, 0, video.videoWidth, 2, 0, 0, columns, 1);
  context.drawImage(video, 0, video.videoHeight - 2, video.videoWidth, 2, 0, 1, columns, 1);
  const { data } = context.getImageData(0, 0, columns, 2);
  const middle = (row: number, channel: number): number => {
    const values = Array.from({ length: columns }, (_, x) => data[(row * columns + x) * 4 + channel] ?? 0);
    return (values.sort((a, b) => a - b)[columns / 2] ?? 0) / 255;
  };
  const colour = (row: number): Colour => [middle(row, 0), middle(row, 1), middle(row, 2)];
  return [colour(0), colour(1)];
}
