/** The read model as the rest of the api sees it: what is asked of it, and how far it is. */
import { type StepView, stepView } from '@signalbox/engine';
import type { Confirmations } from '../commands/confirmations.js';
import type { RunFeed } from '../run-feed.js';
import { type CatalogQueries, createCatalogQueries } from './catalog-queries.js';
import { Projection, type StreamMessage } from './projection.js';
import type { Position } from './projection-statements.js';
import { Promises } from './promises.js';
import { createRunQueries, type RunQueries } from './run-queries.js';
import { openReadModelDatabase } from './schema.js';

export interface ReadModelOptions {
  /** Path of the SQLite file. */
  readonly database: string;
  readonly workspace: string;
  readonly confirmations: Pick<Confirmations, 'tell'>;
  readonly feed: RunFeed;
  /** Told of what the log says twice, and differently. */
  readonly onContradiction: (what: string) => void;
  /** Told why what was applied cannot be kept: this read model must not go on. */
  readonly fail: (error: unknown) => void;
}

export interface ReadModel extends RunQueries, CatalogQueries {
  /** True from the first time that nothing of the stream was left to apply; false again while it is rebuilt. */
  readonly isCaughtUp: boolean;
  /** Resolves when that is so for the first time. */
  readonly caughtUp: Promise<void>;
  readonly position: Position;
  /** Applies a batch, then tells who waits. */
  apply(messages: readonly StreamMessage[], progress: { readonly caughtUp: boolean }): void;
  /** Remembers which stream this is built from. */
  bind(streamId: string): void;
  /** How often the log has said something else than before under the same sequence. */
  readonly contradictionCount: number;
  /** What the stream holds is not all that there was, until it is said again that it is caught up. */
  fallBehind(): void;
  /** What lies before and was not applied is gone: forgets the runs that had not ended, and returns how many these were. */
  passOver(streamSequence: number): number;
  /** Drops everything: the stream is another one. */
  reset(): void;
  /** A client is to be told of the event at this place of the stream, which is not applied yet. False: it is not, until it is. */
  promise(streamSequence: number): boolean;
  /** Resolves when every event that a client was told of is applied; false where one does not come. */
  arePromisesKept(): Promise<boolean>;
  /** A step as the run's folded state has it, with its output. */
  stepOf(runId: string, stepId: string): StepView | undefined;
  close(): void;
}

export const openReadModel = (options: ReadModelOptions): ReadModel => {
  const db = openReadModelDatabase(options.database, options.workspace);
  const projection = new Projection(db, options.workspace);
  const commits = createCommits(projection, options.fail);
  const promises = new Promises();
  const settle = (): void => {
    try {
      projection.settle();
    } catch (error) {
      // What was applied is gone up to the last commit, and whoever reads the log does not know.
      options.fail(error);
      throw error;
    }
  };
  let isCaughtUp = false;
  let tellCaughtUp: () => void;
  const caughtUp = new Promise<void>((resolve) => {
    tellCaughtUp = resolve;
  });
  return {
    caughtUp,
    ...settled(createRunQueries(db), settle),
    ...createCatalogQueries(db),
    get isCaughtUp() {
      return isCaughtUp;
    },
    get position() {
      return projection.position;
    },
    apply: (messages, progress) => {
      const applied = projection.apply(messages);
      commits.soon();
      promises.keep(projection.position.streamSequence);
      isCaughtUp ||= progress.caughtUp;
      if (isCaughtUp) tellCaughtUp();
      options.confirmations.tell(applied.outcomes);
      options.feed.tell(applied.runIds);
      for (const what of applied.contradictions) options.onContradiction(what);
    },
    get contradictionCount() {
      return projection.contradictionCount;
    },
    fallBehind: () => {
      isCaughtUp = false;
    },
    bind: (streamId) => projection.bind(streamId),
    promise: (streamSequence) => promises.promise(streamSequence),
    arePromisesKept: () => promises.areKept(),
    reset: () => {
      isCaughtUp = false;
      promises.forget();
      projection.reset();
    },
    passOver: (streamSequence) => {
      isCaughtUp = false;
      return projection.passOver(streamSequence);
    },
    stepOf: (runId, stepId) => stepView(projection.states.get(runId), stepId),
    close: () => {
      commits.now();
      db.close();
    },
  };
};

/**
 * A commit writes each page that was changed since the last one, and under load the same pages are changed by one batch after
 * another. So much work at most is done again after a crash.
 */
const commitAfterMs = 100;

const createCommits = (projection: Projection, fail: (error: unknown) => void) => {
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    clearTimeout(timer);
    timer = undefined;
    projection.commit();
  };
  const soon = (): void => {
    if (!projection.isUncommitted) return;
    timer ??= setTimeout(() => {
      try {
        now();
      } catch (error) {
        fail(error);
      }
    }, commitAfterMs);
  };
  return { soon, now };
};

/** The same queries, of rows that say all that was applied. */
const settled = <Q extends object>(queries: Q, settle: () => void): Q => {
  const all = Object.entries(queries).map(([name, query]) => {
    const ask = query as (...given: unknown[]) => unknown;
    return [
      name,
      (...given: unknown[]) => {
        settle();
        return ask(...given);
      },
    ];
  });
  return Object.fromEntries(all) as Q;
};
