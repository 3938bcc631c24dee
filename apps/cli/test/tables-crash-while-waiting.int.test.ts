/** The orchestrator is killed while runs wait for time, for others or for each other. All of them go on afterwards. */
import { join } from 'node:path';
import {
  audit,
  eventually,
  foldedRun,
  readLog,
  readStored,
  startWorld,
  type World,
} from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ended,
  eventsOfStep,
  mustCreate,
  putAgent,
  type Run,
  readRun,
  runs,
  runWhere,
  type State,
  startRun,
  stepOf,
  workflowSource,
} from './support/tables-platform.js';

/** The pause before a retry is drawn from the run's id: of this one it is 0.82 of `backoffSeconds`. */
const retryRunId = 'pending-retry-1';

const waitFor = (seconds: number): State => ({ name: 'pause', type: 'wait', seconds });
const hold = (name: string, signal: string): State => ({ name, type: 'signal', signal, timeoutSeconds: 600 });
const child = (workflow: string): State => ({ name: 'child', type: 'workflow', workflow, input: {} });
const probe: State = runs(
  'probe',
  'flaky',
  { task: 'Probe' },
  { retry: { maxAttempts: 2, backoffSeconds: 12 } },
);

let world: World;
let pending: Awaited<ReturnType<typeof startAll>>;

const create = (id: string, ...states: State[]): Promise<unknown> =>
  mustCreate(world, workflowSource(id, states));
const signal = (runId: string, name: string, payload: unknown): Promise<unknown> =>
  world.call('POST', `/api/v1/workflow-runs/${runId}/signals/${name}`, { payload });
const withStep = (runId: string, state: string, status: string): Promise<Run> =>
  runWhere(world, runId, `"${state}" is ${status}`, (run) =>
    run.steps.some((step) => step.state === state && step.status === status),
  );
const started = async (runId: string): Promise<string> =>
  stepOf(await readRun(world, runId), 'child').childRunId ?? '';

/** One run for each kind of waiting; resolves when each of them waits. Those that time ends come last. */
const startAll = async () => {
  const signalled = await startRun(world, 'waits-for-signal');
  const early = await startRun(world, 'keeps-signal');
  await withStep(early, 'first', 'WAITING_SIGNAL');
  await signal(early, 'second', 'came early');
  const top = await startRun(world, 'waits-for-grandchild');
  const middle = await started(top);
  await withStep(middle, 'child', 'RUNNING');
  const bottom = await started(middle);
  await withStep(bottom, 'hold', 'WAITING_SIGNAL');
  await withStep(signalled, 'hold', 'WAITING_SIGNAL');
  await world.call('POST', '/api/v1/workflow-runs', { workflow: 'retries', runId: retryRunId });
  const retry = await runWhere(world, retryRunId, 'a retry is pending', (run) =>
    run.steps.some(({ retryAt }) => retryAt !== null),
  );
  const short = await startRun(world, 'waits-briefly');
  const long = await startRun(world, 'waits-longer');
  const [shortPause] = await eventsOfStep(world, await readRun(world, short), 'pause');
  const [longPause] = await eventsOfStep(world, await readRun(world, long), 'pause');
  const dueAts = {
    retry: Date.parse(stepOf(retry, 'probe').retryAt ?? ''),
    short: Number(shortPause?.dueAt),
    long: Number(longPause?.dueAt),
  };
  return { signalled, early, top, middle, bottom, retry: retryRunId, short, long, dueAts };
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api', 'step-worker']);
  await putAgent(world, 'flaky', { answers: [{ output: { healthy: true }, failTimes: 1 }] });
  await create('waits-briefly', waitFor(8));
  await create('waits-longer', waitFor(12));
  await create('waits-for-signal', hold('hold', 'go'));
  await create('keeps-signal', hold('first', 'first'), hold('second', 'second'));
  await create('waits-for-child', child('waits-for-signal'));
  await create('waits-for-grandchild', child('waits-for-child'));
  await create('retries', probe);
  pending = await startAll();
  await world.kill('orchestrator');
  const killedAt = Date.now();
  // Nothing had come due before: all of it was pending in the process that is gone.
  expect(Math.min(...Object.values(pending.dueAts))).toBeGreaterThan(killedAt);
  await eventually(() => Date.now() > pending.dueAts.short, {
    intervalMs: 100,
    describe: 'a wait comes due while there is no orchestrator',
  });
  await world.start('orchestrator');
});

afterAll(() => world?.stop());

describe('after kill -9 of the orchestrator', () => {
  test('a wait that came due meanwhile ends, and one that had not ends when it is due', async () => {
    for (const name of ['short', 'long'] as const) {
      const run = await ended(world, pending[name]);
      expect(run.status).toBe('COMPLETED');
      const pause = await eventsOfStep(world, run, 'pause');
      expect(pause.map(({ type }) => type)).toEqual(['state.entered', 'state.completed']);
      const completedAt = Date.parse(String(pause.at(-1)?.at));
      expect(completedAt).toBeGreaterThanOrEqual(pending.dueAts[name]);
    }
  });

  test('a signal is taken by the state that waited for it', async () => {
    await signal(pending.signalled, 'go', { commit: 'c0ffee' });
    expect(await ended(world, pending.signalled)).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { hold: { commit: 'c0ffee' } } },
    });
  });

  test('a signal that came before its state was reached has been kept', async () => {
    await signal(pending.early, 'first', 'came late');
    expect(await ended(world, pending.early)).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { first: 'came late', second: 'came early' } },
    });
  });

  test('a child run ends its parent, and that its own', async () => {
    await signal(pending.bottom, 'go', 'from below');
    expect(await ended(world, pending.top)).toMatchObject({
      status: 'COMPLETED',
      output: { steps: { child: { steps: { child: { steps: { hold: 'from below' } } } } } },
    });
    expect((await readRun(world, pending.middle)).status).toBe('COMPLETED');
  });

  test('a retry is made once, as the second attempt', async () => {
    const run = await ended(world, pending.retry);
    expect(run).toMatchObject({ status: 'COMPLETED', output: { steps: { probe: { healthy: true } } } });
    const events = await eventsOfStep(world, run, 'probe');
    const attempts = events.filter(({ type }) => type === 'step.scheduled').map(({ attempt }) => attempt);
    expect(attempts).toEqual([1, 2]);
  });

  test('each history is gap-free, and folding it gives the state in SQLite', async () => {
    const log = await readLog(world.natsUrl);
    const { dueAts: _dueAts, ...runIds } = pending;
    for (const [name, runId] of Object.entries(runIds)) {
      const { sequences, completionsByStep, state } = audit(log.get(runId) ?? []);
      expect(sequences.length, name).toBeGreaterThan(0);
      expect(sequences, name).toEqual(sequences.map((_, index) => index + 1));
      expect([...completionsByStep.values()].every((count) => count === 1)).toBe(true);
      const stored = readStored(join(world.dataDir, 'orchestrator.sqlite'), runId);
      expect(foldedRun(state), name).toEqual(stored);
      expect(stored.status, name).toBe('COMPLETED');
    }
  });
});
