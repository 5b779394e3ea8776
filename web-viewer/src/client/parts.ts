import type { HostMessage, Part } from '../protocol.gen.js';

/** Most text that the pieces of one message may have together, characters. A host with 10,000 devices needs a tenth. */
const MAX_WHOLE = 64 * 1024 * 1024;
/** Most pieces of one message. */
const MAX_PIECES = 65_536;

/** Joins messages that came in pieces. The channel is ordered: a piece of another message gives the one before up. */
export class PartJoiner {
  private id = -1;
  private count = 0;
  private length = 0;
  private pieces: string[] = [];

  /** The message in a text from the `state` channel, or null while pieces of it are missing. Throws when it is none. */
  read(text: string): HostMessage | null {
    const message = parse(text);
    if (message.type !== 'part') return message;
    const whole = this.add(message.data);
    if (whole === null) return null;
    const joined = parse(whole);
    if (joined.type === 'part') throw new Error('a piece within a piece');
    return joined;
  }

  private add(part: Part): string | null {
    if (part.index === 0) {
      this.id = part.id;
      this.count = part.count;
      this.length = 0;
      this.pieces = [];
    }
    this.length += part.text.length;
    const fits = part.id === this.id && part.count === this.count && part.index === this.pieces.length;
    if (!fits || part.index >= part.count || part.count > MAX_PIECES || this.length > MAX_WHOLE) {
      this.id = -1;
      this.pieces = [];
      throw new Error(`piece ${part.index} of ${part.count} of message ${part.id} does not fit`);
    }
    this.pieces.push(part.text);
    if (this.pieces.length < part.count) return null;
    const whole = this.pieces.join('');
    this.id = -1;
    this.pieces = [];
    return whole;
  }
}

function parse(text: string): HostMessage {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || !('type' in message) || !('data' in message)) {
    throw new Error('not a message of the host');
  }
  return message as HostMessage;
}
