/**
 * Database and streams carry one identity: the installation's id, made once.
 *
 * An empty database takes the identity of streams that have never held anything; beside a log that has events it
 * would begin a second history, and is refused.
 */
import { randomUUID } from 'node:crypto';
import {
  type Connection,
  findStreamFacts,
  type StreamFacts,
  setStreamDescription,
} from '@signalbox/messaging';
import { describeStream, EVENTS, readStreamIdentity, TASKS } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';
import type { Database } from 'better-sqlite3';
import type { OpenDatabase } from '../store/database.js';
import { createLogStore } from '../store/log-store.js';
import { readSetting, writeSetting } from '../store/settings-store.js';
import { StoresContradict, wayOut } from './stores-contradict.js';

const idName = 'installation-id';
const holdersName = 'holders';

export const readInstallationId = (sql: Database): string | undefined => readSetting(sql, idName);

export const writeInstallationId = (sql: Database, id: string): void => writeSetting(sql, idName, id);

/** The id of this installation; the database has it afterwards. @throws StoresContradict */
export const settleInstallation = async (connection: Connection, { sql }: OpenDatabase): Promise<string> => {
  const file = sql.name;
  const log = await findStreamFacts(connection, EVENTS);
  const tasks = await findStreamFacts(connection, TASKS);
  const isEmpty = createLogStore(sql).isEmpty();
  if (isEmpty && (log?.lastSequence ?? 0) > 0)
    throw new StoresContradict(
      `the database ${file} is empty, and the log has ${log?.lastSequence} messages: the orchestrator does not begin a second history beside it. Run \`signalbox rebuild\`, which makes the database from the log; or put a backup of the database back.`,
    );
  const stored = readInstallationId(sql);
  const streamed = idOf(log) ?? idOf(tasks);
  const id = (isEmpty ? streamed : undefined) ?? stored ?? streamed ?? randomUUID();
  for (const [stream, facts] of [
    [EVENTS, log],
    [TASKS, tasks],
  ] as const) {
    const found = idOf(facts);
    if (found !== undefined && found !== id)
      throw new StoresContradict(
        `the stream ${stream} belongs to installation ${found}, the database ${file} to installation ${id}. Give this orchestrator the NATS (or the account) of its own installation, or the database that belongs to this log. ${wayOut}`,
      );
  }
  if (stored !== id) writeInstallationId(sql, id);
  return id;
};

const idOf = (facts: StreamFacts | undefined): string | undefined =>
  readStreamIdentity(facts?.description)?.installationId;

/** Which installation a process works for, and which process it is. */
export interface Holder {
  readonly installationId: string;
  readonly holder: string;
}

export const holderOf = (facts: StreamFacts | undefined): string | undefined =>
  readStreamIdentity(facts?.description)?.holder;

/** Starts that an older copy of the server's store may go back by. */
const maxHolders = 1_000;

const holdersOf = (sql: Database): readonly string[] =>
  JSON.parse(readSetting(sql, holdersName) ?? '[]') as readonly string[];

/** To be called before the stream bears its name. */
export const noteHolder = (sql: Database, { holder }: Holder): void =>
  writeSetting(sql, holdersName, JSON.stringify([...holdersOf(sql), holder].slice(-maxHolders)));

/**
 * Whether what holds the stream by its own word is this process, or one that had this database before it: the word is that
 * of an older copy then.
 */
export const isHeldHere = (sql: Database, holder: string | undefined): boolean =>
  holder === undefined || holdersOf(sql).includes(holder);

/** Another orchestrator has begun its work since this one did. */
export const superseded = (): CannotRun =>
  new CannotRun(
    75,
    'another orchestrator has taken over this NATS while this one stood still or was cut off; this one ends and has published nothing since. Start it again only with the database that belongs to this log.',
  );

/** Says in the stream whose it is, who holds it, whether it is whole, and that it is cut, which it stays; nothing is asked of the server when it says so already. */
export const declareIdentity = async (
  connection: Connection,
  stream: string,
  holder: Holder,
  isWhole: boolean,
  isCut = false,
): Promise<void> => {
  const facts = await findStreamFacts(connection, stream);
  const known = readStreamIdentity(facts?.description) ?? { streamId: randomUUID(), isCut: false };
  const { streamId } = known;
  const description = describeStream({ ...holder, streamId, isWhole, isCut: isCut || known.isCut });
  if (facts !== undefined && facts.description !== description)
    await setStreamDescription(connection, stream, description);
};

/** Whoever held the log before ends as soon as it sees this. Whether the log is whole stays as it was. */
export const takeHold = async (connection: Connection, holder: Holder): Promise<void> => {
  const facts = await findStreamFacts(connection, EVENTS);
  const isWhole = readStreamIdentity(facts?.description)?.isWhole ?? false;
  await declareIdentity(connection, EVENTS, holder, isWhole);
};
