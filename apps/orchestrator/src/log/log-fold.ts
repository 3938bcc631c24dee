/**
 * Takes messages of the log into the database.
 *
 * 1. What the database has already is compared: other content under one sequence is a contradiction, which stops
 *    everything before anything is changed by it.
 * 2. What it lacks, and what goes on its history, is recorded exactly as if it had been decided here: events, rows,
 *    timers, inbox, quarantines. Nothing is sent because of it.
 * 3. A repeated publish may be stored behind its successors: what lies behind a gap waits for it.
 */
import {
  evolve,
  InvariantViolation,
  initialState,
  type RunEvent,
  timers as timersOf,
} from '@signalbox/engine';
import type { StoredMessage } from '@signalbox/messaging';
import {
  ContractError,
  type RunEventMessage,
  type RunKey,
  runKeyOf,
  runOfKey,
  type WireMessage,
} from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';
import type { Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import { createLanguage } from '@signalbox/validation';
import type { Database } from 'better-sqlite3';
import { BrokenHistory, type LoadedRun, Runs } from '../runs.js';
import {
  createAgentStore,
  createCatalogEventStore,
  createTeamStore,
  createWorkflowStore,
} from '../store/catalog-store.js';
import { createCrashStore } from '../store/crash-store.js';
import { createDeadLetterStore } from '../store/dead-letter-store.js';
import { catalogCommandKey, createInboxStore, runCommandKey } from '../store/inbox-store.js';
import { createLogStore } from '../store/log-store.js';
import { createRunStore } from '../store/run-store.js';
import { createTimerStore } from '../store/timer-store.js';
import { TouchedRuns } from '../touched-runs.js';
import { createCatalogFold } from './catalog-fold.js';
import { Intervals } from './intervals.js';
import {
  catalogEventMessage,
  dataOf,
  type LogMessage,
  readLogMessage,
  runEventMessage,
} from './log-codec.js';
import { createNoticeFold } from './notice-fold.js';
import {
  brokenDatabase,
  differentContent,
  isSameEvent,
  StoresContradict,
  wayOut,
  wayOutOfCut,
} from './stores-contradict.js';

export interface LogFoldParts {
  readonly sql: Database;
  readonly starlark: Starlark;
  readonly logger: Logger;
  /** Nothing is taken in: what the database lacks ends the process, which starts again with it. */
  readonly isComplete?: boolean;
}

/** Messages that wait for a gap to be filled; more than any late publish can leave. */
const maxHeld = 100_000;

export class LogFold {
  /** Positions of the run events that were found in the stream. */
  readonly seenEvents = new Intervals();
  /** Positions of the catalog events, and keys of the dead letters. */
  readonly seenCatalog = new Set<number>();
  readonly seenDeadLetters = new Set<string>();
  addedCount = 0;
  /** Places in the stream of what is no event of this protocol. */
  readonly unreadable = new Set<number>();
  readonly #logger: Logger;
  readonly #isComplete: boolean;
  readonly #stores: ReturnType<typeof openStores>;
  readonly #runs: Runs;
  readonly #foldCatalog: ReturnType<typeof createCatalogFold>;
  readonly #foldNotice: ReturnType<typeof createNoticeFold>;
  readonly #held = new Map<string, Map<number, LogMessage>>();
  #heldCount = 0;
  /** What can be taken now. */
  readonly #ready: LogMessage[] = [];
  #touched: TouchedRuns;
  readonly #transaction: (messages: readonly StoredMessage[]) => void;

  constructor({ sql, starlark, logger, isComplete = false }: LogFoldParts) {
    this.#logger = logger;
    this.#isComplete = isComplete;
    this.#stores = openStores(sql);
    this.#runs = new Runs(this.#stores.runs, this.#stores.workflows, this.#stores.agents);
    this.#touched = new TouchedRuns(this.#runs, this.#stores.runs);
    this.#foldNotice = createNoticeFold(this.#stores);
    this.#foldCatalog = createCatalogFold({ ...this.#stores, language: createLanguage(starlark), logger });
    const transaction = sql.transaction((messages: readonly StoredMessage[]) => this.#takeAll(messages));
    this.#transaction = (messages) => transaction.immediate(messages);
  }

  /** In one transaction. The catalog has to be taken in before the runs that need it. @throws StoresContradict */
  take(messages: readonly StoredMessage[]): void {
    this.#touched = new TouchedRuns(this.#runs, this.#stores.runs);
    this.#transaction(messages);
    this.#runs.evict();
  }

  /** All has been taken in. @throws StoresContradict when something still waits for what neither store has. */
  end(): void {
    for (const [history, waiting] of this.#held) {
      const first = Math.min(...waiting.keys());
      throw new StoresContradict(
        `the log has event ${first} of ${history}, and neither the log nor the database has the one before it: the log no longer reaches back to where this database ends. ${wayOutOfCut}`,
      );
    }
  }

  #takeAll(messages: readonly StoredMessage[]): void {
    for (const message of messages) {
      try {
        this.#ready.push(readLogMessage(message));
        for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) this.#take(next);
      } catch (cause) {
        if (!(cause instanceof ContractError)) throw cause;
        this.#passOver(message, cause);
      }
    }
    this.#flush();
  }

  /** Said once, in one line: a log may hold thousands of them. */
  #passOver({ subject, sequence }: StoredMessage, { place }: ContractError): void {
    if (this.unreadable.has(sequence)) return;
    this.unreadable.add(sequence);
    this.#logger.warn('a message of the log cannot be read and is passed over', {
      subject,
      stream_sequence: sequence,
      place,
    });
  }

  #take(arrived: LogMessage): void {
    const { envelope } = arrived;
    if (!this.#isComplete) this.#stores.log.dropWaiting(envelope.id);
    if (envelope.sequence === 0) this.#takeNotice(arrived);
    else if (envelope.runId === null) this.#takeCatalogEvent(arrived);
    else this.#takeRunEvent(arrived, runKeyOf({ ...envelope, runId: envelope.runId }));
  }

  /** A dead letter, a quarantine, or the answer to a command that has no history. */
  #takeNotice({ envelope }: LogMessage): void {
    const { data, runId, workspace, causationId, at } = envelope;
    if (data.type === 'deadletter.recorded') this.seenDeadLetters.add(keyOfDeadLetter(data.deadLetter));
    if (this.#isComplete) return;
    const isNew = this.#foldNotice(envelope);
    if (isNew === true) this.addedCount += 1;
    else if (isNew === undefined && runId !== null && causationId !== undefined)
      this.#stores.inbox.accept(runCommandKey({ workspace, runId, commandId: causationId }), at);
  }

  #takeCatalogEvent(arrived: LogMessage): void {
    const { envelope, text } = arrived;
    const { workspace, sequence, at, causationId } = envelope;
    const { log, catalogEvents, inbox } = this.#stores;
    const history = `the catalog of workspace ${workspace}`;
    const stored = log.catalogEventAt(workspace, sequence);
    if (stored !== undefined) {
      const ours = catalogEventMessage(stored);
      if (!isSameEvent(ours.data, text)) throw this.#contradiction(history, ours, arrived);
      this.seenCatalog.add(stored.position);
      return;
    }
    const isNext = sequence === 1 || log.catalogEventAt(workspace, sequence - 1) !== undefined;
    if (!isNext) {
      this.#hold(history, arrived);
      return;
    }
    this.#mayTakeIn(history, arrived);
    const { type } = envelope.data;
    const event = { type, ...dataOf(text) } as Parameters<typeof catalogEvents.append>[2];
    const seq = catalogEvents.append(workspace, at, event, causationId);
    if (seq !== sequence) throw new InvariantViolation(`event ${sequence} of ${history} became ${seq}`);
    this.#foldCatalog(workspace, at, event);
    if (causationId !== undefined) inbox.accept(catalogCommandKey(workspace, causationId), at);
    const added = log.catalogEventAt(workspace, sequence);
    if (added !== undefined) this.seenCatalog.add(added.position);
    this.addedCount += 1;
    this.#release(history, sequence + 1);
  }

  #takeRunEvent(arrived: LogMessage, runKey: RunKey): void {
    const { envelope } = arrived;
    const history = `run ${runKey}`;
    if (this.#isKnown(arrived, runKey, history)) return;
    const run = this.#find(runKey) ?? this.#begun(arrived, runKey);
    const known = run?.state.seq ?? 0;
    if (run === undefined || envelope.sequence > known + 1) this.#hold(history, arrived);
    else if (envelope.sequence === known + 1) this.#append(run, arrived);
    // Else this batch has added it, from the same log, and the row of its run is not written yet.
  }

  #find(runKey: RunKey): LoadedRun | undefined {
    try {
      return this.#runs.find(runKey);
    } catch (cause) {
      if (cause instanceof BrokenHistory) throw brokenDatabase(cause.message);
      throw cause;
    }
  }

  #isKnown(arrived: LogMessage, runKey: RunKey, history: string): boolean {
    const { envelope, text } = arrived;
    const stored = this.#stores.log.eventAt(runKey, envelope.sequence);
    if (stored === undefined) return false;
    const ours = runEventMessage(stored);
    if (!isSameEvent(ours.data, text)) throw this.#contradiction(history, ours, arrived);
    this.seenEvents.add(stored.position);
    return true;
  }

  #mayTakeIn(history: string, { envelope }: LogMessage): void {
    if (this.#isComplete)
      throw new CannotRun(
        75,
        `the log holds event ${envelope.sequence} of ${history}, which this process did not publish; it has to start again with it`,
      );
  }

  #begun({ envelope }: LogMessage, runKey: RunKey): LoadedRun | undefined {
    const { data, sequence } = envelope;
    if (sequence !== 1 || data.type !== 'run.started') return undefined;
    const { id, version } = data.workflow;
    const { workspace } = envelope;
    const plan = this.#runs.plan(workspace, id, version);
    const problem = plan === undefined ? this.#runs.problemOfPlan(workspace, id, version) : undefined;
    if (plan === undefined && problem === undefined)
      throw new StoresContradict(
        `run ${runKey} of the log needs version ${version} of workflow "${id}" in workspace ${workspace}, which neither the log nor the database has. ${wayOutOfCut}`,
      );
    return this.#runs.add({ runKey, plan, problem, state: initialState, snapshotSeq: 0 });
  }

  #append(run: LoadedRun, arrived: LogMessage): void {
    const { envelope, text, message } = arrived;
    this.#mayTakeIn(`run ${run.runKey}`, arrived);
    const { sequence: seq, at, causationId } = envelope;
    const { runs, inbox } = this.#stores;
    const data = dataOf(text);
    const { type } = envelope.data as RunEventMessage;
    const recorded = { seq, at, event: { type, ...data } as unknown as RunEvent };
    runs.append(run.runKey, seq, at, type, JSON.stringify(data), causationId);
    this.seenEvents.add(runs.lastPosition());
    this.#touched.touch(run, recorded.event);
    try {
      run.state = evolve(run.state, recorded);
    } catch (cause) {
      if (!(cause instanceof InvariantViolation)) throw cause;
      throw new StoresContradict(
        `event ${seq} of run ${run.runKey} in the log (stream sequence ${message.sequence}) is impossible after the history that the database has: ${cause.message}. ${wayOut}`,
      );
    }
    if (causationId !== undefined)
      inbox.accept(runCommandKey({ ...runOfKey(run.runKey), commandId: causationId }), at);
    this.addedCount += 1;
    this.#release(`run ${run.runKey}`, seq + 1);
  }

  #flush(): void {
    this.#touched.flush();
    for (const { runKey, state } of this.#touched.runs()) {
      this.#stores.timers.cancelAll(runKey);
      for (const timer of timersOf(state)) this.#stores.timers.set({ runKey, ...timer });
    }
  }

  #hold(history: string, arrived: LogMessage): void {
    const waiting = this.#held.get(history) ?? new Map<number, LogMessage>();
    this.#held.set(history, waiting.set(arrived.envelope.sequence, arrived));
    this.#heldCount += 1;
    if (this.#heldCount > maxHeld) this.end();
  }

  /** What has waited for the event before it. */
  #release(history: string, sequence: number): void {
    const waiting = this.#held.get(history);
    const next = waiting?.get(sequence);
    if (waiting === undefined || next === undefined) return;
    waiting.delete(sequence);
    this.#heldCount -= 1;
    if (waiting.size === 0) this.#held.delete(history);
    this.#ready.push(next);
  }

  #contradiction(history: string, ours: WireMessage, { envelope, message }: LogMessage): StoresContradict {
    const stored = readLogMessage({ ...message, subject: ours.subject, data: Buffer.from(ours.data) });
    return differentContent(history, stored.envelope, envelope, message.sequence);
  }
}

/** An id counts within its workspace. */
export const keyOfDeadLetter = ({
  workspace,
  id,
}: {
  readonly workspace: string;
  readonly id: string;
}): string => `${workspace}/${id}`;

const openStores = (sql: Database) => ({
  log: createLogStore(sql),
  runs: createRunStore(sql),
  workflows: createWorkflowStore(sql),
  agents: createAgentStore(sql),
  teams: createTeamStore(sql),
  catalogEvents: createCatalogEventStore(sql),
  deadLetters: createDeadLetterStore(sql),
  crashes: createCrashStore(sql),
  inbox: createInboxStore(sql),
  timers: createTimerStore(sql),
});
