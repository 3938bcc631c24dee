/** The read model as the rest of the api sees it: what is asked of it, and how far it is. */
import { type StepView, stepView } from '@signalbox/engine';
import type { Confirmations } from '../commands/confirmations.js';
import type { RunFeed } from '../run-feed.js';
import { type CatalogQueries, createCatalogQueries } from './catalog-queries.js';
import { type Position, Projection, type StreamMessage } from './projection.js';
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
  bind(streamCreatedAt: number): void;
  /** How often the log has said something else than before under the same sequence. */
  readonly contradictionCount: number;
  /** What the stream holds is not all that there was, until it is said again that it is caught up. */
  fallBehind(): void;
  /** What lies before and was not applied is gone: forgets the runs that had not ended, and returns how many these were. */
  passOver(streamSequence: number): number;
  /** Drops everything: the stream is another one. */
  reset(): void;
  /** A step as the run's folded state has it, with its output. */
  stepOf(runId: string, stepId: string): StepView | undefined;
  close(): void;
}

export const openReadModel = (options: ReadModelOptions): ReadModel => {
  const db = openReadModelDatabase(options.database, options.workspace);
  const projection = new Projection(db, options.workspace);
  let isCaughtUp = false;
  let tellCaughtUp: () => void;
  const caughtUp = new Promise<void>((resolve) => {
    tellCaughtUp = resolve;
  });
  return {
    caughtUp,
    ...createRunQueries(db),
    ...createCatalogQueries(db),
    get isCaughtUp() {
      return isCaughtUp;
    },
    get position() {
      return projection.position;
    },
    apply: (messages, progress) => {
      const applied = projection.apply(messages);
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
    bind: (streamCreatedAt) => projection.bind(streamCreatedAt),
    reset: () => {
      isCaughtUp = false;
      projection.reset();
    },
    passOver: (streamSequence) => {
      isCaughtUp = false;
      return projection.passOver(streamSequence);
    },
    stepOf: (runId, stepId) => stepView(projection.states.get(runId), stepId),
    close: () => {
      db.close();
    },
  };
};
