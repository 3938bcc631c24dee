/**
 * Makes the database from the log.
 *
 * 1. It is built beside its place and takes it in one rename: a rebuild that ends in the middle leaves nothing.
 * 2. What was there is moved aside, never deleted.
 * 3. The key of the claims is a new one. Tasks that carry a claim of the old key are taken out of the queue: the
 *    orchestrator sends what is in flight again when it starts.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { protectDatabase } from '@signalbox/data-folder';
import {
  type Connection,
  deleteMessage,
  findStreamFacts,
  readMessages,
  type StreamFacts,
} from '@signalbox/messaging';
import { EVENTS, filters, readStreamIdentity, TASKS } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import { claimKey, openLocked } from '../store/database.js';
import { createInboxStore } from '../store/inbox-store.js';
import { createLogStore } from '../store/log-store.js';
import { compare, setMark } from './compare.js';
import { writeInstallationId } from './installation.js';
import { StoresContradict, wayOutOfCut } from './stores-contradict.js';

export interface RebuildOptions {
  readonly connection: Connection;
  /** Of the database, whose lock the caller holds. */
  readonly file: string;
  /** Whether a database that holds something may be moved aside. */
  readonly force: boolean;
  readonly starlark: Starlark;
  readonly now: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface Rebuilt {
  readonly file: string;
  readonly runCount: number;
  readonly eventCount: number;
  /** Messages of the log that are no events of this protocol. */
  readonly unreadableCount: number;
  readonly withdrawnTaskCount: number;
  readonly movedTo?: string;
}

type Counts = Pick<Rebuilt, 'runCount' | 'eventCount' | 'unreadableCount'>;

const suffixes = ['', '-wal', '-shm'];

/** @throws CannotRun without a log, or where something would be lost. */
export const rebuildDatabase = async (options: RebuildOptions): Promise<Rebuilt> => {
  const { connection, file, force, now } = options;
  if (!force && holdsSomething(file, now))
    throw new CannotRun(
      78,
      `the database ${file} holds something: \`signalbox rebuild --force\` moves it aside and makes a new one from the log; nothing was changed`,
    );
  const facts = await findStreamFacts(connection, EVENTS);
  if (facts === undefined || facts.lastSequence === 0)
    throw new CannotRun(78, 'this NATS has no log that a database could be made from; nothing was changed');
  const { firstSequence, maxBytes, maxAgeMs, description } = facts;
  const isDropped = firstSequence > 1 && Math.min(maxBytes, maxAgeMs) < Number.POSITIVE_INFINITY;
  // What is open is told again, and what has ended is not: it would be missing without a word.
  if (isDropped || readStreamIdentity(description)?.isCut === true)
    throw new StoresContradict(
      `the limits of the log have dropped its beginning, before message ${firstSequence}, and with it runs that have ended. ${wayOutOfCut}`,
    );
  return build(facts, options);
};

const build = async (facts: StreamFacts, options: RebuildOptions): Promise<Rebuilt> => {
  const { connection, now, file } = options;
  const built = `${file}.rebuilding`;
  for (const suffix of suffixes) rmSync(built + suffix, { force: true });
  const database = openLocked(protectDatabase(built), now);
  let counts: Counts;
  try {
    counts = await fill(database, facts, options);
  } finally {
    database.close();
  }
  const withdrawnTaskCount = await withdrawClaimedTasks(connection);
  const movedTo = moveAside(file, now);
  renameSync(built, file);
  return { file, ...counts, withdrawnTaskCount, ...(movedTo === undefined ? {} : { movedTo }) };
};

const fill = async (
  sql: Database,
  facts: StreamFacts,
  { connection, starlark, logger, signal, now }: RebuildOptions,
): Promise<Counts> => {
  // One sync at the end is enough: what a crash leaves is thrown away.
  sql.pragma('synchronous = OFF');
  const installationId = readStreamIdentity(facts.description)?.installationId;
  if (installationId !== undefined) writeInstallationId(sql, installationId);
  claimKey(sql);
  const { fold } = await compare({ connection, sql, starlark, logger, signal });
  createInboxStore(sql).prune(now);
  const store = createLogStore(sql);
  const published = store.committed();
  store.setPublishedEvents(published.events);
  await setMark({ connection, store, isCurrent: () => true }, facts, published, facts.lastSequence);
  sql.pragma('synchronous = FULL');
  sql.pragma('wal_checkpoint(TRUNCATE)');
  const count = (table: string): number =>
    sql.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  return {
    runCount: count('workflow_runs'),
    eventCount: count('workflow_run_events'),
    unreadableCount: fold.unreadable.size,
  };
};

const holdsSomething = (file: string, now: number): boolean => {
  if (statSync(file).size === 0) return false;
  const database = openLocked(file, now);
  try {
    return !createLogStore(database).isEmpty();
  } finally {
    database.close();
  }
};

const moveAside = (file: string, now: number): string | undefined => {
  if (statSync(file).size === 0) {
    rmSync(file);
    return undefined;
  }
  const movedTo = `${file}.before-rebuild-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const suffix of suffixes) if (existsSync(file + suffix)) renameSync(file + suffix, movedTo + suffix);
  return movedTo;
};

const withdrawClaimedTasks = async (connection: Connection): Promise<number> => {
  let count = 0;
  for (const filter of [filters.allStepTasks, filters.allAgentTasks]) {
    for await (const { sequence } of readMessages(connection, TASKS, filter)) {
      if (await deleteMessage(connection, TASKS, sequence)) count += 1;
    }
  }
  return count;
};
