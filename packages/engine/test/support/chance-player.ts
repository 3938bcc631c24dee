/** Plays a run with outcomes that are drawn: workers fail, people reject, timers fire at any moment, operators interfere. */
import {
  type Command,
  type Decision,
  evaluationTask,
  type Json,
  type PendingDispatch,
  pendingDispatches,
  type RunState,
  runStatus,
  stepError,
  type Timer,
  timers,
} from '../../src/index.js';
import { evaluated } from './evaluator.js';
import {
  approve,
  cancel,
  failed,
  fired,
  Player,
  pause,
  reject,
  resume,
  signalled,
  succeeded,
} from './scenario.js';

type Draw = (below: number) => number;

export class ChancePlayer extends Player {
  #signalCount = 0;
  /** Called with each command and what came of it. */
  onDecision: (before: RunState, command: Command, decision: Decision) => void = () => undefined;

  /** Whether expressions fit into a decision is drawn from here on; the same for the same moment of the run. */
  drawBudgets(drawAt: (moment: number) => Draw): void {
    this.newFits = () => {
      const draw = drawAt(this.history.length);
      return () => {
        const drawn = draw(10);
        return drawn < 6 ? true : drawn < 8 ? 'later' : 'never';
      };
    };
  }

  override send(command: Command): Decision {
    const before = this.state;
    const decision = super.send(command);
    this.onDecision(before, command, decision);
    return decision;
  }

  get isOver(): boolean {
    return (
      this.state.kind === 'run' && this.state.phase.kind !== 'running' && this.state.phase.kind !== 'paused'
    );
  }

  /** One move of the outside world. */
  move(draw: Draw): void {
    this.now += draw(2_000);
    this.send(this.#drawn(draw));
  }

  #drawn(draw: Draw): Command {
    const pending = pendingDispatches(this.state);
    const set = timers(this.state);
    const kind = draw(20);
    const dispatch = pending[draw(Math.max(1, pending.length))];
    const timer = set[draw(Math.max(1, set.length))];
    if (kind < 12 && dispatch !== undefined) return answerTo(dispatch, draw);
    if (kind < 16 && timer !== undefined && (timer.purpose.kind !== 'run_timeout' || draw(10) === 0))
      return fired(timer.purpose);
    if (kind === 16) return draw(5) === 0 ? cancel : pause;
    if (kind === 17) return resume;
    if (kind === 18) return this.#signal();
    return this.#stale(draw) ?? this.#signal();
  }

  /** A result that was delivered once already. */
  #stale(draw: Draw): Command | undefined {
    const ended = this.history.filter(({ event }) => event.type === 'step.succeeded');
    const event = ended[draw(Math.max(1, ended.length))]?.event;
    return event?.type === 'step.succeeded' ? succeeded(event.stepId, 'late', event.attempt) : undefined;
  }

  #signal(): Command {
    this.#signalCount += 1;
    return signalled('go', `s${this.#signalCount}`);
  }

  /** Everything goes well from here on; gives the number of moves that it took. */
  finish(): number {
    let moves = 0;
    for (; !this.isOver && moves < 5_000; moves += 1) {
      this.now += 10_000;
      this.send(this.#wellMeant());
    }
    return moves;
  }

  #wellMeant(): Command {
    if (runStatus(this.state) === 'PAUSED') return resume;
    const [dispatch] = pendingDispatches(this.state);
    if (dispatch !== undefined) return answerTo(dispatch, () => 5, `user:${this.now}`);
    const due = timers(this.state).find(
      (timer: Timer) => !['run_timeout', 'signal_timeout'].includes(timer.purpose.kind),
    );
    return due === undefined ? this.#signal() : fired(due.purpose);
  }
}

const evaluatedBy = (input: Json): Json => {
  const task = evaluationTask(input);
  if (task === undefined) throw new Error('this is no evaluation');
  return evaluated(task);
};

const answerTo = (dispatch: PendingDispatch, draw: Draw, actor = `user:${draw(3)}`): Command => {
  const outcome = draw(10);
  switch (dispatch.type) {
    case 'dispatch_step':
      if (outcome === 0)
        return {
          type: 'step_started',
          beginning: 'b',
          stepId: dispatch.stepId,
          attempt: dispatch.attempt,
          startedAt: 1,
          worker: 'w',
        };
      if (outcome === 1) return failed(dispatch.stepId, 'PROVIDER_AUTH', dispatch.attempt);
      if (outcome < 4) return failed(dispatch.stepId, 'AGENT_ERROR', dispatch.attempt);
      if (dispatch.action === 'expression.evaluate')
        return succeeded(dispatch.stepId, evaluatedBy(dispatch.input), dispatch.attempt);
      return succeeded(dispatch.stepId, outcome === 4 ? 'text' : { out: dispatch.attempt }, dispatch.attempt);
    case 'request_approval':
      return outcome < 2
        ? reject(dispatch.request.approvalId, actor)
        : approve(dispatch.request.approvalId, actor);
    case 'start_child':
      return {
        type: 'child_ended',
        stepId: dispatch.stepId,
        childRunId: dispatch.childRunId,
        outcome:
          outcome < 3
            ? { ok: false, error: stepError('TOOL_ERROR', 'child broke') }
            : { ok: true, output: { from: 'child' } },
      };
  }
};
