/** What workers and agents report about an attempt. */
import type { Command } from '../command.js';
import { spreadProblem } from '../context.js';
import { type StepError, stepError } from '../error.js';
import type { Run, Step } from '../run-state.js';
import { advance } from './advance.js';
import { afterFailedAttempt } from './follow.js';
import { isOver, notActive, type Refused, refuse } from './refusal.js';
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
  if (step === undefined || step.action === 'human.approval' || step.kind !== 'operation')
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

export const stepStarted = (turn: Turn, command: Of<'step_started'>): void => {
  const { stepId, attempt, startedAt, worker } = command;
  const step = turn.step(stepId);
  if (step.status === 'RUNNING' && step.worker === worker && step.startedAt === startedAt) return;
  turn.emit({ type: 'step.started', stepId, attempt, startedAt, worker });
};

const reporter = (command: {
  readonly startedAt?: number;
  readonly worker?: string;
}): { readonly startedAt?: number; readonly worker?: string } => ({
  ...(command.startedAt === undefined ? {} : { startedAt: command.startedAt }),
  ...(command.worker === undefined ? {} : { worker: command.worker }),
});

export const stepSucceeded = (turn: Turn, command: Of<'step_succeeded'>): void => {
  const { stepId, attempt, output, warnings } = command;
  const open = turn.step(stepId).open;
  const spreads = open?.kind === 'dispatched' && open.resultPath.length === 0;
  const problem = spreads ? spreadProblem(output) : undefined;
  if (problem !== undefined) {
    failAttempt(turn, command, stepError('TEMPLATE_ERROR', `the output could not be kept: ${problem}`));
    return;
  }
  turn.emit({
    type: 'step.succeeded',
    stepId,
    attempt,
    ...reporter(command),
    output,
    ...(warnings === undefined || warnings.length === 0 ? {} : { warnings }),
  });
  advance(turn);
};

export const stepFailed = (turn: Turn, command: Of<'step_failed'>): void =>
  failAttempt(turn, command, command.error);

/** An attempt has failed, by its worker's word or because its time was up. */
export const failAttempt = (
  turn: Turn,
  report: {
    readonly stepId: string;
    readonly attempt: number;
    readonly startedAt?: number;
    readonly worker?: string;
  },
  error: StepError,
): void => {
  const { stepId, attempt } = report;
  turn.emit({ type: 'step.failed', stepId, attempt, ...reporter(report), error });
  afterFailedAttempt(turn, stepId, error);
  advance(turn);
};
