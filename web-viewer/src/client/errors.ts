import type { ErrorCode } from '../protocol.gen.js';

/** Something that went wrong, in words for people and with a code for programs. */
export interface ClientError {
  /** What the host says, or `unreachable` (nobody answers) and `unsupported` (this browser cannot do it). */
  code: ErrorCode | 'unreachable' | 'unsupported';
  /** What happened and what to do. */
  message: string;
  /** Number of the message that was refused. */
  seq: number | null;
  /** True when the client has stopped: trying again with the same link does not help. */
  fatal: boolean;
}

/** Answers to signaling that do not change by trying again. */
const FATAL: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden', 'invalid', 'malformed', 'not_found', 'removed']);

/** Whether the host's refusal of a viewer is its last word. */
export const isFatal = (code: ErrorCode): boolean => FATAL.has(code);
