/** `signalbox runs signal`: from the command line to the state that waits. */

import { startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, signalbox } from './support/tables-command.js';
import {
  ended,
  fields,
  mustCreate,
  readRun,
  runWhere,
  type State,
  startRun,
  workflowSource,
} from './support/tables-platform.js';

let world: World;

const waitsFor = (name: string, more: State = {}): State => ({
  name,
  type: 'signal',
  signal: 'build.finished',
  timeoutSeconds: 600,
  ...more,
});

const send = (...args: readonly string[]): Promise<Ended> => signalbox(world, 'runs', 'signal', ...args);

const waitingRun = async (workflow: string): Promise<string> => {
  const runId = await startRun(world, workflow);
  await runWhere(world, runId, 'the run waits', ({ status }) => status === 'WAITING_SIGNAL');
  return runId;
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api']);
  const schema = fields({ commit: { type: 'string' } });
  await mustCreate(world, workflowSource('one-build', [waitsFor('build', { schema })]));
  await mustCreate(world, workflowSource('two-builds', [waitsFor('first'), waitsFor('second')]));
});

afterAll(() => world?.stop());

describe('signalbox runs signal', () => {
  test('sends the payload to the state that waits, and says how the run is now', async () => {
    const runId = await waitingRun('one-build');
    const { code, stdout, stderr } = await send(runId, 'build.finished', '--payload', '{"commit": "c0ffee"}');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`signal build.finished was sent to run ${runId}; the run is COMPLETED`);
    expect(await ended(world, runId)).toMatchObject({ output: { steps: { build: { commit: 'c0ffee' } } } });
  });

  test('without a payload sends null; with --json prints the run', async () => {
    const runId = await waitingRun('two-builds');
    const { code, stdout, stderr } = await signalbox(
      world,
      '--json',
      'runs',
      'signal',
      runId,
      'build.finished',
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runId, status: 'WAITING_SIGNAL' });
    await send(runId, 'build.finished');
    expect(await ended(world, runId)).toMatchObject({ output: { steps: { first: null, second: null } } });
  });

  test('the same --id counts once: the same signal is answered as before, another is refused', async () => {
    const runId = await waitingRun('two-builds');
    expect((await send(runId, 'build.finished', '--payload', '1', '--id', 'build-1')).code).toBe(0);
    expect((await send(runId, 'build.finished', '--payload', '1', '--id', 'build-1')).code).toBe(0);
    const other = await send(runId, 'build.finished', '--payload', '2', '--id', 'build-1');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('SIGNAL_ID_REUSED');
    expect((await readRun(world, runId)).status).toBe('WAITING_SIGNAL');
    expect((await send(runId, 'build.finished', '--payload', '3', '--id', 'build-2')).code).toBe(0);
    expect(await ended(world, runId)).toMatchObject({ output: { steps: { first: 1, second: 3 } } });
    expect((await send(runId, 'build.finished', '--payload', '3', '--id', 'build-2')).code).toBe(0);
  });

  test('a payload that breaks the schema of the state is exit code 65, one that is no JSON 64', async () => {
    const runId = await waitingRun('one-build');
    const misfit = await send(runId, 'build.finished', '--payload', '{"commit": 7}');
    expect(misfit.code).toBe(65);
    expect(misfit.stderr).toContain('SIGNAL_PAYLOAD_INVALID');
    const broken = await send(runId, 'build.finished', '--payload', '{commit}');
    expect(broken.code).toBe(64);
    expect(broken.stderr).toContain('--payload must be JSON');
    expect((await readRun(world, runId)).status).toBe('WAITING_SIGNAL');
  });

  test('a run that does not exist, or is over, is exit code 1', async () => {
    const missing = await send('no-such-run', 'build.finished');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('RUN_NOT_FOUND');
    const runId = await waitingRun('one-build');
    await world.call('POST', `/api/v1/workflow-runs/${runId}/cancel`, {});
    const late = await send(runId, 'build.finished', '--payload', '{"commit": "c0ffee"}');
    expect(late.code).toBe(1);
  });
});
