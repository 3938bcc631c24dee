/**
 * Messages that were delivered as often as their consumer allows. The server says so once and keeps the message, which
 * nobody would ever be given again.
 *
 * A task of a worker, an agent or the approval service becomes a dead letter. A message for the orchestrator itself was
 * not refused by anybody: the process ended while it held it. It is handled once more, from the stream.
 */
import {
  type Connection,
  deleteMessage,
  getMessage,
  type LiveSubscription,
  type MaxDeliveriesAdvisory,
  onMaxDeliveries,
  TransientError,
} from '@signalbox/messaging';
import { TASKS } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Clock } from './clock.js';
import type { Intake } from './intake.js';
import { type BatchInput, deadLetterOf, decodeInput, type IncomingMessage } from './wire/input-codec.js';

export interface PoisonParts {
  readonly connection: Connection;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fail: (cause: unknown) => void;
}

const retryDelayMs = 1_000;
const ownSubject = /^wf\.task\.(run|resume|catalog|deadletter)\./;

export const followPoison = (parts: PoisonParts): LiveSubscription =>
  onMaxDeliveries(parts.connection, TASKS, (advisory) => {
    takeAway(parts, advisory).catch(parts.fail);
  });

const takeAway = async (parts: PoisonParts, advisory: MaxDeliveriesAdvisory): Promise<void> => {
  const { connection, intake, clock, logger } = parts;
  const { stream, streamSequence, consumer, deliveryCount } = advisory;
  try {
    const stored = await getMessage(connection, stream, streamSequence);
    if (stored === undefined) return;
    const { subject, headers, data } = stored;
    const message = { stream, streamSequence, consumer, deliveryCount, subject, headers, data };
    const isKept = await intake.submit([inputOf(message, clock.now())]);
    if (isKept) await deleteMessage(connection, stream, streamSequence);
  } catch (cause) {
    if (!(cause instanceof TransientError) || connection.status === 'closed') throw cause;
    logger.warn('could not take a poison message away; trying again', {
      stream,
      streamSequence,
      error: cause,
    });
    clock.setTimer(clock.now() + retryDelayMs, () => {
      takeAway(parts, advisory).catch(parts.fail);
    });
  }
};

const inputOf = (message: IncomingMessage, now: number): BatchInput => {
  if (ownSubject.test(message.subject)) return decodeInput(message, now);
  const reason = `delivered ${message.deliveryCount} times to ${message.consumer} without an answer`;
  return deadLetterOf(message, 'POISON_MESSAGE', reason, now);
};
