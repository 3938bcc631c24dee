/** The workflows of the suite. Their steps are executed by the ledger's workers, which obey `variables`. */
export type State = Readonly<Record<string, unknown>>;

/** Its answer is never asked for: the ledger's workers execute `agent.run` themselves. */
export const ledgerAgent =
  '---\nmodel: scripted/chaos\nanswers:\n  - output: { ok: true }\n---\n{{ task }}\n';

export const step = (name: string, variables: object = { ms: 20 }, more: State = {}): State => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'ledger', task: name, variables },
  ...more,
});

/** States one after the other, unless they say where they lead. */
export const inLine = (states: readonly State[]): State[] =>
  states.map((state, index) => {
    if ('next' in state || 'end' in state || state.type === 'switch') return state;
    const next = states[index + 1]?.name;
    return { ...state, ...(next === undefined ? { end: true } : { next }) };
  });

export const workflow = (id: string, states: readonly State[], more: State = {}): string =>
  JSON.stringify({ id, version: '1', name: id, start: states[0]?.name, ...more, states: inLine(states) });

const branch = (name: string, states: readonly State[]): State => ({
  name,
  start: states[0]?.name,
  states: inLine(states),
});

const chain = (count: number, ms: number, more: State = {}): State[] =>
  Array.from({ length: count }, (_, index) => step(`s${index + 1}`, { ms }, more));

export const approval = (name: string, more: State = {}): State => ({
  name,
  type: 'operation',
  action: 'human.approval',
  input: { message: 'Go on?', allowRequester: true },
  ...more,
});

export const signal = (name: string, more: State = {}): State => ({
  name,
  type: 'signal',
  signal: 'go',
  ...more,
});

const parallel = (mode: 'all' | 'any', branches: readonly State[]): State => ({
  name: 'both',
  type: 'parallel',
  join: { mode },
  branches,
});

/** By id. A number at the end of an id is milliseconds of one step. */
export const workflows: Readonly<Record<string, string>> = {
  linear: workflow('linear', chain(4, 20)),
  slow: workflow('slow', chain(8, 250)),
  one: workflow('one', chain(1, 400)),
  'one-agent': workflow('one-agent', chain(1, 400, { target: 'agent' })),
  'slow-agent': workflow('slow-agent', chain(4, 250, { target: 'agent' })),
  agent: workflow('agent', chain(3, 20, { target: 'agent' })),
  parallel: workflow('parallel', [
    parallel('all', [branch('a', chain(2, 20)), branch('b', [step('t1')]), branch('c', [step('u1')])]),
    step('after'),
  ]),
  any: workflow('any', [
    parallel('any', [
      branch('quick', [step('hare')]),
      branch('late', [step('tortoise', { ms: 4_000 })]),
      branch('later', [step('snail', { ms: 4_000 }, { target: 'agent' })]),
    ]),
    step('after'),
  ]),
  foreach: workflow('foreach', [
    { name: 'list', type: 'inject', data: { items: [1, 2, 3, 4, 5] }, resultPath: 'plan' },
    {
      name: 'each',
      type: 'foreach',
      itemsPath: 'plan.items',
      maxConcurrency: 3,
      iterator: { start: 'work', states: inLine([step('work')]) },
    },
  ]),
  retries: workflow('retries', [
    step('again', { ms: 10, fail: 2 }, { retry: { maxAttempts: 4, backoffSeconds: 0.2, multiplier: 1 } }),
    step('after'),
  ]),
  failing: workflow('failing', [step('first'), step('breaks', { ms: 10, fatal: true })]),
  'failing-wide': workflow('failing-wide', [
    parallel('all', [
      branch('bad', [step('breaks', { ms: 10, fatal: true })]),
      branch('good', [step('works', { ms: 400 })]),
      branch('far', [step('works-there', { ms: 400 }, { target: 'agent' })]),
    ]),
  ]),
  timeout: workflow('timeout', [
    step(
      'endless',
      { ms: 6_000 },
      { timeoutSeconds: 1, catch: [{ errors: ['STEP_TIMEOUT'], next: 'after' }], next: 'after' },
    ),
    step('after'),
  ]),
  approval: workflow('approval', [step('before'), approval('ask'), step('after')]),
  signal: workflow('signal', [step('before'), signal('hear'), step('after')]),
  child: workflow('child', [
    { name: 'call', type: 'workflow', workflow: 'linear', input: {} },
    step('after'),
  ]),
  wait: workflow('wait', [{ name: 'rest', type: 'wait', seconds: 3 }, step('after')]),
  'long-wait': workflow('long-wait', [{ name: 'rest', type: 'wait', seconds: 300 }, step('after')]),
  // For what came in time: generous enough that nothing is late by itself, short enough to fall due in an outage.
  'in-time-step': workflow('in-time-step', [step('work', { ms: 1_500 }, { timeoutSeconds: 6 })]),
  'in-time-approval': workflow('in-time-approval', [approval('ask', { timeoutSeconds: 8 }), step('after')]),
  'in-time-signal': workflow('in-time-signal', [signal('hear', { timeoutSeconds: 8 }), step('after')]),
};

const count = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);

const forEach = (items: readonly number[], maxConcurrency: number, state: State): State[] => [
  { name: 'list', type: 'inject', data: { items }, resultPath: 'plan' },
  {
    name: 'each',
    type: 'foreach',
    itemsPath: 'plan.items',
    maxConcurrency,
    iterator: { start: state.name, states: inLine([state]) },
  },
];

/**
 * Hundreds of thousands of events and no step: for a minute and more new ones come without a pause to whoever reads the
 * log. To be cancelled when that is enough. `chatter` has to be there first.
 */
export const noise = {
  chatter: workflow('chatter', forEach(count(2_000), 50, { name: 'note', type: 'inject', data: 1 }), {
    output: {},
  }),
  noise: workflow(
    'noise',
    forEach(count(200), 3, { name: 'talk', type: 'workflow', workflow: 'chatter', input: {} }),
  ),
} as const;

/** What `random` and the kill scenarios start, by turns; `linear` most often. */
export const mixed = [
  'linear',
  'linear',
  'parallel',
  'foreach',
  'retries',
  'failing',
  'approval',
  'signal',
  'child',
  'timeout',
  'any',
  'agent',
  'wait',
  'slow',
] as const;
