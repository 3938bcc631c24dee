/**
 * A run has an end: it takes no more than so many events, and goes round no more than so many times without anything
 * from outside.
 *
 * What follows from the end itself (everything in flight is cancelled, the run fails) is recorded beyond the limit: the
 * end must always fit. It is no failure that a `catch` could take, else the loop would go on behind it.
 *
 * A family of runs has an end too: a state that would start one run too many fails, and may be caught like any other.
 */
import { type StepError, stepError } from '../error.js';
import type { RunEvent, RunLimits } from '../event.js';
import { rootRunIdOf, startsChild } from '../family.js';
import type { Plan } from '../plan.js';
import type { Run, RunState, Scope } from '../run-state.js';
import { endRun } from './cancel.js';
import { endOfFailed } from './follow.js';
import type { Turn } from './turn.js';

/** Beyond so many refusals in a history the next ones are answered and not kept. */
const maxRefusedCount = 1_000;

export const hasRoomForRefusal = (state: RunState): boolean =>
  state.kind === 'none' || state.refusedCount < maxRefusedCount;

/** A workflow may lower what the operator allows; how many runs a family may have is said once, by the root run's. */
export const limitsOf = (plan: Plan, allowed: RunLimits, maxRunsOfFamily?: number): RunLimits => {
  const { maxEvents, maxStateVisits, maxFamilyRuns } = plan;
  return {
    maxEvents: Math.min(maxEvents ?? allowed.maxEvents, allowed.maxEvents),
    maxStateVisits: Math.min(maxStateVisits ?? allowed.maxStateVisits, allowed.maxStateVisits),
    maxFamilyRuns: maxRunsOfFamily ?? Math.min(maxFamilyRuns ?? allowed.maxFamilyRuns, allowed.maxFamilyRuns),
  };
};

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

/** Runs below a root run. A workflow that runs itself ends here, or by the number of its runs. */
const maxRunDepth = 16;

/** Why a run may start no child run; undefined where it may. */
export const noRoomInFamily = (turn: Turn): StepError | undefined => {
  const { started } = turn.run;
  if ((started.root?.depth ?? 0) >= maxRunDepth)
    return stepError('LIMIT_EXCEEDED', `runs start one another more than ${maxRunDepth} deep`, {
      limit: 'maxRunDepth',
      maxRunDepth,
    });
  const { maxFamilyRuns } = started.limits;
  const rootRunId = rootRunIdOf(started);
  const count = 1 + turn.world.childRunCount(rootRunId) + childRunsIn(turn.events);
  if (count < maxFamilyRuns) return undefined;
  const message = `the family of root run ${rootRunId} has ${count} runs, and its limit (maxFamilyRuns) is ${maxFamilyRuns}`;
  return stepError('LIMIT_EXCEEDED', message, { limit: 'maxFamilyRuns', maxFamilyRuns, rootRunId });
};

const childRunsIn = (events: readonly RunEvent[]): number => {
  let count = 0;
  for (const event of events) if (startsChild(event)) count += 1;
  return count;
};

const end = (turn: Turn, message: string, details: { readonly [name: string]: string | number }): void => {
  endRun(turn, endOfFailed(turn, { error: stepError('LIMIT_EXCEEDED', message, details) }));
};
