/**
 * Ids of the commands that have been handled, so that a redelivery changes nothing. Step results need no row here:
 * the attempt fence of the engine refuses their duplicates.
 */
import { type RunRef, runKeyOf } from '@signalbox/protocol';
import type { Database } from 'better-sqlite3';

/** Far beyond the longest outage after which a command is delivered, or sent, once more. */
export const inboxAgeMs = 7 * 24 * 3_600_000;

/** Old ids are looked for once in so many commands. */
const commandsPerPrune = 10_000;

/** A command of a client is known in its workspace and run only: nobody can use up another's id. */
export const runCommandKey = (command: RunRef & { readonly commandId: string }): string =>
  `run/${runKeyOf(command)}/${command.commandId}`;

export const catalogCommandKey = (workspace: string, commandId: string): string =>
  `catalog/${workspace}/${commandId}`;

export type InboxStore = ReturnType<typeof createInboxStore>;

export const createInboxStore = (sql: Database) => {
  const insert = sql.prepare<[string, number]>(
    'INSERT INTO inbox (command_id, received_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const prune = sql.prepare<[number]>('DELETE FROM inbox WHERE received_at < ?');
  let acceptedCount = 0;
  return {
    /** False when the command has been handled before. */
    accept: (commandId: string, now: number): boolean => {
      acceptedCount += 1;
      if (acceptedCount % commandsPerPrune === 0) prune.run(now - inboxAgeMs);
      return insert.run(commandId, now).changes === 1;
    },
    prune: (now: number): number => prune.run(now - inboxAgeMs).changes,
  };
};
