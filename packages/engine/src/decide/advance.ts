/**
 * Lets every scope go on until each waits for something outside: a worker, a person, a clock, another run.
 *
 * A decision enters a bounded number of states, and takes back a bounded number. What is left over waits for the timer of `run.yielded`, so a loop
 * without a step, or a fan-out to thousands, never keeps other runs from their turn.
 */
import { plain, plainWithoutReserved } from '../context.js';
import type { StepError } from '../error.js';
import { askedIn, evaluatorOf, noNames } from '../evaluation.js';
import { boundedWarnings } from '../excerpt.js';
import type { Json } from '../json.js';
import type { Template } from '../plan.js';
import type { Scope } from '../run-state.js';
import { type Rendered, renderTemplate } from '../template.js';
import { endRun } from './cancel.js';
import { enterState } from './enter-state.js';
import { answersFor } from './evaluate.js';
import { failEnd, failJoin } from './follow.js';
import { childCompleted, closeJoin, forkChildren } from './join.js';
import { endedByEvents } from './limits.js';
import { composedTooLarge } from './too-large.js';
import type { Turn } from './turn.js';

export const advance = (turn: Turn): void => {
  if (!goOnTakingBack(turn)) return;
  while (turn.run.phase.kind === 'running') {
    const path = turn.run.ready.firstKey();
    const joinStepId = turn.run.forkable.firstKey();
    if (path === undefined && joinStepId === undefined) return;
    if (endedByEvents(turn)) return;
    if (turn.budget <= 0) turn.yieldToOthers();
    if (turn.hasYielded) return;
    turn.spend();
    if (path !== undefined) goOn(turn, turn.scope(path));
    else if (joinStepId !== undefined) forkChildren(turn, joinStepId);
    if (!goOnTakingBack(turn)) return;
  }
};

/** False when something is left for the next decision, or the run has come to its end. */
const goOnTakingBack = (turn: Turn): boolean => {
  const { phase } = turn.run;
  if (phase.kind === 'ending') {
    endRun(turn, phase.end);
    return false;
  }
  for (let stepId = turn.run.closing.firstKey(); stepId !== undefined; stepId = turn.run.closing.firstKey()) {
    const failure = closeJoin(turn, stepId, turn.join(stepId).closing?.failure);
    if (failure !== undefined) failJoin(turn, stepId, failure);
    if (turn.run.closing.has(stepId)) {
      turn.yieldToOthers();
      return false;
    }
  }
  return true;
};

const goOn = (turn: Turn, scope: Scope): void => {
  if (scope.cursor.kind === 'ready') enterState(turn, scope, scope.cursor.state);
  else if (scope.parent === undefined) completeRun(turn, scope);
  else completeChild(turn, scope, scope.parent.stepId);
};

interface Output {
  readonly ok: true;
  readonly value: Json;
  /** What the author's `output` says, and not what the scope has written. */
  readonly isRendered: boolean;
}

/** What a scope gives at its end; undefined: it is not known yet, and the scope waits for it. */
const outputOf = (
  turn: Turn,
  scope: Scope,
): Output | { readonly ok: false; readonly error: StepError } | undefined => {
  const { output } = turn.scopePlan(scope);
  const isRun = scope.parent === undefined;
  const of = isRun ? 'the run' : `"${scope.path}"`;
  const rendered =
    output === undefined
      ? ({ ok: true, value: isRun ? plainWithoutReserved(scope.context) : plain(scope.writes) } as const)
      : renderedOutput(turn, scope, output);
  if (rendered === undefined) return undefined;
  if (!rendered.ok) {
    const message = `the output of ${of} could not be made: ${rendered.error.message}`;
    return { ok: false, error: { ...rendered.error, message } };
  }
  const what = output === undefined ? `${of}, without an \`output\`,` : of;
  const error = composedTooLarge(turn.world, `the output of ${what}`, rendered.value);
  return error === undefined
    ? { ok: true, value: rendered.value, isRendered: output !== undefined }
    : { ok: false, error };
};

const renderedOutput = (turn: Turn, scope: Scope, output: Template): Rendered | undefined => {
  const answered = answersFor(turn, scope, { kind: 'end', asked: askedIn(output) });
  if (answered === undefined || !answered.ok) return answered;
  return renderTemplate(output, noNames, evaluatorOf(answered.answers));
};

const completeRun = (turn: Turn, root: Scope): void => {
  const output = outputOf(turn, root);
  if (output === undefined) return;
  if (!output.ok) {
    failEnd(turn, root, output.error);
    return;
  }
  const { value } = output;
  const { outputSchema } = turn.world.plan;
  const violations = outputSchema === undefined ? [] : turn.world.violations(outputSchema, value);
  const found = violations.map((message) => ({ code: 'SCHEMA_VALIDATION_OUTPUT', message }));
  const warnings = found.length === 0 ? {} : { warnings: boundedWarnings(found) };
  turn.emit({ type: 'run.completed', output: value, ...warnings });
};

const completeChild = (turn: Turn, scope: Scope, joinStepId: string): void => {
  const output = outputOf(turn, scope);
  if (output === undefined) return;
  if (!output.ok) {
    failEnd(turn, scope, output.error);
    return;
  }
  const own = output.isRendered ? { output: output.value } : {};
  turn.emit({ type: 'scope.completed', scope: scope.path, ...own });
  const failure = childCompleted(turn, joinStepId);
  if (failure !== undefined) failJoin(turn, joinStepId, failure);
};
