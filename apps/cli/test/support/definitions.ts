/** A workflow of ten states with every core state type in it, and its agent. */
export const scriptedAgent = (latencyMs: number): string =>
  [
    '---',
    'model: scripted/test',
    'answers:',
    '  - output: { ok: true }',
    `    latencyMs: ${latencyMs}`,
    '---',
    '{{ task }}',
    '',
  ].join('\n');

const step = (name: string, next: string | null): object => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'tester', task: `do ${name}` },
  ...(next === null ? { end: true } : { next }),
});

export const tenSteps = JSON.stringify({
  id: 'ten-steps',
  version: '1',
  name: 'ten steps',
  start: 'prepare',
  states: [
    { name: 'prepare', type: 'inject', data: { items: ['a', 'b', 'c'] }, resultPath: 'plan', next: 'one' },
    step('one', 'two'),
    step('two', 'both'),
    {
      name: 'both',
      type: 'parallel',
      branches: [
        { name: 'left', start: 'three', states: [step('three', 'four'), step('four', null)] },
        { name: 'right', start: 'five', states: [step('five', null)] },
      ],
      next: 'each',
    },
    {
      name: 'each',
      type: 'foreach',
      itemsPath: 'plan.items',
      maxConcurrency: 2,
      iterator: { start: 'six', states: [step('six', null)] },
      next: 'choose',
    },
    {
      name: 'choose',
      type: 'switch',
      conditions: [{ if: 'len(plan.items) == 3', next: 'ask' }],
      defaultNext: 'ten',
    },
    {
      name: 'ask',
      type: 'operation',
      action: 'human.approval',
      input: { message: 'Go on?', allowRequester: true },
      timeoutSeconds: 600,
      next: 'nine',
    },
    step('nine', 'ten'),
    step('ten', null),
  ],
});

/** Steps that a worker completes in one run: one, two, three, four, five, six (three items), nine, ten. */
export const workerStepCount = 10;

/** Three child runs of `held`, of which nobody waits for the end. */
export const family = JSON.stringify({
  id: 'family',
  version: '1',
  name: 'family',
  start: 'list',
  states: [
    { name: 'list', type: 'inject', data: [1, 2, 3], resultPath: 'items', next: 'each' },
    {
      name: 'each',
      type: 'foreach',
      itemsPath: 'items',
      iterator: {
        start: 'call',
        states: [{ name: 'call', type: 'workflow', workflow: 'held', wait: false, input: {}, end: true }],
      },
      end: true,
    },
  ],
});
