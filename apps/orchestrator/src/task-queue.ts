/**
 * The stream of tasks, as the orchestrator looks after it: what lies in it, and what has to go. Message by message
 * and by number: a purge with a filter would make nats-server 2.9 pass over other tasks of the same consumer.
 */
import {
  type ClaimedMessage,
  type Connection,
  consumerNames,
  deleteMessage,
  isAheadOfStream,
  listenForSigns,
  readClaimed,
  readNewest,
  readNext,
  readStreamFacts,
  remakeConsumer,
  type StoredMessage,
} from '@signalbox/messaging';
import { type ConsumerDeclaration, consumers, headers, TASKS } from '@signalbox/protocol';
import type { LastWaiting } from './horizon.js';
import type { Withdrawal } from './store/outbox-store.js';

/** Made anew at every start and connection; whoever else has a consumer keeps it. */
export const ownConsumers: readonly ConsumerDeclaration[] = [
  consumers.orchestratorRun,
  consumers.orchestratorOwn,
  consumers.orchestratorResume,
  consumers.orchestratorCatalog,
  consumers.orchestratorDeadLetter,
];

/** Of these the durable names that bring what is for a run. */
export const consumersOfRuns: readonly string[] = [
  consumers.orchestratorRun.durable,
  consumers.orchestratorOwn.durable,
  consumers.orchestratorResume.durable,
];

export interface TaskQueue {
  /** The last message on a subject, wildcards allowed. @throws TransientError */
  last(subject: string): Promise<StoredMessage | undefined>;
  /** The first on a filter, from a number on. @throws TransientError */
  next(filterSubject: string, fromSequence: number): Promise<StoredMessage | undefined>;
  delete(sequence: number): Promise<unknown>;
  /** A stream that was made anew has another one. @throws TransientError */
  streamId(): Promise<string>;
  /**
   * What lies in the queue although the consumer of somebody else has delivered it, with that consumer. Passed is also
   * what nobody has given a sign of life of.
   */
  claimedTasks(): AsyncIterable<ClaimedMessage & { readonly consumer: string }>;
  /**
   * Makes those consumers of others anew that have passed numbers which the stream gives again: they would deliver nothing
   * for as long. What is in somebody's hands is older than the connection, and asked about. Their names.
   * @throws TransientError
   */
  mendConsumers(): Promise<readonly string[]>;
  /** Of something that lies there nothing is heard: it is worth looking again soon. */
  readonly isDoubtful: boolean;
}

/** Longer than the server waits for a sign of life before it gives a task to somebody else. */
const defaultMaxSilenceMs = consumers.stepWorker.ackWaitMs + 4_000;

/** `declared`: every durable consumer that there has to be. */
export const createTaskQueue = (
  connection: Connection,
  declared: () => readonly ConsumerDeclaration[],
  maxSilenceMs = defaultMaxSilenceMs,
): TaskQueue & { close(): void } => {
  const own = new Set(ownConsumers.map(({ durable }) => durable));
  const signs = listenForSigns(connection, { stream: TASKS, maxSilenceMs });
  return {
    last: (subject) => readNewest(connection, TASKS, subject),
    next: (filterSubject, from) => readNext(connection, TASKS, filterSubject, from),
    delete: (sequence) => deleteMessage(connection, TASKS, sequence),
    streamId: async () => (await readStreamFacts(connection, TASKS)).id,
    claimedTasks: async function* () {
      for (const consumer of await consumerNames(connection, TASKS)) {
        if (own.has(consumer)) continue;
        for await (const { message, isPassed } of readClaimed(connection, {
          stream: TASKS,
          durable: consumer,
        }))
          yield { consumer, message, isPassed: isPassed || signs.isSilent(message.sequence) };
      }
      signs.forgetUnasked();
    },
    mendConsumers: async () => {
      const mended: string[] = [];
      for (const consumer of declared()) {
        if (own.has(consumer.durable) || !(await isAheadOfStream(connection, consumer))) continue;
        await remakeConsumer(connection, consumer);
        mended.push(consumer.durable);
      }
      return mended;
    },
    get isDoubtful() {
      return signs.isDoubtful;
    },
    close: () => signs.close(),
  };
};

/** What waits for one of the own consumers. */
export const createLastWaiting =
  (queue: TaskQueue): LastWaiting =>
  async (consumer) => {
    const declared = ownConsumers.find(({ durable }) => durable === consumer);
    return declared === undefined ? 0 : ((await queue.last(declared.filterSubject))?.sequence ?? 0);
  };

/** `sequence`: its place, where that is known. Otherwise it is looked up: it is the last on its subject, or gone. */
export const withdrawTask = async (
  queue: TaskQueue,
  { subject, idempotencyKey }: Withdrawal,
  sequence: number | undefined,
): Promise<void> => {
  if (sequence !== undefined) {
    await queue.delete(sequence);
    return;
  }
  for (;;) {
    const last = await queue.last(subject);
    if (last === undefined) return;
    // A later attempt of the same step, which somebody waits for.
    if (idempotencyKey !== undefined && last.headers[headers.idempotencyKey] !== idempotencyKey) return;
    await queue.delete(last.sequence);
  }
};
