/** What a stream answers to a message: its acknowledgement. */
import type { Msg } from '@nats-io/nats-core';
import type { ContractError } from '@signalbox/protocol';
import { apiCodes, TooLargeError, TransientError } from './errors.js';

export interface PublishOutcome {
  stream: string;
  /** Of the message in the stream; for a duplicate, of the one that was stored first and says the same. Unknown for some that others' messages lie between (`row.ts`). */
  sequence: number | undefined;
  isDuplicate: boolean;
}

/** What the stream itself has said of a message. */
export interface Acknowledged extends PublishOutcome {
  sequence: number;
}

export type Outcome = PublishOutcome | TransientError | ContractError;

interface PubAck {
  stream?: string;
  seq?: number;
  duplicate?: boolean;
  error?: { code?: number; err_code?: number; description?: string };
}

export const isStored = <O extends PublishOutcome>(outcome: O | Error): outcome is O =>
  !(outcome instanceof Error);

export function readAck(message: Msg, subject: string): Acknowledged | TransientError | ContractError {
  const ack = JSON.parse(message.string()) as PubAck;
  if (ack.error?.err_code === apiCodes.messageTooLarge)
    return new TooLargeError('the message is larger than the stream takes', subject, { cause: ack.error });
  if (ack.error !== undefined || ack.stream === undefined || ack.seq === undefined) {
    return new TransientError(`the stream refused a message on ${subject}`, { cause: ack.error });
  }
  return { stream: ack.stream, sequence: ack.seq, isDuplicate: ack.duplicate === true };
}
