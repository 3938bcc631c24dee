/**
 * One decision under way: the events so far and the state that they have made. Lives as long as one call of `decide`
 * and is the only thing there that changes.
 *
 * 1. Every event goes through `emit`, so the rules see at each moment what `evolve` will make of the history.
 * 2. `budget` bounds how many states one decision enters, forks and takes back; what is left over waits for `run.yielded`.
 */
import type { AtStep, RunEvent, ScopePath } from '../event.js';
import { evolve } from '../evolve/evolve.js';
import { InvariantViolation, required } from '../invariant-violation.js';
import type { ScopePlan, StatePlan } from '../plan.js';
import type { Join, Run, RunState, Scope, Step } from '../run-state.js';
import { stepIdOf } from '../step-id.js';
import type { World } from '../world.js';

/** What one decision may do, so that it and what follows from it take some milliseconds. */
const workPerDecision = 48;
/** Of a state entry, or a fork. */
const entryWork = 3;
/** Of a child that is taken back. */
const cancelWork = 1;
const bytesPerEntry = 8_192;

export class Turn {
  readonly events: RunEvent[] = [];
  /** After each of the events. */
  readonly states: RunState[] = [];
  #state: RunState;
  #budget = workPerDecision;
  #hasYielded = false;
  /** Something was evaluated: what does not fit now may fit another time. */
  hasEvaluated = false;

  constructor(
    state: RunState,
    readonly world: World,
  ) {
    this.#state = state;
  }

  get run(): Run {
    if (this.#state.kind === 'none') throw new InvariantViolation('the run has not started');
    return this.#state;
  }

  get budget(): number {
    return this.#budget;
  }

  /** `bytes` is what had to be written for it: large values are work too. */
  spend(bytes = 0): void {
    this.#budget -= entryWork * (1 + Math.floor(bytes / bytesPerEntry));
  }

  spendOnCancel(): void {
    this.#budget -= cancelWork;
  }

  get hasYielded(): boolean {
    return this.#hasYielded;
  }

  /** Lets other runs go first; a timer that is due now brings this one back. */
  yieldToOthers(): void {
    this.#hasYielded = true;
    this.emit({ type: 'run.yielded' });
  }

  emit(event: RunEvent): void {
    this.#state = evolve(this.#state, { seq: this.#state.seq + 1, at: this.world.now, event });
    this.events.push(event);
    this.states.push(this.#state);
  }

  scope(path: ScopePath): Scope {
    return required(this.run.scopes.get(path), `scope "${path}"`);
  }

  step(stepId: string): Step {
    return required(this.run.steps.get(stepId), `step ${stepId}`);
  }

  join(stepId: string): Join {
    return required(this.run.joins.get(stepId), `join ${stepId}`);
  }

  /** The plan of a scope: the root's, or that of the branch or iterator it was forked from. */
  scopePlan(scope: Scope): ScopePlan {
    if (scope.parent === undefined) return this.world.plan.root;
    const { stepId, index } = scope.parent;
    const { scope: outer, state } = this.step(stepId);
    const plan = this.statePlan(this.scope(outer), state);
    if (plan.type === 'foreach') return plan.iterator;
    if (plan.type === 'parallel')
      return required(plan.branches[index], `branch ${index} of "${state}"`).scope;
    throw new InvariantViolation(`"${state}" is a ${plan.type} in the plan, and has children in the history`);
  }

  statePlan(scope: Scope, state: string): StatePlan {
    const plan = this.scopePlan(scope);
    const found = Object.hasOwn(plan.states, state) ? plan.states[state] : undefined;
    return required(found, `state "${state}" of scope "${scope.path}" in the plan`);
  }

  /** The step that entering a state of a scope would make. */
  placeFor(scope: Scope, state: string): AtStep {
    const visit = (scope.visits.get(state) ?? 0) + 1;
    const { path, foreachIndex } = scope;
    const { runId } = this.run.started;
    const stepId = stepIdOf({ runId, state, scope: path, foreachIndex, visit }, this.world.digest);
    return { stepId, scope: path, state, visit };
  }

  /** The plan of the state that a step executes. */
  planOf(step: Pick<Step, 'scope' | 'state'>): StatePlan {
    return this.statePlan(this.scope(step.scope), step.state);
  }
}
