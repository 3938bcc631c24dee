/**
 * How a claimed task ends, by the outcome of the work on it:
 *
 * 1. the work resolves → ack (unless the work has settled it otherwise);
 * 2. `ContractError` → dead letter, then term: it would fail in the same way for ever;
 * 3. `TransientError` → nak with a growing delay; on the last delivery → dead letter, then term;
 * 4. anything else is thrown on, unsettled: the process ends and the server redelivers.
 *
 * A message is terminated only after its dead letter is stored, so nothing disappears.
 */
import { type Delivery, TransientError } from '@signalbox/messaging';
import { ContractError, type DeadLetterReport, maxDeliver } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { DeadLetterReporter } from './dead-letter.js';

export interface SettleTaskOptions {
  readonly deadLetters: DeadLetterReporter;
  readonly logger: Logger;
  /** The consumer's limit; default that of the protocol. */
  readonly maxDeliver?: number;
}

const firstRetryDelayMs = 1_000;
const maxRetryDelayMs = 30_000;

export const settleTask = async (
  delivery: Delivery,
  work: () => Promise<void>,
  options: SettleTaskOptions,
): Promise<void> => {
  try {
    await work();
    delivery.ack();
  } catch (error) {
    const { subject, deliveryCount } = delivery;
    if (error instanceof ContractError) {
      options.logger.warn('a task does not keep the contract', { subject, error });
      await giveUp(delivery, 'CONTRACT', error.message, options);
    } else if (!(error instanceof TransientError)) {
      throw error;
    } else if (deliveryCount < (options.maxDeliver ?? maxDeliver)) {
      options.logger.warn('a task is put back', { subject, delivery_count: deliveryCount, error });
      delivery.nak(error.retryAfterMs ?? retryDelayMs(deliveryCount));
    } else {
      options.logger.error('a task has failed on its last delivery', { subject, error });
      const reason = `delivered ${deliveryCount} times; the last time: ${error.message}`;
      await giveUp(delivery, 'POISON_MESSAGE', reason, options);
    }
  }
};

/** Milliseconds until the next delivery: 1 s, 2 s, 4 s, … 30 s. */
export const retryDelayMs = (deliveryCount: number): number =>
  Math.min(firstRetryDelayMs * 2 ** (deliveryCount - 1), maxRetryDelayMs);

const giveUp = async (
  delivery: Delivery,
  code: DeadLetterReport['code'],
  reason: string,
  options: SettleTaskOptions,
): Promise<void> => {
  try {
    await options.deadLetters.report(delivery, code, reason);
    delivery.term();
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    delivery.nak(retryDelayMs(delivery.deliveryCount));
  }
};
