/**
 * The rules of a run. The only place that says what may happen and what follows from it.
 *
 * 1. Pure: asks nothing but `world`, and leaves its arguments as they are.
 * 2. A refusal changes nothing and is a value, not an exception.
 * 3. After an accepted command every scope waits for something outside, or the run is paused, over, or has yielded.
 *
 * Rollback, checkpoints and the retry of an ended run have their place here as further commands.
 */
import type { Command } from '../command.js';
import type { Run, RunState } from '../run-state.js';
import type { World } from '../world.js';
import { approvalDecided, approvalNotFound, refusalOfDecision } from './approval-decision.js';
import {
  cancel,
  endChild,
  giveUp,
  pause,
  receiveSignal,
  refusalOfChildEnd,
  refusalOfControl,
  refusalOfSignal,
  refusalOfStart,
  resume,
  start,
} from './control.js';
import { refusalOfTimer, timerFired } from './fired-timer.js';
import { type Decision, type Refused, refuse } from './refusal.js';
import { refusalOfReport, stepFailed, stepGivenBack, stepStarted, stepSucceeded } from './step-result.js';
import { Turn } from './turn.js';

/** The events are to be recorded at `world.now`, in this order, behind the state's last event, all or none. */
export const decide = (state: RunState, command: Command, world: World): Decision => {
  const refusal = refusalOf(state, command, world);
  if (refusal !== undefined) return refusal;
  const turn = new Turn(state, world);
  carryOut(turn, command);
  return { kind: 'accepted', events: turn.events, states: turn.states };
};

const refusalOf = (state: RunState, command: Command, world: World): Refused | undefined => {
  if (state.kind === 'none')
    return command.type === 'start'
      ? refusalOfStart(command, world)
      : refuse('RUN_NOT_FOUND', 'there is no such run');
  return refusalByRun(state, command, world);
};

const refusalByRun = (run: Run, command: Command, world: World): Refused | undefined => {
  switch (command.type) {
    case 'start':
      return refuse('RUN_ALREADY_STARTED', `run ${run.started.runId} has started already`);
    case 'step_started':
    case 'step_given_back':
    case 'step_succeeded':
    case 'step_failed':
      return refusalOfReport(run, command);
    case 'approval_decision':
      return refusalOfDecision(run, command, world);
    case 'approval_refusal':
      return run.approvals.has(command.approvalId) ? undefined : approvalNotFound(run, command.approvalId);
    case 'timer_fired':
      return refusalOfTimer(run, command.purpose);
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'give_up':
      return refusalOfControl(run, command);
    case 'signal':
      return refusalOfSignal(run, command, world);
    case 'child_ended':
      return refusalOfChildEnd(run, command);
  }
};

const carryOut = (turn: Turn, command: Command): void => {
  switch (command.type) {
    case 'start':
      start(turn, command);
      break;
    case 'step_started':
      stepStarted(turn, command);
      break;
    case 'step_given_back':
      stepGivenBack(turn, command);
      break;
    case 'step_succeeded':
      stepSucceeded(turn, command);
      break;
    case 'step_failed':
      stepFailed(turn, command);
      break;
    case 'approval_decision':
      approvalDecided(turn, command);
      break;
    case 'approval_refusal': {
      const { approvalId, actor, code, message } = command;
      turn.emit({ type: 'approval.decision_refused', approvalId, actor, code, message });
      break;
    }
    case 'timer_fired':
      timerFired(turn, command.purpose);
      break;
    case 'pause':
      pause(turn, command);
      break;
    case 'resume':
      resume(turn, command);
      break;
    case 'cancel':
      cancel(turn, command);
      break;
    case 'give_up':
      giveUp(turn, command);
      break;
    case 'signal':
      receiveSignal(turn, command);
      break;
    case 'child_ended':
      endChild(turn, command);
      break;
  }
};
