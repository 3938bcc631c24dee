/** A run that stops the process is left alone, and a release of it harms nobody, however early it comes. */
import { createPublisher, openConnection } from '@signalbox/messaging';
import { taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, query } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { change, openStores, orchestratorScript, type Stores } from './support/stores.js';
import { signalbox } from './support/tables-command.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const workspace = 'default';
const definition = JSON.stringify({
  id: 'breaking',
  version: '1',
  name: 'breaking',
  states: [
    { name: 'hold', type: 'signal', signal: 'go', next: 'last' },
    { name: 'last', type: 'inject', data: 1, end: true },
  ],
});

const standing = async (): Promise<string> => {
  const { world } = stores;
  await world.call('PUT', '/api/v1/workflows/breaking', definition);
  const body = { workflow: 'breaking', input: {} };
  const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
  await stores.allBecome([runId], 'WAITING_SIGNAL');
  return runId;
};

const signal = { type: 'signal', commandId: 'go-1', signal: 'go', signalId: 'go-1', payload: null };
const release = { type: 'release', commandId: 'release-1' };

/** On the bus, as often as it stands here: as a message that comes again because its receiver has died. */
const send = async (runId: string, ...commands: readonly object[]): Promise<void> => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: stores.world.natsUrl, name: 'test', logger });
  const publisher = createPublisher(connection, { deadlineMs: 2_000 });
  const base = { workspace, runId, actor: 'user:alice', issuedAt: Date.now() };
  const messages = commands.map((command) => ({
    subject: taskSubjects.run(workspace, runId),
    data: JSON.stringify({ ...base, ...command }),
  }));
  try {
    await publisher.publishAll(messages);
  } finally {
    publisher.close();
    await connection.close();
  }
};

/** As a defect of this program would: what follows the signal cannot be decided, or the run cannot be read at all. */
const defects = {
  'what follows cannot be decided': `UPDATE workflow_definitions SET plan = replace(plan, '"last":{', '"lost":{') WHERE id = 'breaking'`,
  'it cannot be read': "DELETE FROM workflow_definitions WHERE id = 'breaking'",
};

const crash = async (times: readonly string[]): Promise<void> => {
  for (const time of times) expect((await stores.world.spawn(orchestratorScript, time).exited).code).toBe(70);
};

const isQuarantined = async (runId: string): Promise<boolean> => {
  const path = '/api/v1/quarantines';
  const { items } = await stores.world.call<{ items: { runId: string }[] }>('GET', path);
  return items.some((one) => one.runId === runId);
};

const deadLettersFor = async (runId: string) => {
  const path = '/api/v1/dead-letters?limit=100';
  const { items } = await stores.world.call<{ items: { subject: string; code: string; outcome: string }[] }>(
    'GET',
    path,
  );
  return items.filter(({ subject }) => subject === taskSubjects.run(workspace, runId));
};

/** All columns, in their order. */
const keptRow = (): readonly unknown[] => {
  const [row] = query<Record<string, unknown>>(
    stores.file(),
    "SELECT * FROM workflow_definitions WHERE id = 'breaking'",
  );
  return Object.values(row ?? {});
};

const mend = (row: readonly unknown[]): void => {
  const places = row.map(() => '?').join();
  change(stores.file(), `INSERT OR REPLACE INTO workflow_definitions VALUES (${places})`, ...row);
};

describe('a run that stops the process', () => {
  test.each(Object.entries(defects))(
    'is left alone after the third time, the others go on, released too early it is counted anew, and released in time it goes on (%s)',
    async (_, defect) => {
      const { world, file } = stores;
      const runId = await standing();
      const others = await stores.standing(2);
      await world.stopOne('orchestrator');
      const row = keptRow();
      change(file(), defect);
      await send(runId, signal);
      await crash(['first', 'second', 'third']);

      const told = await world.start('orchestrator');
      await eventually(() => isQuarantined(runId));
      await stores.finish(others.slice(0, 1));
      const aside = { code: 'POISON_MESSAGE', outcome: 'kept' };
      expect(await deadLettersFor(runId)).toEqual([expect.objectContaining(aside)]);

      await send(runId, release, release);
      expect((await told.exited).code).toBe(70);
      await crash(['second, released', 'third, released']);
      await world.start('orchestrator');
      await eventually(() => isQuarantined(runId));
      await stores.finish(others.slice(1));

      await world.stopOne('orchestrator');
      mend(row);
      await world.start('orchestrator');
      expect((await signalbox(world, 'runs', 'release', runId)).code).toBe(0);
      await stores.allBecome([runId], 'COMPLETED');
      expect(await isQuarantined(runId)).toBe(false);
    },
  );

  test('is left alone also where nothing comes for it and its step in a worker’s hands is looked after', async () => {
    const { world, file } = stores;
    const agent = '---\nmodel: scripted/test\nanswers:\n  - output: 1\n    latencyMs: 100000\n---\nSleep.\n';
    await world.call('PUT', '/api/v1/agents/sleeper', agent);
    const sleeping = {
      name: 'hold',
      type: 'operation',
      action: 'agent.run',
      input: { agent: 'sleeper', task: 'sleep' },
      end: true,
    };
    const one = { id: 'breaking', version: '2', name: 'breaking', states: [sleeping] };
    await world.call('PUT', '/api/v1/workflows/breaking', JSON.stringify(one));
    const body = { workflow: 'breaking', input: {} };
    const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', body);
    const begun = `SELECT 1 AS one FROM open_steps WHERE run_key = 'default/${runId}' AND status = 'RUNNING'`;
    await eventually(() => query(file(), begun).length === 1);
    const others = await stores.standing(1);
    await world.stopOne('orchestrator');
    change(file(), defects['it cannot be read']);
    await crash(['looks', 'looks again', 'looks a third time']);
    await world.start('orchestrator');
    await eventually(() => isQuarantined(runId));
    await stores.finish(others);
  });
});
