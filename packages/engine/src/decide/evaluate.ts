/**
 * Has the expressions of a state, or of a scope's end, evaluated before it is entered.
 *
 * 1. What a worker has answered for it is used; nothing is evaluated twice.
 * 2. Else the decision evaluates within its budget. What does not fit into what is left of it waits for the next
 *    decision of the run; what does not fit into any becomes a step for a worker: the action `expression.evaluate`.
 * 3. Nothing of the state is recorded before its answers are there.
 */
import { explainAbsence, nodeAt } from '../context.js';
import { type StepError, stepError } from '../error.js';
import { type Asked, inputOf, isLastAnswer } from '../evaluation.js';
import type { AtStep } from '../event.js';
import { type Reading, readingIn } from '../expression-scope.js';
import type { Json } from '../json.js';
import { formatPath } from '../path.js';
import type { StatePlan } from '../plan.js';
import { merged, pruned, sizeUpTo } from '../reading.js';
import type { Scope } from '../run-state.js';
import { stepIdLength } from '../step-id.js';
import type { Evaluation, OverBudget, Question, Reads } from '../world.js';
import { evaluationTooLarge } from './too-large.js';
import type { Turn } from './turn.js';

export type Answered =
  | { readonly ok: true; readonly answers: readonly Evaluation[] }
  | { readonly ok: false; readonly error: StepError };

export type Asker =
  | { readonly kind: 'state'; readonly asked: Asked; readonly at: AtStep; readonly plan: StatePlan }
  | { readonly kind: 'end'; readonly asked: Asked };

/** Undefined: they are not there yet; the run has yielded, or a worker has been asked. */
export const answersFor = (turn: Turn, scope: Scope, asker: Asker): Answered | undefined => {
  if (scope.answers !== undefined) return { ok: true, answers: scope.answers };
  const { asked } = asker;
  if (asked.questions.length === 0) return { ok: true, answers: [] };
  const problem = dataProblem(scope, asker);
  if (problem !== undefined) return { ok: false, error: stepError('EXPRESSION_ERROR', problem) };
  const hadEvaluated = turn.hasEvaluated;
  const answers = attemptAll(turn, scope, asker);
  if (!('code' in answers)) return { ok: true, answers };
  if (answers.fits === 'later' && hadEvaluated) {
    turn.yieldToOthers();
    return undefined;
  }
  return askWorker(turn, scope, asker);
};

const attemptAll = (turn: Turn, scope: Scope, asker: Asker): readonly Evaluation[] | OverBudget => {
  const { questions, untilTrue } = asker.asked;
  const answers: Evaluation[] = [];
  for (const question of questions) {
    const reading = readingOf(turn, scope, asker, turn.world.budget.maxReadBytes);
    const answer = turn.world.budget.attempt(question, reading.lookup);
    turn.hasEvaluated = true;
    if (reading.isTooLarge()) return { ok: false, code: 'OVER_BUDGET', fits: 'never' };
    if (!answer.ok && answer.code === 'OVER_BUDGET') return answer;
    answers.push(answer);
    if (isLastAnswer(answer, untilTrue)) break;
  }
  return answers;
};

const dataPathOf = (asker: Asker) =>
  asker.kind === 'state' && asker.plan.type === 'switch' ? asker.plan.dataPath : undefined;

const dataProblem = ({ context }: Scope, asker: Asker): string | undefined => {
  const dataPath = dataPathOf(asker);
  if (dataPath === undefined || nodeAt(context, dataPath) !== undefined) return undefined;
  return `dataPath ${formatPath(dataPath)} leads nowhere: ${explainAbsence(context, dataPath)}`;
};

const readingOf = (turn: Turn, scope: Scope, asker: Asker, maxBytes: number): Reading => {
  const dataPath = dataPathOf(asker);
  const data = dataPath === undefined ? undefined : nodeAt(scope.context, dataPath);
  return readingIn(turn.run, scope, data, maxBytes);
};

const askWorker = (turn: Turn, scope: Scope, asker: Asker): Answered | undefined => {
  const { questions, untilTrue } = asker.asked;
  const { inputBytes } = turn.world.limits;
  // A measure that goes too high by some: what counts is the exact one below.
  const reading = readingOf(turn, scope, asker, 2 * inputBytes);
  const values: [string, Json][] = [];
  for (const [name, reads] of namesOf(turn, questions)) {
    const value = reading.lookup(name, reads);
    if (value !== undefined) values.push([name, pruned(value, reads)]);
  }
  const input = inputOf({ questions, untilTrue, values: Object.fromEntries(values) });
  const whose = asker.kind === 'end' ? 'the output' : `state "${asker.at.state}"`;
  const what = `what the expressions of ${whose} read`;
  const error = reading.isTooLarge()
    ? farTooLarge(what, inputBytes)
    : evaluationTooLarge(
        what,
        values.map(([, value]) => value),
        input,
        inputBytes,
      );
  if (error !== undefined) return { ok: false, error };
  turn.spend(sizeUpTo(input, undefined, inputBytes));
  emitEvaluation(turn, scope, asker, input);
  return undefined;
};

const farTooLarge = (what: string, limitBytes: number): StepError =>
  stepError(
    'PAYLOAD_TOO_LARGE',
    `${what} has more than ${limitBytes} bytes; pass less, or a reference to it`,
    {
      limitBytes,
    },
  );

const namesOf = (turn: Turn, questions: readonly Question[]): ReadonlyMap<string, Reads> => {
  const names = new Map<string, Reads>();
  for (const question of questions)
    for (const { name, reads } of turn.world.budget.namesOf(question))
      names.set(name, merged(names.get(name), reads));
  return names;
};

/** The end of a scope is no state of it; its evaluation goes by this name. */
const endName = 'output';

/** Of the step that evaluates what a state, or a scope's end, asks. */
export const evaluationIdOf = (
  turn: Turn,
  asker:
    | { readonly kind: 'state'; readonly at: Pick<AtStep, 'stepId'> }
    | { readonly kind: 'end'; readonly scope: string },
): string => {
  const key = asker.kind === 'end' ? `end|${asker.scope}` : `state|${asker.at.stepId}`;
  return turn.world.digest(`evaluation|${turn.run.started.runId}|${key}`).slice(0, stepIdLength);
};

const emitEvaluation = (turn: Turn, scope: Scope, asker: Asker, input: Json): void => {
  const isEnd = asker.kind === 'end';
  const place = isEnd ? { scope: scope.path, state: endName, visit: 1 } : asker.at;
  const stepId = evaluationIdOf(turn, isEnd ? { kind: 'end', scope: scope.path } : asker);
  scheduleEvaluation(turn, { ...place, stepId }, { input, next: isEnd ? null : place.state }, 1);
};

/** `next` is the state that waits for the answers, null where a scope's end does: where the cursor goes back to. */
export const scheduleEvaluation = (
  turn: Turn,
  at: AtStep,
  { input, next }: { readonly input: Json; readonly next: string | null },
  attempt: number,
): void =>
  turn.emit({
    type: 'step.scheduled',
    stepId: at.stepId,
    scope: at.scope,
    state: at.state,
    visit: at.visit,
    attempt,
    action: 'expression.evaluate',
    target: 'evaluator',
    input,
    outputValidation: 'warn',
    resultPath: [],
    next,
  });
