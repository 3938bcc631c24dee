/** The one mapping from what became of a message to the answer that the server gets (the table is in the style guide). */
import { ContractError } from '@signalbox/protocol';
import type { Delivery } from './delivery.js';
import { TransientError } from './errors.js';
import type { MessageHeaders } from './message-headers.js';

const minNakDelayMs = 250;
const maxNakDelayMs = 30_000;

/** A message that nobody can handle, with what is needed to show it and to send it again. */
export interface DeadLetter {
  stream: string;
  consumer: string;
  subject: string;
  streamSequence: number;
  deliveryCount: number;
  headers: MessageHeaders;
  data: Uint8Array;
  error: ContractError;
}

export interface SettleOptions {
  /** Keeps the message; it is terminated only when this has resolved. A `TransientError` from here delivers the message again. */
  onDeadLetter: (deadLetter: DeadLetter) => Promise<void>;
}

export type Disposition = 'acked' | 'nakked' | 'terminated';

/**
 * Runs `work` and answers by its outcome: value → ack; `TransientError` → nak, with a delay that grows with the
 * delivery count; `ContractError` → dead letter and term. Anything else is thrown on and the delivery stays unsettled.
 */
export async function settle(
  delivery: Delivery,
  work: () => Promise<unknown>,
  options: SettleOptions,
): Promise<Disposition> {
  try {
    const error = await contractErrorOf(work);
    if (error === undefined) {
      delivery.ack();
      return 'acked';
    }
    await options.onDeadLetter(describe(delivery, error));
    delivery.term();
    return 'terminated';
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    delivery.nak(error.retryAfterMs ?? nakDelayMs(delivery.deliveryCount));
    return 'nakked';
  }
}

async function contractErrorOf(work: () => Promise<unknown>): Promise<ContractError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof ContractError) return error;
    throw error;
  }
}

function describe(delivery: Delivery, error: ContractError): DeadLetter {
  const { stream, consumer, subject, streamSequence, deliveryCount, headers, data } = delivery;
  return { stream, consumer, subject, streamSequence, deliveryCount, headers, data, error };
}

function nakDelayMs(deliveryCount: number): number {
  return Math.min(minNakDelayMs * 2 ** (deliveryCount - 1), maxNakDelayMs);
}
