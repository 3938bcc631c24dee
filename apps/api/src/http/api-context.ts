/** What every route is given. */
import type { Submit } from '../commands/submit.js';
import type { DefinitionValidator } from '../definition-validator.js';
import type { ReadModel } from '../read-model/read-model.js';
import type { RunFeed } from '../run-feed.js';
import type { Turns } from './turns.js';

export interface ApiContext {
  readonly workspace: string;
  readonly readModel: ReadModel;
  readonly submit: Submit;
  readonly feed: RunFeed;
  readonly validator: DefinitionValidator;
  /** Why the bus cannot be reached now, or does not answer, and what to do; undefined while it does. */
  readonly busProblem: () => string | undefined;
  /** What is wrong with the log, and what to do; undefined while all is well. */
  readonly problem: () => string | undefined;
  /** For Prometheus. */
  readonly metrics: () => string;
  /** Told of errors that are nobody's fault but the process's own. */
  readonly onInternalError: (error: unknown, path: string) => void;
  /** For reads that are large: many of them leave everybody else's small ones quick. */
  readonly turns: Turns;
  /** Between heartbeat comments on an event stream. */
  readonly heartbeatMs: number;
  /** Event streams that may be open at once. */
  readonly maxStreamCount: number;
}
