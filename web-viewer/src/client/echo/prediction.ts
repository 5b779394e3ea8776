/** Where the camera will be once the inputs have arrived that are still on their way. */
import type { ClientBody, Picture } from '../../protocol.gen.js';
import type { Camera } from '../camera.js';
import { moved } from './moves.js';

/** Inputs on their way; more than that and something is wrong, so that the oldest go. */
const MOST_PENDING = 256;
/** Pictures whose cameras are remembered: one may be told of before it is seen, or after. */
const MOST_PICTURES = 64;

interface Pending {
  seq: number;
  /** When it was sent, milliseconds. */
  at: number;
  message: ClientBody;
}

/** Of a new measurement in the mean. */
const FRESH = 0.2;

export class Prediction {
  private pending: Pending[] = [];
  private pictures: Picture[] = [];
  private mean = 0;

  /** From an input to word of the picture that shows it, milliseconds, on average; 0 when it is not known. */
  get delay(): number {
    return this.mean;
  }

  /** True when it is an input that a prediction can use. */
  sent(seq: number, message: ClientBody, at: number): boolean {
    if (!['camera:orbit', 'camera:pan', 'camera:zoom'].includes(message.type)) return false;
    this.pending.push({ seq, at, message });
    if (this.pending.length > MOST_PENDING) this.pending.shift();
    return true;
  }

  /** What a picture shows. */
  told(picture: Picture, now: number): void {
    if (!isSane(picture)) return;
    const own = this.pending.find(({ seq }) => seq === picture.seq);
    const isNews = picture.seq !== this.pictures.at(-1)?.seq;
    if (own && isNews) this.mean = this.mean === 0 ? now - own.at : this.mean * (1 - FRESH) + (now - own.at) * FRESH;
    this.pictures.push(picture);
    if (this.pictures.length > MOST_PICTURES) this.pictures.shift();
  }

  /** Whether that input is on its way, as far as is known. */
  has(seq: number): boolean {
    return this.pending.some((one) => one.seq === seq);
  }

  /** What the picture of that RTP timestamp shows; null while nobody has said so. */
  picture(rtp: number): Picture | null {
    return this.pictures.find((one) => one.rtpTimestamp === rtp) ?? null;
  }

  /** There are inputs that a picture does not show yet. */
  isAhead(of: Picture): boolean {
    return this.pending.some((one) => isLater(one, of));
  }

  /** The camera of a picture after the inputs that it does not show yet. */
  camera(of: Picture): Camera {
    let camera: Camera = of.camera;
    for (const one of this.pending) {
      if (isLater(one, of)) camera = moved(camera, one.message) ?? camera;
    }
    return camera;
  }

  /** Forgets what a picture on the screen shows. */
  shown(picture: Picture): void {
    this.pending = this.pending.filter((one) => isLater(one, picture));
  }

  /**
   * True when inputs are not answered: the last one, since `last`, was lost (the channel for movements repeats nothing; one
   * that others follow is known by their answer), or the first one since `first`, and nobody knows what becomes of them.
   */
  isUnanswered(last: number, first: number): boolean {
    const [oldest, newest] = [this.pending[0], this.pending.at(-1)];
    return (newest !== undefined && newest.at < last) || (oldest !== undefined && oldest.at < first);
  }

  /** Forgets all inputs. */
  drop(): void {
    this.pending = [];
  }

  /** Forgets everything: another connection. */
  clear(): void {
    this.drop();
    this.pictures = [];
    this.mean = 0;
  }
}

const isLater = (one: Pending, picture: Picture): boolean => picture.seq === null || one.seq > picture.seq;

/** Whatever the host sends must not break the page. */
function isSane(picture: Picture | null): boolean {
  if (!picture) return false;
  const { rtpTimestamp, camera, seq } = picture;
  const numbers = [rtpTimestamp, seq ?? 0, ...(camera?.target ?? [NaN]), camera?.distance, camera?.yaw, camera?.pitch, camera?.fovY];
  return numbers.every(Number.isFinite) && camera.target.length === 3 && camera.distance > 0 && camera.fovY > 0.01 && camera.fovY < 3.1;
}
