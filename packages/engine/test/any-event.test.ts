/** Whatever authors, callers, workers and approvers say: what is decided of it is an event that every reader takes as it is. */
import { deepStrictEqual } from 'node:assert';
import {
  type ApprovalJudgement,
  ContractError,
  decodeEvent,
  decodeResumeMessage,
  decodeRunCommand,
  encodeApprovalJudgement,
  encodeChildEnded,
  encodeEvent,
  encodeRunCommand,
  encodeStepReport,
  type IncomingResume,
  type IncomingText,
  type RunCommand,
  type RunEventMessage,
  type StepReport,
  type WireMessage,
} from '@signalbox/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Command,
  type Decision,
  evolve,
  initialState,
  type Json,
  type Plan,
  type RecordedEvent,
  type RunEvent,
  type RunState,
  type ScopePlan,
  type StatePlan,
  snapshot,
  stepError,
} from '../src/index.js';
import { ChancePlayer } from './support/chance-player.js';
import { generatedInput, generatedPlan } from './support/generated-plan.js';
import { start } from './support/scenario.js';

const of = { workspace: 'default', runId: 'run-1' };
const decade = 10 * 365 * 24 * 3_600_000;

const oddText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\u001B[2J',
    '\u202E',
    '\uD800',
    'x\uDFFF',
    '😀'.repeat(3_000),
    'n'.repeat(20_000),
    '__proto__',
    'constructor',
    '"}',
    '\\u0000',
    '1969-12-31T23:59:59Z',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const oddNumber = fc.oneof(
  fc.constantFrom(-1, -0, 0.5, 9e15, 2 ** 53, 1e300, -1e300, 5e-324, 8.64e15, 8.64e15 + 1),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const { oddJson } = fc.letrec<{ oddJson: Json }>((tie) => ({
  oddJson: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    oddNumber,
    oddText,
    fc.array(tie('oddJson'), { maxLength: 3 }),
    fc
      .array(fc.tuple(oddText, tie('oddJson')), { maxLength: 3 })
      .map(
        (entries) =>
          JSON.parse(
            `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
          ) as Json,
      ),
  ),
}));
const oddInstant = fc.constantFrom<Json>(
  '1969-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999999999-23:59',
  '2030-02-30T00:00:00Z',
  '2030-01-01t00:00:00z',
  '',
  8.64e15,
  -1,
  null,
);

interface Draws {
  readonly text: () => string;
  readonly number: () => number;
  readonly json: () => Json;
  readonly instant: () => Json;
}

const drawn: fc.Arbitrary<Draws> = fc
  .tuple(
    fc.infiniteStream(oddText),
    fc.infiniteStream(oddNumber),
    fc.infiniteStream(oddJson),
    fc.infiniteStream(oddInstant),
  )
  .map(([texts, numbers, values, instants]) => ({
    text: () => texts.next().value as string,
    number: () => numbers.next().value as number,
    json: () => values.next().value as Json,
    instant: () => instants.next().value as Json,
  }));

const literal = (value: Json) => ({ kind: 'literal', value }) as const;

/** The same plan at the ends of what the language allows; what a template may give is anything. */
const oddState = (state: StatePlan, draws: Draws): StatePlan => {
  switch (state.type) {
    case 'operation': {
      const timeout = state.timeoutMs === undefined ? {} : { timeoutMs: decade };
      const retry = { ...state.retry, initialBackoffMs: decade, multiplier: 100, maxBackoffMs: decade };
      if (state.action !== 'human.approval')
        return { ...state, ...timeout, retry, input: literal({ agent: draws.text(), v: draws.json() }) };
      const odd = { message: draws.json(), quorum: draws.number(), approvers: [`user:${draws.text()}`] };
      const { quorum, ...usual } = odd;
      const input = literal({ ...usual, ...(draws.number() > 0 ? { quorum } : {}) });
      return { ...state, ...timeout, input };
    }
    case 'inject':
      return { ...state, data: literal(draws.json()) };
    case 'wait':
      return {
        ...state,
        until: draws.number() > 0 ? { instant: literal(draws.instant()) } : { delayMs: decade },
      };
    case 'signal':
      return state.timeoutMs === undefined ? state : { ...state, timeoutMs: decade };
    case 'workflow':
      return { ...state, input: literal(draws.json()) };
    case 'parallel': {
      const branches = state.branches.map(({ name, scope }) => ({ name, scope: oddScope(scope, draws) }));
      return { ...state, branches };
    }
    case 'foreach':
      return {
        ...state,
        toleratedFailures: Number.MAX_SAFE_INTEGER,
        iterator: oddScope(state.iterator, draws),
      };
    case 'switch':
    case 'transform':
      return state;
  }
};

const oddScope = (scope: ScopePlan, draws: Draws): ScopePlan => ({
  ...scope,
  states: Object.fromEntries(
    Object.entries(scope.states).map(([name, state]) => [name, oddState(state, draws)]),
  ),
});

const read = ({ subject, data }: WireMessage): IncomingText => ({
  subject,
  text: new TextDecoder().decode(new TextEncoder().encode(data)),
  version: '1',
});

const resumed = (message: WireMessage): IncomingResume => decodeResumeMessage(read(message));

class OddPlayer extends ChancePlayer {
  readonly #draws: Draws;

  constructor(plan: Plan, draws: Draws) {
    super({ ...plan, timeoutMs: decade, root: oddScope(plan.root, draws) });
    this.#draws = draws;
  }

  /** What is refused at the border comes to no decision: then it is said in the usual way. */
  override send(command: Command): Decision {
    try {
      return super.send(this.#overTheWire(command));
    } catch (error) {
      if (error instanceof ContractError) return super.send(command);
      throw error;
    }
  }

  #overTheWire(command: Command): Command {
    const { text, number, json } = this.#draws;
    switch (command.type) {
      case 'start': {
        const odd = {
          ...command,
          input: { ...(generatedInput as object), odd: json() },
          idempotencyKey: text(),
        };
        return { ...command, ...this.#asked({ ...odd, workflowId: 'wf' }) } as Command;
      }
      case 'step_started':
        return this.#reported(command, { type: 'step.started', beginning: command.beginning });
      case 'step_succeeded':
        return this.#reported(command, {
          type: 'step.succeeded',
          output: json(),
          warnings: [{ code: text(), message: text() }],
        });
      case 'step_failed': {
        const error = { ...command.error, message: text(), details: json() };
        return this.#reported(command, { type: 'step.failed', error });
      }
      case 'approval_decision': {
        const said = { ...of, ...command, commandId: 'c', type: 'approval.decision' };
        const odd = { ...said, comment: text(), data: json() } as ApprovalJudgement;
        const { comment, data } = resumed(encodeApprovalJudgement(odd)) as { comment: string; data: Json };
        return { ...command, comment, data };
      }
      case 'child_ended': {
        const error = { code: 'TOOL_ERROR', message: text(), retryable: true, details: json() };
        const outcome =
          number() > 0 ? ({ ok: true, output: json() } as const) : ({ ok: false, error } as const);
        const { stepId, childRunId } = command;
        const ended = { ...of, type: 'child.ended', stepId, childRunId, outcome } as const;
        return {
          ...command,
          ...(resumed(encodeChildEnded(ended, 'e')) as object),
          type: 'child_ended',
        } as Command;
      }
      case 'signal':
        return { ...command, ...this.#asked({ ...command, payload: json() }) } as Command;
      case 'pause':
      case 'cancel':
        return { ...command, ...this.#asked({ ...command, reason: text() }) } as Command;
      default:
        return command;
    }
  }

  #asked(part: object): object {
    const {
      commandId: _,
      issuedAt: _at,
      ...command
    } = decodeRunCommand(
      read(encodeRunCommand({ ...part, ...of, commandId: 'c', issuedAt: 1 } as unknown as RunCommand)),
    );
    return command;
  }

  #reported(command: { readonly stepId: string; readonly attempt: number }, part: object): Command {
    const { text, number } = this.#draws;
    const { stepId, attempt } = command;
    const by = { claim: 'c', worker: text(), startedAt: number(), finishedAt: number() };
    const said = resumed(
      encodeStepReport({ ...of, ...by, stepId, attempt, ...part } as StepReport, 'worker'),
    );
    switch (said.type) {
      case 'step.started':
        return { ...said, type: 'step_started' } as Command;
      case 'step.succeeded':
        return { ...said, type: 'step_succeeded' } as Command;
      case 'step.failed': {
        const { message, details } = said.error;
        return { ...said, type: 'step_failed', error: stepError('AGENT_ERROR', message, details as Json) };
      }
      default:
        throw new Error(`${said.type} is no report`);
    }
  }
}

const play = (plan: Plan, draws: Draws, { seed, moveCount }: { seed: number; moveCount: number }) => {
  const player = new OddPlayer(plan, draws);
  player.send(start(generatedInput));
  let draw = seed;
  const drawBelow = (below: number): number => {
    draw = (Math.imul(draw, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((draw / 2 ** 32) * below);
  };
  for (let moves = 0; moves < moveCount && !player.isOver; moves += 1) player.move(drawBelow);
  player.finish();
  return player;
};

/** As every reader gets it. */
const heard = ({ seq, at, event }: RecordedEvent): RecordedEvent => {
  const id = `${of.workspace}/${of.runId}/${seq}`;
  const envelope = { ...of, id, sequence: seq, at, data: event as RunEventMessage };
  const { sequence, data, at: time } = decodeEvent(read(encodeEvent(envelope)));
  return { seq: sequence, at: time, event: data as RunEvent };
};

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('every event is taken by every reader, as it was decided, and makes the same run of it', () => {
  const chances = fc.record({ seed: fc.nat(), moveCount: fc.nat({ max: 40 }) });
  fc.assert(
    fc.property(generatedPlan, drawn, chances, (plan, draws, chance) => {
      const { history, state, isOver } = play(plan, draws, chance);
      expect(isOver).toBe(true);
      let folded: RunState = initialState;
      for (const recorded of history) {
        const taken = heard(recorded);
        deepStrictEqual(taken, asJson(recorded));
        folded = evolve(folded, taken);
      }
      deepStrictEqual(asJson(snapshot(folded)), asJson(snapshot(state)));
    }),
    { numRuns: 200 },
  );
});
