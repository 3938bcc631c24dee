/**
 * Lets every scope go on until each waits for something outside: a worker, a person, a clock, another run.
 *
 * A decision enters a bounded number of states. What is left over waits for the timer of `run.yielded`, so a loop
 * without a step, or a fan-out to thousands, never keeps other runs from their turn.
 */
import { plainWithoutReserved } from '../context.js';
import type { StepError } from '../error.js';
import { lookupIn } from '../expression-scope.js';
import { required } from '../invariant-violation.js';
import type { Json } from '../json.js';
import type { Scope } from '../run-state.js';
import { renderTemplate } from '../template.js';
import { enterState } from './enter-state.js';
import { failScope } from './follow.js';
import { childCompleted, forkChildren } from './join.js';
import type { Turn } from './turn.js';

export const advance = (turn: Turn): void => {
  while (turn.run.phase.kind === 'running') {
    const path = turn.run.ready.firstKey();
    const joinStepId = turn.run.forkable.firstKey();
    if (path === undefined && joinStepId === undefined) return;
    if (turn.budget <= 0) {
      turn.emit({ type: 'run.yielded' });
      return;
    }
    turn.spend();
    if (path !== undefined) goOn(turn, turn.scope(path));
    else if (joinStepId !== undefined) forkChildren(turn, joinStepId);
  }
};

const goOn = (turn: Turn, scope: Scope): void => {
  if (scope.cursor.kind === 'ready') enterState(turn, scope, scope.cursor.state);
  else if (scope.parent === undefined) completeRun(turn, scope);
  else completeChild(turn, scope, scope.parent.stepId);
};

type Output =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly error: StepError };

/** The value of a scope's `output` template; undefined where the author gave none. */
const outputOf = (turn: Turn, scope: Scope): Output => {
  const { output } = turn.scopePlan(scope);
  if (output === undefined) return { ok: true, value: undefined };
  const rendered = renderTemplate(output, lookupIn(turn.run, scope), turn.world.evaluate);
  if (rendered.ok) return rendered;
  const of = scope.parent === undefined ? 'the run' : `"${scope.path}"`;
  const message = `the output of ${of} could not be made: ${rendered.error.message}`;
  return { ok: false, error: { ...rendered.error, message } };
};

const completeRun = (turn: Turn, root: Scope): void => {
  const output = outputOf(turn, root);
  if (!output.ok) {
    failEnd(turn, root, output.error);
    return;
  }
  const value = output.value === undefined ? plainWithoutReserved(root.context) : output.value;
  const { outputSchema } = turn.world.plan;
  const violations = outputSchema === undefined ? [] : turn.world.violations(outputSchema, value);
  const warnings = violations.map((message) => ({ code: 'SCHEMA_VALIDATION_OUTPUT', message }));
  turn.emit({ type: 'run.completed', output: value, ...(warnings.length === 0 ? {} : { warnings }) });
};

const completeChild = (turn: Turn, scope: Scope, joinStepId: string): void => {
  const output = outputOf(turn, scope);
  if (!output.ok) {
    failEnd(turn, scope, output.error);
    return;
  }
  const { value } = output;
  turn.emit({
    type: 'scope.completed',
    scope: scope.path,
    ...(value === undefined ? {} : { output: value }),
  });
  childCompleted(turn, joinStepId);
};

/** A scope has no step of its own for its end: the failure is put down to its last one. */
const failEnd = (turn: Turn, scope: Scope, error: StepError): void => {
  const originStepId = required(scope.lastStepId, `last step of scope "${scope.path}"`);
  failScope(turn, scope.path, { error, originStepId, isOfScopeEnd: true });
};
