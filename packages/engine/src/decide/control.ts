/** What operators and other systems ask of a run: start, pause, resume, cancel, signal; and the end of a child run. */
import { canonicalJson } from '../canonical-json.js';
import type { Command } from '../command.js';
import { cut, listed, maxMessageLength } from '../excerpt.js';
import type { ScopePlan, SignalPlan } from '../plan.js';
import type { Run } from '../run-state.js';
import type { World } from '../world.js';
import { advance } from './advance.js';
import { endRun } from './cancel.js';
import { deliverKeptSignal } from './deliver-signal.js';
import { placeOf } from './failure.js';
import { endOfFailed, failState } from './follow.js';
import { countedEvents, limitsOf } from './limits.js';
import { isOver, notActive, type Refused, refuse } from './refusal.js';
import { inputTooLarge, resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

export const start = (turn: Turn, command: Of<'start'>): void => {
  const { runId, workflow, workspace, input, actor, pins, idempotencyKey, parent, root } = command;
  const { plan, now } = turn.world;
  turn.emit({
    type: 'run.started',
    runId,
    workflow,
    workspace,
    input,
    startedBy: actor,
    pins,
    limits: limitsOf(plan, turn.world.runLimits, command.maxFamilyRuns),
    start: plan.root.start,
    ...(plan.timeoutMs === undefined ? {} : { timeoutAt: now + plan.timeoutMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(parent === undefined ? {} : { parent }),
    ...(root === undefined ? {} : { root }),
  });
  advance(turn);
};

export const refusalOfStart = (command: Of<'start'>, world: World): Refused | undefined => {
  const error = inputTooLarge(world, 'the input', command.input);
  return error === undefined ? undefined : refuse('PAYLOAD_TOO_LARGE', error.message);
};

export const refusalOfControl = (
  run: Run,
  command: Of<'pause' | 'resume' | 'cancel' | 'give_up'>,
): Refused | undefined => {
  if (isOver(run)) return notActive(run);
  const { runId } = run.started;
  const isPaused = run.phase.kind === 'paused';
  if (command.type === 'pause' && isPaused)
    return refuse('RUN_ALREADY_PAUSED', `run ${runId} is paused already`);
  if (command.type === 'resume' && !isPaused) return refuse('RUN_NOT_PAUSED', `run ${runId} is not paused`);
  return undefined;
};

export const pause = (turn: Turn, { actor, reason }: Of<'pause'>): void =>
  turn.emit({ type: 'run.paused', actor, ...(reason === undefined ? {} : { reason }) });

export const resume = (turn: Turn, { actor }: Of<'resume'>): void => {
  turn.emit({ type: 'run.resumed', actor });
  advance(turn);
};

export const cancel = (turn: Turn, { actor, reason }: Of<'cancel'>): void => {
  endRun(turn, { type: 'run.cancelled', actor, ...(reason === undefined ? {} : { reason }) });
};

/** Everything in flight is taken back, and the run fails without a state that did. */
export const giveUp = (turn: Turn, { error }: Of<'give_up'>): void => {
  endRun(turn, endOfFailed(turn, { error }));
};

/**
 * A payload must fit every state that waits for a signal of this name, so that it can be kept and delivered to
 * whichever comes first.
 */
export const refusalOfSignal = (run: Run, command: Of<'signal'>, world: World): Refused | undefined => {
  const { signal, payload } = command;
  const tooLarge = inputTooLarge(world, `the payload of signal "${signal}"`, payload);
  const repeated = refusalOfRepeatedSignal(run, command, world, tooLarge !== undefined);
  if (repeated !== undefined) return repeated;
  if (isOver(run)) return notActive(run);
  const full = noRoomForSignal(run);
  if (full !== undefined) return refuse('SIGNAL_LIMIT', full);
  if (tooLarge !== undefined) return refuse('PAYLOAD_TOO_LARGE', tooLarge.message);
  const all = signalStates(world.plan.root);
  const waiting = all.filter((state) => state.signal === signal);
  if (waiting.length === 0) return unknownSignal(signal, all);
  for (const { name, schema } of waiting) {
    const violations = schema === undefined ? [] : world.violations(schema, payload);
    if (violations.length > 0)
      return refuse(
        'SIGNAL_PAYLOAD_INVALID',
        `the payload does not fit the schema of state "${name}", which waits for "${signal}": ${listed(violations)}`,
      );
  }
  return undefined;
};

const digestOfSignal = ({ signal, payload }: Of<'signal'>, world: World): string =>
  world.digest(canonicalJson([signal, payload]));

/** The same signal sent again has been received, whatever has become of the run since; another under its id is none. */
const refusalOfRepeatedSignal = (
  run: Run,
  command: Of<'signal'>,
  world: World,
  isTooLarge: boolean,
): Refused | undefined => {
  const { signalId } = command;
  const known = run.signals.seen.get(signalId);
  if (known === undefined) return undefined;
  return !isTooLarge && known === digestOfSignal(command, world)
    ? refuse('SIGNAL_ALREADY_RECEIVED', `signal ${signalId} has been received already`)
    : refuse('SIGNAL_ID_REUSED', `another signal has been received under the id ${signalId}`);
};

/** Signals that no state has taken yet. */
const maxKeptSignals = 1_000;

/** A run that is paused, or waits for another signal, takes no more than it can hold. */
const noRoomForSignal = (run: Run): string | undefined => {
  const { runId, limits } = run.started;
  let keptCount = 0;
  for (const kept of run.signals.kept.values()) keptCount += kept.size;
  if (keptCount >= maxKeptSignals)
    return `run ${runId} keeps ${keptCount} signals that no state has taken yet`;
  return countedEvents(run) >= limits.maxEvents
    ? `run ${runId} has ${countedEvents(run)} events, and its limit (maxEvents) is ${limits.maxEvents}`
    : undefined;
};

/** Kept for ever, a misspelt signal would be a run that waits for ever. */
const unknownSignal = (signal: string, all: readonly SignalPlan[]): Refused => {
  const names = [...new Set(all.map((state) => state.signal))];
  const known =
    names.length === 0
      ? 'it waits for no signal'
      : `it waits for: ${cut(names.join(', '), maxMessageLength)}`;
  return refuse('SIGNAL_UNKNOWN', `no state of this workflow waits for the signal "${signal}"; ${known}`);
};

const signalStates = (scope: ScopePlan): readonly SignalPlan[] =>
  Object.values(scope.states).flatMap((state) => {
    if (state.type === 'signal') return [state];
    if (state.type === 'foreach') return signalStates(state.iterator);
    if (state.type === 'parallel') return state.branches.flatMap((branch) => signalStates(branch.scope));
    return [];
  });

export const receiveSignal = (turn: Turn, command: Of<'signal'>): void => {
  const { signal, signalId, payload, actor } = command;
  const digest = digestOfSignal(command, turn.world);
  turn.emit({ type: 'signal.received', signal, signalId, payload, digest, actor });
  deliverKeptSignal(turn, signal);
  advance(turn);
};

export const refusalOfChildEnd = (run: Run, command: Of<'child_ended'>): Refused | undefined => {
  if (isOver(run)) return notActive(run);
  const { stepId, childRunId } = command;
  const step = run.steps.get(stepId);
  if (step === undefined || step.childRunId !== childRunId)
    return refuse(
      'STEP_NOT_FOUND',
      `run ${run.started.runId} has no step ${stepId} with child run ${childRunId}`,
    );
  return step.open?.kind === 'workflow'
    ? undefined
    : refuse(
        'STALE_ATTEMPT',
        `step ${stepId} ("${step.state}") is ${step.status}: it waits for no child run`,
      );
};

export const endChild = (turn: Turn, command: Of<'child_ended'>): void => {
  const { stepId, childRunId, outcome } = command;
  const step = turn.step(stepId);
  if (step.open?.kind !== 'workflow') return;
  const { workflow, resultPath, next } = step.open;
  const at = placeOf(step);
  if (!outcome.ok) {
    const message = `child run ${childRunId} of workflow "${workflow}" failed: ${outcome.error.message}`;
    failState(turn, at, 'workflow', { ...outcome.error, message });
  } else {
    const { output } = outcome;
    const problem = resultProblem(turn.world, step.state, output, resultPath);
    if (problem !== undefined) failState(turn, at, 'workflow', problem);
    else turn.emit({ type: 'state.completed', ...at, kind: 'workflow', next, output, resultPath });
  }
  advance(turn);
};
