/**
 * Keeps database and log together, at the start and while the process runs.
 *
 * 1. At the start: nobody else is here, both stores are of one installation, what the log has more is taken in, what
 *    the database has more is published.
 * 2. Every few seconds it looks whether the streams are still the ones, and as long as they were. A stream that was
 *    made anew or has lost its end gets the log again, while runs go on.
 * 3. A mark is set only for what a look has found in the stream, and none while the log is being published again: what
 *    a crash interrupts is found missing at the next start.
 * 4. What was read of the stream says nothing about it after the connection was lost: an older copy of the server's store
 *    may have come back. No look, comparison or mark reaches from one connection into the next.
 * 5. It looks for holes further back, too. What cannot be read is published again behind the end.
 * 6. A log with limits keeps what is open (`retelling.ts`).
 * 7. Until everything is there again, the stream says so, and nobody takes a part of the log for all of it.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Connection,
  createPublisher,
  onReconnect,
  type Publisher,
  pause,
  readStreamFacts,
  type StreamFacts,
  TransientError,
} from '@signalbox/messaging';
import { EVENTS, TASKS } from '@signalbox/protocol';
import type { WaitFor } from '@signalbox/service';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import { rowKindOf } from '../row-kind.js';
import type { OpenDatabase } from '../store/database.js';
import {
  createLogStore,
  isUpTo,
  type LogMark,
  type LogPosition,
  type LogStore,
  startOfLog,
} from '../store/log-store.js';
import { bearsOut, compare, compareAtStart, type Missing, setMark } from './compare.js';
import { HoleScan } from './hole-scan.js';
import { declareIdentity, type Holder, holderOf, isHeldHere, superseded, takeHold } from './installation.js';
import { QueueProbe } from './queue-probe.js';
import { RecoveryPause } from './recovery-pause.js';
import { placeToBegin, republishCatalog, republishEvents } from './republish.js';
import { Retelling } from './retelling.js';
import { untilReached } from './until-reached.js';

export interface LogKeeperParts {
  readonly connection: Connection;
  readonly database: OpenDatabase;
  readonly holder: Holder;
  readonly starlark: Starlark;
  readonly now: () => number;
  readonly logger: Logger;
  /** Ends waiting and watching. */
  readonly signal: AbortSignal;
  readonly fail: (cause: unknown) => void;
  /** Makes streams and consumers that are missing. */
  readonly provision: () => Promise<unknown>;
  /** At the start. */
  readonly waitFor: WaitFor;
}

const lookEveryMs = 2_000;
const minPauseMs = 500;
const damaged = (what: string): string =>
  `nats-server does not give back what it has stored of the ${what}: restart it, and if that does not help, give it an empty store (docs/operations/nats-lost.md)`;
/** So many events are published before a start goes on; more go out while it does. */
const maxEventsAtStart = 20_000;

export class LogKeeper {
  readonly #parts: LogKeeperParts;
  readonly #store: LogStore;
  readonly #publisher: Publisher;
  /** Of the last looks: everything behind `committed` is behind `sequence` in the stream. */
  #looks: { readonly committed: LogPosition; readonly sequence: number }[] = [];
  #published = startOfLog;
  /** The event stream as it was last seen. */
  #seen: StreamFacts | undefined;
  #republishing: Promise<void> | undefined;
  #tasksId: string | undefined;
  /** The server may have lost its newest messages, acknowledged ones too, and numbered others like them since. */
  #hasReconnected = false;
  #connectionCount = 0;
  /** Ends the pause before the next look. */
  #wake: () => void = () => undefined;
  readonly #recoveryPause = new RecoveryPause();
  readonly #holes = new HoleScan();
  readonly #queue: QueueProbe;
  readonly #retelling: Retelling;
  readonly #endWatching: () => void;

