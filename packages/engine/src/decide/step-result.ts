/** What workers and agents report about an attempt. */
import type { Command } from '../command.js';
import { bounded, type StepError, stepError } from '../error.js';
import { answersIn, evaluationTask, isComplete } from '../evaluation.js';
import type { RunEvent } from '../event.js';
import { boundedWarnings } from '../excerpt.js';
import type { Json } from '../json.js';
import type { Run, Step } from '../run-state.js';
import { advance } from './advance.js';
import { afterFailedAttempt } from './follow.js';
import { isOver, notActive, type Refused, refuse } from './refusal.js';
import { evaluationTooLarge, resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * The fence: a report counts only for the attempt that is in a worker's hands now. One that is late, doubled, or from
 * a step that has gone another way is refused.
 */
export const refusalOfReport = (
  run: Run,
  { stepId, attempt }: { readonly stepId: string; readonly attempt: number },
): Refused | undefined => {
  if (isOver(run)) return notActive(run);
  const step = run.steps.get(stepId);
  const isWork = step?.kind === 'operation' || step?.kind === 'evaluation';
  if (step === undefined || step.action === 'human.approval' || !isWork)
    return refuse('STEP_NOT_FOUND', `run ${run.started.runId} has no step ${stepId} that a worker executes`);
  if (step.attempt === attempt && step.open?.kind === 'dispatched') return undefined;
  return refuse(
    'STALE_ATTEMPT',
    `attempt ${attempt} of step ${stepId} ("${step.state}") is over: ${stand(step)}`,
  );
};

const stand = (step: Step): string => {
  if (step.open?.kind === 'dispatched') return `attempt ${step.attempt} is under way`;
  if (step.open?.kind === 'retrying') return `attempt ${step.attempt + 1} is to come`;
  return `the step is ${step.status}`;
};

/** An attempt that was begun so often without coming to an end takes its workers with it. */
const maxBegunCount = 5;

export const stepStarted = (turn: Turn, report: Of<'step_started'>): void => {
  const command = atPossibleInstant(turn, report);
  const { stepId, attempt, beginning, replaces, startedAt, worker } = command;
  const step = turn.step(stepId);
  const beginnings = step.beginnings ?? [];
  if (beginnings.includes(beginning)) return;
  const isReplaced = replaces !== undefined && beginnings.includes(replaces);
  if (beginnings.length >= maxBegunCount && !isReplaced) {
    const message = `attempt ${attempt} was begun ${maxBegunCount} times, the last time by ${step.worker}, and no worker brought it to an end`;
    failAttempt(turn, command, stepError('POISON_MESSAGE', message));
    return;
  }
  const begun = { type: 'step.started', stepId, attempt, beginning, startedAt, worker } as const;
  turn.emit(isReplaced ? { ...begun, replaces } : begun);
};

/** Of what is not on record nothing can be taken back. */
export const stepGivenBack = (
  turn: Turn,
  { stepId, attempt, beginning, worker }: Of<'step_given_back'>,
): void => {
  if (turn.step(stepId).beginnings?.includes(beginning) === true)
    turn.emit({ type: 'step.given_back', stepId, attempt, beginning, worker });
};

interface Reporter {
  readonly startedAt?: number;
  readonly worker?: string;
}

/** A worker's clock may be wrong, and a worker may say anything: nothing has begun before it was scheduled, or after now. */
const atPossibleInstant = <R extends Reporter & { readonly stepId: string }>(turn: Turn, report: R): R => {
  const { startedAt, stepId } = report;
  if (startedAt === undefined) return report;
  const { now } = turn.world;
  const possible = Number.isSafeInteger(startedAt)
    ? Math.min(Math.max(startedAt, turn.step(stepId).scheduledAt), now)
    : now;
  return possible === startedAt ? report : { ...report, startedAt: possible };
};

const reporter = ({ startedAt, worker }: Reporter): Reporter => {
  if (startedAt === undefined) return worker === undefined ? {} : { worker };
  return worker === undefined ? { startedAt } : { startedAt, worker };
};

const successOf = (command: Of<'step_succeeded'>): RunEvent => {
  const { stepId, attempt, startedAt, worker, output, warnings } = command;
  const type = 'step.succeeded';
  const hasWarnings = warnings !== undefined && warnings.length > 0;
  // What nearly every step says, as one literal: V8 makes it many times faster than one with parts spread into it.
  if (startedAt !== undefined && worker !== undefined && !hasWarnings)
    return { type, stepId, attempt, startedAt, worker, output };
  return {
    type,
    stepId,
    attempt,
    ...reporter(command),
    output,
    ...(hasWarnings ? { warnings: boundedWarnings(warnings) } : {}),
  };
};

export const stepSucceeded = (turn: Turn, report: Of<'step_succeeded'>): void => {
  const command = atPossibleInstant(turn, report);
  const { stepId, output } = command;
  const { state, open, kind } = turn.step(stepId);
  if (kind === 'evaluation' && open?.kind === 'dispatched') {
    evaluated(turn, command, open.input);
    return;
  }
  const problem =
    open?.kind === 'dispatched' ? resultProblem(turn.world, state, output, open.resultPath) : undefined;
  if (problem !== undefined) {
    failAttempt(turn, command, problem);
    return;
  }
  turn.emit(successOf(command));
  advance(turn);
};

/** A worker has evaluated what a state asks. A report without the answers is the worker's failure. */
const evaluated = (turn: Turn, command: Of<'step_succeeded'>, input: Json): void => {
  const task = evaluationTask(input);
  const what = `what the expressions of state "${turn.step(command.stepId).state}" give`;
  const answers = answersIn(command.output);
  const values = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  const { resultBytes } = turn.world.limits;
  const problem = evaluationTooLarge(what, values, command.output, resultBytes);
  if (problem !== undefined) {
    failAttempt(turn, command, problem);
    return;
  }
  if (task === undefined || !isComplete(answers, task)) {
    failAttempt(turn, command, stepError('INTERNAL', 'the report lacks answers'));
    return;
  }
  turn.emit(successOf(command));
  advance(turn);
};

export const stepFailed = (turn: Turn, command: Of<'step_failed'>): void =>
  failAttempt(turn, atPossibleInstant(turn, command), command.error);

/** An attempt has failed, by its worker's word or because its time was up. */
export const failAttempt = (
  turn: Turn,
  report: Reporter & { readonly stepId: string; readonly attempt: number },
  cause: StepError,
): void => {
  const error = bounded(cause);
  const { stepId, attempt } = report;
  turn.emit({ type: 'step.failed', stepId, attempt, ...reporter(report), error });
  afterFailedAttempt(turn, stepId, error);
  advance(turn);
};
