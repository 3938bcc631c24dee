/** Every pair of a run status and a command has an answer here: this table is the state diagram of the docs. */
import { describe, expect, test } from 'vitest';
import { approval, operation, parallel, plan, signal, states } from '../../test/support/plans.js';
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
  start,
  stepId,
  succeeded,
} from '../../test/support/scenario.js';
import {
  type Command,
  type RefusalCode,
  type RunStatus,
  runStatus,
  runStatuses,
  stepError,
} from '../index.js';

const ask = stepId('ask', 'p/person');
const work = stepId('work', 'p/worker');
const hear = stepId('hear', 'p/signal');

/** A branch for each thing that a run can wait for. */
const everything = plan(
  states(
    parallel('p', null, {
      person: states(approval('ask', null)),
      worker: states(operation('work', null)),
      signal: states(signal('hear', null, { timeoutMs: 1_000 })),
    }),
  ),
  { timeoutMs: 60_000 },
);

const histories: { readonly [status in RunStatus]: readonly Command[] | undefined } = {
  PENDING: [],
  RUNNING: [start()],
  WAITING_APPROVAL: [start(), succeeded(work)],
  WAITING_SIGNAL: [start(), succeeded(work), approve(ask)],
  PAUSED: [start(), pause],
  /** Nothing leads there until rollback is part of the engine. */
  ROLLING_BACK: undefined,
  COMPLETED: [start(), succeeded(work), approve(ask), signalled('go', 's0')],
  FAILED: [start(), failed(work)],
  CANCELLED: [start(), cancel],
  TIMED_OUT: [start(), fired({ kind: 'run_timeout' })],
};

const commands = {
  start: start(),
  step_started: { type: 'step_started', stepId: work, attempt: 1, beginning: 'b', startedAt: 1, worker: 'w' },
  step_given_back: { type: 'step_given_back', stepId: work, attempt: 1, beginning: 'b', worker: 'w' },
  step_succeeded: succeeded(work),
  step_failed: failed(work),
  approval_decision: reject(ask),
  approval_refusal: { type: 'approval_refusal', approvalId: ask, actor: 'user:x', code: 'X', message: 'x' },
  timer_fired: fired({ kind: 'signal_timeout', stepId: hear }),
  pause,
  resume,
  cancel,
  give_up: { type: 'give_up', error: stepError('INTERNAL', 'x') },
  signal: signalled('go', 's1'),
  child_ended: {
    type: 'child_ended',
    stepId: hear,
    childRunId: 'x',
    outcome: { ok: false, error: stepError('INTERNAL', 'x') },
  },
} as const satisfies { readonly [type in Command['type']]: Command };

type CommandType = keyof typeof commands;
type Answer = RunStatus | RefusalCode;

const all = (answer: Answer, except: Partial<Record<CommandType, Answer>>): Record<CommandType, Answer> =>
  ({ ...Object.fromEntries(Object.keys(commands).map((type) => [type, answer])), ...except }) as Record<
    CommandType,
    Answer
  >;

const decided = {
  approval_decision: 'APPROVAL_ALREADY_DECIDED',
  timer_fired: 'TIMER_NOT_WANTED',
  start: 'RUN_ALREADY_STARTED',
} as const;