  constructor(parts: LogKeeperParts) {
    this.#parts = parts;
    this.#store = createLogStore(parts.database.sql);
    this.#publisher = createPublisher(parts.connection, { sight: 'number', rowKindOf });
    const { connection, provision: makeQueue, logger } = parts;
    this.#queue = new QueueProbe({ connection, publisher: this.#publisher, makeQueue, logger });
    this.#retelling = new Retelling({
      ...parts,
      sql: parts.database.sql,
      publisher: this.#publisher,
      maxPayloadBytes: () => connection.maxPayloadBytes,
      readFacts: () => readStreamFacts(connection, EVENTS),
    });
    this.#endWatching = onReconnect(parts.connection, () => {
      this.#connectionCount += 1;
      this.#hasReconnected = true;
      this.#wake();
    });
  }

  /** Takes in what the log has more, publishes what the database has more. @throws StoresContradict */
  async align(): Promise<void> {
    const { connection, database, logger, waitFor } = this.#parts;
    await waitFor(
      'the state of the log',
      this.#untilReached(() => this.#remember()),
    );
    let read = 'the state of the log';
    const onReading = (what: string): void => {
      read = what;
    };
    const missing = await waitFor(
      () => read,
      this.#untilReached(() =>
        this.#onOneConnection(() => compareAtStart({ ...this.#parts, sql: database.sql, onReading })),
      ),
    );
    const { addedCount } = missing.fold;
    if (addedCount > 0)
      logger.warn('the log was ahead of the database: its events were taken in', { event_count: addedCount });
    this.#store.setPublishedEvents(this.#store.committed().events);
    await waitFor('the catalog to be published again', this.#restore(missing));
    if (missing.to.events - missing.from.events <= maxEventsAtStart)
      await waitFor('the events that the log lacks to be published', Promise.resolve(this.#republishing));
    const tasks = await waitFor(
      'the state of the task stream',
      this.#untilReached(() => readStreamFacts(connection, TASKS)),
    );
    this.#tasksId = tasks.id;
  }

  /** Looks again and again until the signal aborts. `resend` publishes what is in flight: the tasks may be gone. */
  watch(resend: () => void): void {
    const { signal, fail } = this.#parts;
    const look = async (): Promise<void> => {
      while (!signal.aborted) {
        const nextAt = performance.now() + lookEveryMs;
        await this.#look(resend).catch((error: unknown) => {
          if (!(error instanceof TransientError)) throw error;
        });
        // A connection that came back in the middle of the look is looked at soon.
        const restMs = this.#hasReconnected ? 0 : nextAt - performance.now();
        await this.#untilNextLook(Math.max(minPauseMs, restMs));
      }
    };
    look().catch((error: unknown) => {
      if (!signal.aborted) fail(error);
    });
  }

  /** What an operator has to know of the log; undefined while all is well. */
  get problem(): string | undefined {
    if (Math.max(this.#recoveryPause.count, this.#holes.foundCount) > 1) return damaged('log');
    return this.#queue.foundCount > 1 ? damaged('task queue') : this.#retelling.problem;
  }

  close(): void {
    this.#wake();
    this.#endWatching();
    this.#publisher.close();
  }

  #untilNextLook(afterMs: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    return pause(afterMs, woken.signal);
  }

  async #look(resend: () => void): Promise<void> {
    const { connection } = this.#parts;
    const isCurrent = this.#sinceNow();
    const published = this.#store.published(this.#published);
    const facts = await readStreamFacts(connection, EVENTS);
    await this.#keepHold(holderOf(facts));
    const committed = this.#store.committed();
    const newest = this.#store.marks()[0];
    const hasLost = await this.#hasLost(facts, newest);
    if (hasLost || this.#hasReconnected) {
      const isTime = this.#hasReconnected || this.#recoveryPause.isOver(performance.now());
      if (this.#republishing === undefined && isTime) await this.#recover(resend, hasLost);
      return;
    }
    if (!isCurrent()) return;
    this.#recoveryPause.end();
    this.#seen = facts;
    await this.#queue.look(isCurrent);
    await this.#lookAtTasks(resend);
    if (this.#republishing !== undefined || (await this.#mendsHole(facts))) return;
    this.#retelling.look(facts);
    this.#published = published;
    this.#looks = [...this.#looks.slice(-8), { committed, sequence: facts.lastSequence }];
    const readFrom = this.#looks.findLast((look) => isUpTo(look.committed, published))?.sequence;
    if (readFrom === undefined || isDeepStrictEqual(newest?.published, published)) return;
    // The newest message is read after `published`: that is certainly before it.
    await setMark({ connection, store: this.#store, isCurrent }, facts, published, readFrom);
  }

  /** An older copy of the server's store bears an older name. */
  async #keepHold(found: string | undefined): Promise<void> {
    const { connection, database, holder } = this.#parts;
    if (!isHeldHere(database.sql, found)) throw superseded();
    if (found !== undefined && found !== holder.holder) await takeHold(connection, holder);
  }

  async #hasLost(facts: StreamFacts, newest: LogMark | undefined): Promise<boolean> {
    const { id, lastSequence } = this.#seen ?? facts;
    if (facts.id !== id || facts.lastSequence < lastSequence) return true;
    return newest !== undefined && !(await bearsOut(this.#parts.connection, facts, newest));
  }

  /** Whether a part of the log that the server cannot give back is being published again. */
  async #mendsHole(facts: StreamFacts): Promise<boolean> {
    const { connection, database, logger } = this.#parts;
    const hole = await this.#holes.look(connection, facts);
    if (hole === undefined) return false;
    logger.warn('a part of the log cannot be read: it is published again', { stream_sequence: hole });
    if (this.problem !== undefined) logger.error(this.problem);
    this.#looks = [];
    this.#published = startOfLog;
    const missing = await this.#comparedAgain(database.sql, hole);
    await this.#restore(missing);
    this.#holes.passTo(missing.facts.lastSequence);
    return true;
  }

  async #lookAtTasks(resend: () => void): Promise<void> {
    const { connection, holder, logger } = this.#parts;
    const { id } = await readStreamFacts(connection, TASKS);
    if (id === this.#tasksId) return;
    logger.warn('the task stream was made anew: what is in flight is sent again');
    await declareIdentity(connection, TASKS, holder, true);
    resend();
    this.#tasksId = id;
  }

  async #remember(): Promise<void> {
    this.#seen = await readStreamFacts(this.#parts.connection, EVENTS);
  }

  /** The stream is another one, or has lost its end, while this process runs; or it may have, while the connection was down. */
  async #recover(resend: () => void, hasLost: boolean): Promise<void> {
    const { database, logger } = this.#parts;
    const isNewConnection = this.#hasReconnected;
    if (isNewConnection) this.#holes.forget();
    this.#hasReconnected = false;
    this.#holes.restart();
    if (isNewConnection) this.#queue.restart();
    if (hasLost) {
      this.#recoveryPause.begin(performance.now(), isNewConnection);
      if (this.problem !== undefined)
        logger.error(this.problem, { published_again: this.#recoveryPause.count - 1 });
      logger.warn('the event stream was made anew or has lost its end: the log is published again');
    }
    this.#looks = [];
    this.#published = startOfLog;
    const missing = await this.#comparedAgain(database.sql);
    await this.#restore({ ...missing, isLost: hasLost || missing.isLost });
    await this.#remember();
    await this.#lookAtTasks(resend);
  }

  /** The catalog at once; the events of runs while other work goes on. */
  async #restore(missing: Missing): Promise<void> {
    const isCurrent = this.#sinceNow();
    const { connection, holder, logger, fail, signal, database, now } = this.#parts;
    const place = placeToBegin(database.sql, missing);
    const isCut = place > missing.from.events;
    const isTold = missing.isLost || isCut;
    if (isTold) this.#retelling.forget();
    const parts = {
      sql: database.sql,
      publisher: this.#publisher,
      maxPayloadBytes: () => connection.maxPayloadBytes,
      now,
      logger,
      signal,
    };
    if (isTold) await this.#untilReached(() => declareIdentity(connection, EVENTS, holder, false, isCut));
    const catalogCount = await republishCatalog(parts, missing);
    const events = async (): Promise<void> => {
      const eventCount = await republishEvents(parts, missing, place);
      if (isTold) {
        // One that began before the loss counts for nothing.
        await this.#retelling.told();
        this.#retelling.look(await this.#untilReached(() => readStreamFacts(connection, EVENTS)));
        await this.#retelling.told();
      }
      for (const stream of [EVENTS, TASKS])
        await this.#untilReached(() => declareIdentity(connection, stream, holder, true));
      await this.#untilReached(() => this.#markRestored(missing, isCurrent));
      this.#republishing = undefined;
      if (catalogCount + eventCount > 0)
        logger.info('published what the log lacked', {
          catalog_count: catalogCount,
          event_count: eventCount,
        });
    };
    this.#republishing = events().catch((error: unknown) => {
      if (!signal.aborted) fail(error);
    });
  }

  async #comparedAgain(sql: OpenDatabase['sql'], hole?: number): Promise<Missing> {
    const from = hole === undefined ? {} : { hole };
    try {
      return await this.#onOneConnection(() => compare({ ...this.#parts, ...from, sql, isComplete: true }));
    } catch (error) {
      if (error instanceof TransientError) this.#hasReconnected = true;
      throw error;
    }
  }

  /** Else the next look would find only marks of the stream that is lost, and publish everything again. */
  async #markRestored({ facts, to }: Missing, isCurrent: () => boolean): Promise<void> {
    const { connection } = this.#parts;
    const now = await readStreamFacts(connection, EVENTS);
    if (!isCurrent() || now.id !== facts.id || now.lastSequence < facts.lastSequence) return;
    // What was committed behind `to` was published after the stream's end had been read.
    await setMark({ connection, store: this.#store, isCurrent }, now, to, facts.lastSequence);
    this.#published = to;
  }

  /** Whether the connection has not been lost since. */
  #sinceNow(): () => boolean {
    const count = this.#connectionCount;
    return () => count === this.#connectionCount;
  }

  async #onOneConnection<T>(ask: () => Promise<T>): Promise<T> {
    const isCurrent = this.#sinceNow();
    const answer = await ask();
    if (!isCurrent()) throw new TransientError('the connection was lost while the log was read');
    return answer;
  }

  #untilReached<T>(ask: () => Promise<T>): Promise<T> {
    return untilReached(ask, this.#parts.signal);
  }
}
