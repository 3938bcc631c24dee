/**
 * Takes a task back out of the queue. Message by message and by its number: a purge with a filter would make
 * nats-server 2.9 pass over other tasks of the same consumer.
 */
import { type Connection, deleteMessage, readLast } from '@signalbox/messaging';
import { headers, TASKS } from '@signalbox/protocol';
import type { Withdrawal } from './store/outbox-store.js';

/** `sequence`: its place, where that is known. Otherwise it is looked up: it is the last on its subject, or gone. */
export const withdrawTask = async (
  connection: Connection,
  { subject, idempotencyKey }: Withdrawal,
  sequence: number | undefined,
): Promise<void> => {
  if (sequence !== undefined) {
    await deleteMessage(connection, TASKS, sequence);
    return;
  }
  for (;;) {
    const last = await readLast(connection, TASKS, subject);
    if (last === undefined) return;
    // A later attempt of the same step, which somebody waits for.
    if (idempotencyKey !== undefined && last.headers[headers.idempotencyKey] !== idempotencyKey) return;
    await deleteMessage(connection, TASKS, last.sequence);
  }
};
