/**
 * Looks whether the task queue gives back what it stores. A file of its messages that was cut short, by a loss of power say,
 * makes nats-server 2.9 go on below the number that its index calls the first: it stores what comes, acknowledges it,
 * counts it, and finds none of it, by number or for a consumer (`packages/messaging/test/server-facts.int.test.ts`).
 *
 * 1. A message of its own is stored, read by its number and deleted, at the first looks after each connection: only a server
 *    that begins has damaged files.
 * 2. Where several one after the other cannot be read, the queue is deleted and made anew. What is in flight is sent again
 *    then, commands and results by who has sent them: what nobody can read is lost already.
 * 3. When that has not helped, it is tried again after ever longer pauses.
 * 4. Not in a cluster: there a member takes what it lacks from the others, and one that lags is no damage.
 */
import {
  type Connection,
  deleteMessage,
  deleteStream,
  getMessage,
  isClustered,
  type Publisher,
  readMessages,
} from '@signalbox/messaging';
import { TASKS, taskSubjects } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import { RecoveryPause } from './recovery-pause.js';

export interface QueueProbeParts {
  readonly connection: Connection;
  readonly publisher: Publisher;
  /** Makes the stream and its consumers where they are not. */
  readonly makeQueue: () => Promise<unknown>;
  readonly logger: Logger;
}

const lookCount = 3;
const probeCount = 3;

export class QueueProbe {
  readonly #parts: QueueProbeParts;
  readonly #pause = new RecoveryPause();
  #leftCount = lookCount;

  constructor(parts: QueueProbeParts) {
    this.#parts = parts;
  }

  /** How often the queue was made anew without having given back anything since. */
  get foundCount(): number {
    return this.#pause.count;
  }

  /** The server is another one, or may be. */
  restart(): void {
    this.#leftCount = lookCount;
    this.#pause.end();
  }

  /** `isCurrent`: whether the connection has not been lost since the look began. @throws TransientError */
  async look(isCurrent: () => boolean): Promise<void> {
    const { connection, makeQueue, logger } = this.#parts;
    if (this.#leftCount === 0 || !this.#pause.isOver(performance.now()) || isClustered(connection)) return;
    if (await this.#isRead()) {
      this.#leftCount -= 1;
      this.#pause.end();
      return;
    }
    if (!isCurrent()) return;
    this.#pause.begin(performance.now());
    logger.error('nats-server does not give back what it stores of the task queue: it is made anew', {
      tries: this.#pause.count,
    });
    await deleteStream(connection, TASKS);
    await makeQueue();
  }

  /** Whether one of several is. */
  async #isRead(): Promise<boolean> {
    const { connection, publisher } = this.#parts;
    for (let count = 0; count < probeCount; count += 1) {
      const { sequence } = await publisher.publish({ subject: taskSubjects.probe, data: '{}' });
      const found = sequence === undefined ? undefined : await getMessage(connection, TASKS, sequence);
      if (found?.subject !== taskSubjects.probe) continue;
      // Those too that a process has left which was killed before it could delete them.
      for await (const probe of readMessages(connection, TASKS, taskSubjects.probe))
        await deleteMessage(connection, TASKS, probe.sequence);
      return true;
    }
    return false;
  }
}