/** The status after the command, or the code of the refusal. */
const table: { readonly [status in RunStatus]?: Record<CommandType, Answer> } = {
  PENDING: all('RUN_NOT_FOUND', { start: 'RUNNING' }),
  RUNNING: all('RUNNING', {
    start: 'RUN_ALREADY_STARTED',
    step_succeeded: 'WAITING_APPROVAL',
    step_failed: 'FAILED',
    approval_decision: 'CANCELLED',
    timer_fired: 'FAILED',
    pause: 'PAUSED',
    resume: 'RUN_NOT_PAUSED',
    cancel: 'CANCELLED',
    give_up: 'FAILED',
    child_ended: 'STEP_NOT_FOUND',
  }),
  WAITING_APPROVAL: all('STALE_ATTEMPT', {
    start: 'RUN_ALREADY_STARTED',
    approval_decision: 'CANCELLED',
    approval_refusal: 'WAITING_APPROVAL',
    timer_fired: 'FAILED',
    pause: 'PAUSED',
    resume: 'RUN_NOT_PAUSED',
    cancel: 'CANCELLED',
    give_up: 'FAILED',
    signal: 'WAITING_APPROVAL',
    child_ended: 'STEP_NOT_FOUND',
  }),
  WAITING_SIGNAL: all('STALE_ATTEMPT', {
    start: 'RUN_ALREADY_STARTED',
    approval_decision: 'APPROVAL_ALREADY_DECIDED',
    approval_refusal: 'WAITING_SIGNAL',
    timer_fired: 'FAILED',
    pause: 'PAUSED',
    resume: 'RUN_NOT_PAUSED',
    cancel: 'CANCELLED',
    give_up: 'FAILED',
    signal: 'COMPLETED',
    child_ended: 'STEP_NOT_FOUND',
  }),
  PAUSED: all('PAUSED', {
    start: 'RUN_ALREADY_STARTED',
    step_failed: 'FAILED',
    approval_decision: 'CANCELLED',
    timer_fired: 'FAILED',
    pause: 'RUN_ALREADY_PAUSED',
    resume: 'RUNNING',
    cancel: 'CANCELLED',
    give_up: 'FAILED',
    child_ended: 'STEP_NOT_FOUND',
  }),
  COMPLETED: all('RUN_NOT_ACTIVE', { ...decided, approval_refusal: 'COMPLETED' }),
  FAILED: all('RUN_NOT_ACTIVE', { ...decided, approval_refusal: 'FAILED' }),
  CANCELLED: all('RUN_NOT_ACTIVE', { ...decided, approval_refusal: 'CANCELLED' }),
  TIMED_OUT: all('RUN_NOT_ACTIVE', { ...decided, approval_refusal: 'TIMED_OUT' }),
};

const reachable = runStatuses.filter((status) => histories[status] !== undefined);

test('every status that a run can be in is in the table', () => {
  expect(Object.keys(table)).toEqual(reachable);
});

describe.each(reachable)('a run that is %s', (status) => {
  test('is brought there by the history of this table', () => {
    expect(new Player(everything).play(...(histories[status] ?? [])).status).toBe(status);
  });

  test.each(Object.keys(commands) as readonly CommandType[])('answers %s as the table says', (type) => {
    const player = new Player(everything).play(...(histories[status] ?? []));
    const before = player.state;
    const decision = player.send(commands[type]);
    const answer = decision.kind === 'refused' ? decision.code : runStatus(player.state);
    expect(answer).toBe(table[status]?.[type]);
    if (decision.kind === 'refused') expect(player.state).toBe(before);
  });
});

const answerOf = (status: RunStatus, type: CommandType): Answer => {
  const player = new Player(everything).play(...(histories[status] ?? []));
  const decision = player.send(commands[type]);
  return decision.kind === 'refused' ? decision.code : runStatus(player.state);
};

const cell = (status: RunStatus, type: CommandType): string => {
  const answer = answerOf(status, type);
  if (answer === status) return 'stays';
  return runStatuses.includes(answer as RunStatus) ? `→ **${answer}**` : `\`${answer}\``;
};

test('docs/RUN_STATUS.md is the table of statuses and commands as the engine answers them', async () => {
  const types = Object.keys(commands) as readonly CommandType[];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const page = [
    '# Statuses of a run, and what each command does to them',
    '',
    '<!-- Written by packages/engine/src/decide/status-command.test.ts from what the engine answers. -->',
    '',
    'The run of this table has a branch with a step, one with an approval and one that waits for a signal. Each cell is one command to it in that status: the status',
    'after it, or the code of the refusal. `ROLLING_BACK` is kept for rollbacks, which do not exist yet. A worker result, a decision or a timer that comes too late is refused',
    'and changes nothing. A run whose end is decided, and which still takes back what it has in flight (`run.ending`), shows RUNNING and refuses as one that has ended.',
    '',
    row(['', ...types.map((type) => `\`${type}\``)]),
    row(['---', ...types.map(() => '---')]),
    ...reachable.map((status) => row([`**${status}**`, ...types.map((type) => cell(status, type))])),
    '',
  ];
  await expect(page.join('\n')).toMatchFileSnapshot('../../../../docs/RUN_STATUS.md');
});
