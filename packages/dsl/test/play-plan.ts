/** Plays a plan with the real engine and the real evaluator: agents answer what the test gives them. */
import { createHash } from 'node:crypto';
import {
  type Command,
  decide,
  evolve,
  initialState,
  type Json,
  type Plan,
  type RunEvent,
  type RunState,
  runStatus,
  stepError,
} from '@signalbox/engine';
import { createBudgets, createStarlark, expressionLimits } from '@signalbox/starlark-wasm';

const { newBudget, beginBatch } = createBudgets(createStarlark(), expressionLimits.maxFuel);
const runLimits = { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 };
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `undefined`: the attempt fails. */
export type Answer = (agent: string) => Json | undefined;

export interface Played {
  readonly status: string;
  /** What each agent was given, in the order in which it was. */
  readonly given: readonly { readonly agent: string; readonly input: Json }[];
  /** Of the failures that no author's `optional` or `catch` stands for. */
  readonly failures: readonly string[];
}

const failureOf = (event: RunEvent): readonly string[] =>
  event.type === 'state.failed' && event.error.code !== 'AGENT_ERROR'
    ? [`${event.state}: ${event.error.code} ${event.error.message}`]
    : [];

export const playPlan = (plan: Plan, input: Json, answer: Answer): Played => {
  const limits = { resultBytes: 512 * 1024, inputBytes: 512 * 1024 };
  const world = { now: 0, plan, limits, runLimits, childRunCount: () => 0, digest, violations: () => [] };
  const given: { agent: string; input: Json }[] = [];
  const failures: string[] = [];
  const waiting: Command[] = [
    {
      type: 'start',
      runId: 'run-1',
      workflow: { id: plan.id, version: 1, digest: 'd' },
      workspace: 'default',
      input,
      actor: 'user:test',
      pins: { agents: {} },
    },
  ];
  let state: RunState = initialState;
  for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
    beginBatch();
    const decision = decide(state, command, { ...world, budget: newBudget() });
    // A branch that came too late for a join has been cancelled.
    if (decision.kind !== 'accepted' && decision.code === 'STALE_ATTEMPT') continue;
    if (decision.kind !== 'accepted') throw new Error(`refused: ${JSON.stringify(decision)}`);
    for (const event of decision.events) {
      state = evolve(state, { seq: state.seq + 1, at: 0, event });
      failures.push(...failureOf(event));
      if (event.type !== 'step.scheduled') continue;
      const { stepId, attempt } = event;
      const agent = String((event.input as { agent?: Json }).agent);
      given.push({ agent, input: event.input });
      const output = answer(agent);
      waiting.push(
        output === undefined
          ? {
              type: 'step_failed',
              stepId,
              attempt,
              error: { ...stepError('AGENT_ERROR', 'no'), retryable: false },
            }
          : { type: 'step_succeeded', stepId, attempt, output },
      );
    }
  }
  return { status: state.kind === 'run' ? runStatus(state) : 'NONE', given, failures };
};
