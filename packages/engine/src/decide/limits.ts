/**
 * A run has an end: it takes no more than so many events, and goes round no more than so many times without anything
 * from outside.
 *
 * What follows from the end itself (everything in flight is cancelled, the run fails) is recorded beyond the limit: the
 * end must always fit. It is no failure that a `catch` could take, else the loop would go on behind it.
 */
import { stepError } from '../error.js';
import type { RunLimits } from '../event.js';
import type { Plan } from '../plan.js';
import type { Run, RunState, Scope } from '../run-state.js';
import { endRun } from './cancel.js';
import { endOfFailed } from './follow.js';
import type { Turn } from './turn.js';

/** Beyond so many refusals in a history the next ones are answered and not kept. */
const maxRefusedCount = 1_000;

export const hasRoomForRefusal = (state: RunState): boolean =>
  state.kind === 'none' || state.refusedCount < maxRefusedCount;

/** A workflow may lower what the operator allows. */
export const limitsOf = ({ maxEvents, maxStateVisits }: Plan, allowed: RunLimits): RunLimits => ({
  maxEvents: Math.min(maxEvents ?? allowed.maxEvents, allowed.maxEvents),
  maxStateVisits: Math.min(maxStateVisits ?? allowed.maxStateVisits, allowed.maxStateVisits),
});

/** What others were refused does not bring its end nearer. */
export const countedEvents = ({ seq, refusedCount }: Run): number => seq - refusedCount;

/** Ends a run that has taken all of its events; true where it did. */
export const endedByEvents = (turn: Turn): boolean => {
  const count = countedEvents(turn.run);
  const { maxEvents } = turn.run.started.limits;
  if (count < maxEvents) return false;
  end(turn, `the run has ${count} events, and its limit (maxEvents) is ${maxEvents}`, {
    limit: 'maxEvents',
    maxEvents,
  });
  return true;
};

/** Ends a run that goes round by itself; true where it did. */
export const endedByVisits = (turn: Turn, scope: Scope, state: string): boolean => {
  const { maxStateVisits } = turn.run.started.limits;
  const visits = 1 + (scope.idleVisits.get(state) ?? 0);
  if (visits < maxStateVisits || scope.idleVisits.size === 0) return false;
  const where = scope.path === '' ? '' : ` in "${scope.path}"`;
  const message =
    `state "${state}"${where} was visited ${visits} times without anything from outside between ` +
    `(a step, a signal, a wait), and the limit (maxStateVisits) is ${maxStateVisits}`;
  end(turn, message, { limit: 'maxStateVisits', maxStateVisits, state, scope: scope.path });
  return true;
};

const end = (turn: Turn, message: string, details: { readonly [name: string]: string | number }): void => {
  endRun(turn, endOfFailed(turn, { error: stepError('LIMIT_EXCEEDED', message, details) }));
};
