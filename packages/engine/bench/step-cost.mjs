/**
 * What one step costs in the core, at the beginning of a long run and at its end: `node bench/step-cost.mjs`.
 *
 * Counted is all that the engine does for a finished step: `decide` on its result, and `evolve` and `react` for each
 * event. One JSON line for each workload; `ratio` is the last thousand steps over the first.
 */
import { createHash } from 'node:crypto';
import { decide, initialState, pendingDispatches, react, restore, snapshot } from '../dist/index.js';

const stepCount = 10_000;
const windowSize = 1_000;

const digest = (text) => createHash('sha256').update(text).digest('hex');
const literal = (value) => ({ kind: 'literal', value });
const noRetry = { maxAttempts: 1, initialBackoffMs: 0, multiplier: 1, maxBackoffMs: 0 };

const operation = (name, next) => ({
  type: 'operation',
  name,
  action: 'tool.call',
  input: {
    kind: 'object',
    fields: [
      ['tool', literal('noop')],
      ['n', { kind: 'expression', expression: 'count' }],
    ],
  },
  target: 'worker',
  retry: noRetry,
  catch: [],
  optional: false,
  outputValidation: 'warn',
  takesPreviousOutput: false,
  resultPath: ['steps', name],
  next,
});

const planOf = (root) => ({ id: 'bench', version: '1', name: 'bench', onFailure: 'fail', agents: [], root });

/** A thousand states, which is the language's limit, gone through ten times. */
const sequential = () => {
  const states = {};
  const stateCount = 1_000;
  for (let index = 0; index < stateCount; index += 1)
    states[`s${index}`] = operation(`s${index}`, `s${(index + 1) % stateCount}`);
  return { plan: planOf({ start: 's0', states }), input: { count: 1 } };
};

const fanOut = (maxConcurrency) => ({
  plan: planOf({
    start: 'all',
    states: {
      all: {
        type: 'foreach',
        name: 'all',
        itemsPath: ['items'],
        itemName: 'item',
        maxConcurrency,
        toleratedFailures: 0,
        iterator: { start: 'one', states: { one: operation('one', null) } },
        catch: [],
        resultPath: ['out'],
        next: null,
      },
    },
  }),
  input: { count: 1, items: Array.from({ length: stepCount }, (_, index) => ({ index })) },
});

const budget = {
  maxReadBytes: Number.POSITIVE_INFINITY,
  attempt: ({ source }, lookup) => ({ ok: true, value: lookup(source) ?? null }),
  namesOf: () => [],
};
const limits = { resultBytes: 524_288, inputBytes: 524_288 };
const runLimits = { maxEvents: 1_000_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 };

const measure = (name, { plan, input }) => {
  let state = initialState;
  let now = 0;
  const queue = [];
  const send = (command) => {
    now += 1;
    const decision = decide(state, command, {
      now,
      plan,
      limits,
      runLimits,
      budget,
      digest,
      childRunCount: () => 0,
      violations: () => [],
    });
    // The work that a run has put off is taken up by whatever comes next, which may be something else than the timer.
    if (decision.kind === 'refused' && decision.code === 'TIMER_NOT_WANTED') return;
    if (decision.kind === 'refused') throw new Error(`${command.type}: ${decision.message}`);
    for (const [index, event] of decision.events.entries()) {
      const recorded = { seq: state.seq + 1, at: now, event };
      state = decision.states[index];
      for (const effect of react(state, recorded)) {
        if (effect.type === 'dispatch_step') queue.push(effect);
        if (effect.type === 'set_timer') queue.push({ type: 'timer', purpose: effect.purpose });
      }
    }
  };
  const start = { runId: 'bench', workflow: { id: 'bench', version: 1, digest: '' }, workspace: 'default' };
  send({ type: 'start', ...start, input, actor: 'user:bench', pins: { agents: {} } });

  const durations = [];
  for (let at = 0; durations.length < stepCount; at += 1) {
    const task = queue[at];
    const before = process.hrtime.bigint();
    if (task.type === 'timer') send({ type: 'timer_fired', purpose: task.purpose });
    else {
      const { stepId, attempt } = task;
      send({ type: 'step_succeeded', stepId, attempt, startedAt: now, worker: 'w1', output: { ok: true } });
    }
    const took = Number(process.hrtime.bigint() - before) / 1_000;
    if (task.type !== 'timer') durations.push(took);
  }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const first = durations.slice(0, windowSize);
  const last = durations.slice(-windowSize);
  const before = process.hrtime.bigint();
  const stored = JSON.stringify(snapshot(state));
  restore(JSON.parse(stored));
  const result = {
    workload: name,
    steps: durations.length,
    events: state.seq,
    inFlightAtEnd: pendingDispatches(state).length,
    meanMicros: mean(durations).toFixed(1),
    firstThousandMedianMicros: median(first).toFixed(1),
    lastThousandMedianMicros: median(last).toFixed(1),
    ratio: (median(last) / median(first)).toFixed(2),
    snapshotAndRestoreMs: (Number(process.hrtime.bigint() - before) / 1e6).toFixed(1),
    snapshotBytes: stored.length,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
};

measure('warm-up', sequential());
measure('10,000 sequential steps', sequential());
measure('10,000 items, one at a time', fanOut(1));
measure('10,000 items, 500 at a time', fanOut(500));
measure('10,000 items, all at once', fanOut(stepCount));
