/**
 * Finds what lies in the task queue although nobody will be given it again: messages that were delivered too often
 * while this process was away, and messages acknowledged just before nats-server was killed.
 *
 * 1. What is meant for the orchestrator is handled (again): the inbox and the attempt fence make that harmless.
 * 2. A step task counts as lost only when it is found twice, a whole interval apart, and its attempt is still in
 *    flight: the result of one that was finished has arrived by then.
 */
import {
  type Connection,
  deleteMessage,
  readStranded,
  type StoredMessage,
  TransientError,
} from '@signalbox/messaging';
import { type ConsumerDeclaration, consumers } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Clock } from './clock.js';
import type { Intake } from './intake.js';
import { deadLetterOf, decodeInput, type IncomingMessage } from './wire/input-codec.js';
import { claimInTask } from './wire/task-codec.js';

export interface StrandedParts {
  readonly connection: Connection;
  readonly intake: Intake;
  readonly isInFlight: (runId: string, stepId: string, attempt: number) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fail: (cause: unknown) => void;
}

const intervalMs = 60_000;
const own = [
  consumers.orchestratorRun,
  consumers.orchestratorResume,
  consumers.orchestratorCatalog,
  consumers.orchestratorDeadLetter,
];

/** Looks at once and then every minute until it is closed. */
export const followStranded = (parts: StrandedParts): { close(): void } => {
  const { clock, fail } = parts;
  let seen: ReadonlySet<number> = new Set();
  let timer: { cancel(): void } | undefined;
  let isClosed = false;
  const sweep = async (): Promise<void> => {
    seen = await sweepOnce(parts, seen);
    if (!isClosed) timer = clock.setTimer(clock.now() + intervalMs, start);
  };
  const start = (): void => {
    sweep().catch((cause) => {
      if (!isClosed) fail(cause);
    });
  };
  start();
  return {
    close: () => {
      isClosed = true;
      timer?.cancel();
    },
  };
};

/** Returns the step tasks that were found, by stream sequence. */
const sweepOnce = async (parts: StrandedParts, seen: ReadonlySet<number>): Promise<ReadonlySet<number>> => {
  const found = new Set<number>();
  try {
    for (const consumer of own) {
      for await (const stored of readStranded(parts.connection, consumer))
        await handleAgain(parts, stored, consumer);
    }
    for await (const stored of readStranded(parts.connection, consumers.stepWorker)) {
      found.add(stored.sequence);
      if (seen.has(stored.sequence)) await giveUp(parts, stored);
    }
  } catch (cause) {
    if (!(cause instanceof TransientError)) throw cause;
    parts.logger.debug('could not look for stranded messages; looking again later', { error: cause });
  }
  return found;
};

const messageOf = (stored: StoredMessage, { durable, maxDeliver }: ConsumerDeclaration): IncomingMessage => ({
  stream: stored.stream,
  consumer: durable,
  subject: stored.subject,
  streamSequence: stored.sequence,
  deliveryCount: maxDeliver,
  headers: stored.headers,
  data: stored.data,
});

const handleAgain = async (
  { connection, intake, clock }: StrandedParts,
  stored: StoredMessage,
  consumer: ConsumerDeclaration,
): Promise<void> => {
  const isKept = await intake.submit([decodeInput(messageOf(stored, consumer), clock.now())]);
  if (isKept) await deleteMessage(connection, stored.stream, stored.sequence);
};

const giveUp = async (
  { connection, intake, clock, isInFlight }: StrandedParts,
  stored: StoredMessage,
): Promise<void> => {
  const task = claimInTask(Buffer.from(stored.data).toString());
  if (task === undefined || isInFlight(task.runId, task.stepId, task.attempt)) {
    const message = messageOf(stored, consumers.stepWorker);
    const reason = `delivered to ${message.consumer} as often as that is allowed, without an answer`;
    const isKept = await intake.submit([deadLetterOf(message, 'POISON_MESSAGE', reason, clock.now())]);
    if (!isKept) return;
  }
  await deleteMessage(connection, stored.stream, stored.sequence);
};
