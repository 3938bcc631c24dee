/**
 * Specs that read as sentences: `given(commands so far).when(command).thenEvents(events)`.
 *
 * A command is written with the name of a state; the scenario finds the step. What is given must be accepted.
 */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Command,
  type Decision,
  decide,
  type Effect,
  evolve,
  initialState,
  type Json,
  type Limits,
  type Plan,
  type RecordedEvent,
  type RunEvent,
  type RunLimits,
  type RunState,
  react,
  runStatus,
  type StepErrorCode,
  stepError,
  stepIdOf,
  type World,
} from '../../src/index.js';
import { budgetOf } from './evaluator.js';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Knows `type` and `required`, which is enough to tell a payload that fits from one that does not. */
const violations = (schema: Json, value: Json): readonly string[] => {
  const { type, required } = schema as { type?: string; required?: readonly string[] };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'object' && !isObject) return ['it must be an object'];
  return (required ?? []).filter((key) => !(isObject && key in value)).map((key) => `it must have ${key}`);
};

export const runId = 'run-1';
export const startTime = Date.UTC(2030, 0, 1);

/** The step of a state in a scope such as `check_all/3`; for items the index is read from the scope. */
export const stepId = (state: string, scope = '', visit = 1): string => {
  const parts = scope.split('/');
  const index = parts.findLast((part, at) => at % 2 === 1 && /^\d+$/.test(part));
  const foreachIndex = index === undefined ? undefined : Number(index);
  return stepIdOf({ runId, state, scope, foreachIndex, visit }, digest);
};

export const start = (input: Json = {}): Command => ({
  type: 'start',
  runId,
  workflow: { id: 'wf', version: 3, digest: 'abc' },
  workspace: 'default',
  input,
  actor: 'user:alice',
  pins: { agents: { helper: 1 } },
});

export const succeeded = (id: string, output: Json = { done: true }, attempt = 1): Command => ({
  type: 'step_succeeded',
  stepId: id,
  attempt,
  startedAt: startTime,
  worker: 'w1',
  output,
});

export const failed = (id: string, code: StepErrorCode = 'AGENT_ERROR', attempt = 1): Command => ({
  type: 'step_failed',
  stepId: id,
  attempt,
  worker: 'w1',
  error: stepError(code, 'it broke'),
});

export const approve = (
  id: string,
  actor = 'user:bob',
  extra: { comment?: string; data?: Json } = {},
): Command => ({
  type: 'approval_decision',
  approvalId: id,
  decision: 'approve',
  actor,
  ...extra,
});

export const reject = (id: string, actor = 'user:bob', comment?: string): Command => ({
  type: 'approval_decision',
  approvalId: id,
  decision: 'reject',
  actor,
  ...(comment === undefined ? {} : { comment }),
});

export const fired = (purpose: Extract<Command, { type: 'timer_fired' }>['purpose']): Command => ({
  type: 'timer_fired',
  purpose,
});

export const pause: Command = { type: 'pause', actor: 'user:ops' };
export const resume: Command = { type: 'resume', actor: 'user:ops' };
export const cancel: Command = { type: 'cancel', actor: 'user:ops', reason: 'enough' };

export const signalled = (name: string, signalId: string, payload: Json = { ok: true }): Command => ({
  type: 'signal',
  signal: name,
  signalId,
  payload,
  actor: 'service:ci',
});

export const amplyLimited: Limits = { resultBytes: 512 * 1024, inputBytes: 512 * 1024 };

/** A run that is played by commands: what was recorded, and what was to be done about it. */
export class Player {
  state: RunState = initialState;
  now = startTime;
  readonly history: RecordedEvent[] = [];
  readonly effects: Effect[] = [];

  /** Makes, for each decision, what says whether the next expression fits into it. */
  newFits: () => Parameters<typeof budgetOf>[0] = () => undefined;
  runLimits: RunLimits = { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 };
  /** Of the run's family, before each decision. */
  childRunCount: World['childRunCount'] = () =>
    this.history.filter(({ event }) => event.type === 'state.entered' && event.kind === 'workflow').length;

  constructor(
    readonly plan: Plan,
    readonly limits: Limits = amplyLimited,
  ) {}

  get world(): World {
    const { now, plan, limits, runLimits, childRunCount } = this;
    return {
      now,
      plan,
      limits,
      runLimits,
      childRunCount,
      budget: budgetOf(this.newFits()),
      digest,
      violations,
    };
  }

  send(command: Command): Decision {
    const decision = decide(this.state, command, this.world);
    if (decision.kind === 'accepted') for (const event of decision.events) this.record(event);
    return decision;
  }

  record(event: RunEvent, at = this.now): void {
    const recorded = { seq: this.state.seq + 1, at, event };
    this.state = evolve(this.state, recorded);
    this.history.push(recorded);
    this.effects.push(...react(this.state, recorded));
  }

  play(...commands: readonly Command[]): this {
    for (const command of commands) {
      const decision = this.send(command);
      if (decision.kind === 'refused') throw new Error(`${command.type} was refused: ${decision.message}`);
      this.now += 1_000;
    }
    return this;
  }

  /** Lets the run go on until it waits for something else than its turn; gives the counts of events of its turns. */
  goOn(): number[] {
    const counts: number[] = [];
    while (this.history.at(-1)?.event.type === 'run.yielded') {
      const before = this.history.length;
      this.play(fired({ kind: 'yield_over' }));
      counts.push(this.history.length - before);
    }
    return counts;
  }

  get status(): string {
    return runStatus(this.state);
  }
}

interface Outcome {
  /** The events are exactly these; of each, the fields that are written here. */
  thenEvents(...events: readonly (Partial<RunEvent> & { readonly type: RunEvent['type'] })[]): Player;
  thenRefused(code: string): void;
  thenTypes(...types: readonly RunEvent['type'][]): Player;
}

export const given = (plan: Plan, ...commands: readonly Command[]): { when(command: Command): Outcome } => ({
  when: (command) => {
    const player = new Player(plan).play(...commands);
    const effectsBefore = player.effects.length;
    const decision = player.send(command);
    // Later expectations are about what this command brought about.
    player.effects.splice(0, effectsBefore);
    return outcomeOf(player, decision);
  },
});

const outcomeOf = (player: Player, decision: Decision): Outcome => {
  const accepted = (): readonly RunEvent[] => {
    if (decision.kind === 'refused') throw new Error(`refused: ${decision.code} ${decision.message}`);
    return decision.events;
  };
  return {
    thenEvents: (...events) => {
      const actual = accepted();
      expect(actual.map(({ type }) => type)).toEqual(events.map(({ type }) => type));
      expect(actual).toMatchObject(events);
      return player;
    },
    thenTypes: (...types) => {
      expect(accepted().map(({ type }) => type)).toEqual(types);
      return player;
    },
    thenRefused: (code) => expect(decision).toMatchObject({ kind: 'refused', code }),
  };
};
