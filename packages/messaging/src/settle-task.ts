/**
 * How a claimed task ends, by the outcome of the work on it:
 *
 * 1. the work resolves → ack (unless the work has settled it otherwise);
 * 2. `ContractError` → dead letter, then term: it would fail in the same way for ever;
 * 3. `TransientError` → nak with a growing delay, however often: a connection that breaks is no fault of the task;
 * 4. anything else is thrown on, unsettled: the process ends and the server redelivers.
 *
 * A message is terminated only after its dead letter is stored, so nothing disappears.
 */
import { ContractError, type DeadLetterReport } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { DeadLetterReporter } from './dead-letter.js';
import type { Delivery } from './delivery.js';
import { TransientError } from './errors.js';

export interface SettleTaskOptions {
  readonly deadLetters: DeadLetterReporter;
  readonly logger: Logger;
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
    } else {
      if (!(error instanceof TransientError)) throw error;
      options.logger.warn('a task is put back', { subject, delivery_count: deliveryCount, error });
      delivery.nak(error.retryAfterMs ?? retryDelayMs(deliveryCount));
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
