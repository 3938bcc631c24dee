import type { RefusalCode } from '../command.js';
import type { RunEvent } from '../event.js';
import type { Run, RunState } from '../run-state.js';
import { runStatus } from '../status.js';

export interface Refused {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly message: string;
}

/** `accepted` with no events: the command asked for what is so already. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly events: readonly RunEvent[];
  /** The state after each of the events: what `evolve` makes of them, which `decide` has done anyway. */
  readonly states: readonly RunState[];
}

export type Decision = Accepted | Refused;

export const refuse = (code: RefusalCode, message: string): Refused => ({ kind: 'refused', code, message });

export const isOver = (run: Run): boolean => run.phase.kind !== 'running' && run.phase.kind !== 'paused';

export const notActive = (run: Run): Refused =>
  refuse(
    'RUN_NOT_ACTIVE',
    run.phase.kind === 'ending'
      ? `run ${run.started.runId} is ending: what is in flight is being taken back`
      : `run ${run.started.runId} has ended: it is ${runStatus(run)}`,
  );
