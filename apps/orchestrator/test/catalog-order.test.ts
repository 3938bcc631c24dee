/** A start finds what was put into the catalog before it was stored, whichever consumer is behind, and whatever takes long. */
import { consumers } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TestDelivery } from './support/test-delivery.js';
import { agentSource, step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;
beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
});
afterEach(() => world.close());

const newer = workflow('one', [step('only')], 'description: newer\n');
const put = (source = newer, id: { workflowId?: string } = { workflowId: 'one' }) =>
  world.catalog({ type: 'put_workflow', mode: 'put', source, ...id });

const startedAs = (runId: string) =>
  world.bus.events.find(
    (event) => event.runId === runId && ['run.started', 'run.command_refused'].includes(event.data.type),
  )?.data;

/** All of these lie in the stream, and the consumers begin to deliver them. */
const remakeWith = (...stored: readonly TestDelivery[]): void => {
  world.bus.undelivered.push(
    ...stored.map(({ subject, streamSequence }) => ({ subject, sequence: streamSequence })),
  );
  world.remakeConsumers(consumers.orchestratorRun.durable, consumers.orchestratorCatalog.durable);
};

describe('a start that was stored behind a command to the catalog', () => {
  test('waits until that is delivered', async () => {
    const change = put();
    const start = world.start('run-1', 'one');
    remakeWith(change, start);
    await world.handle([start]);
    expect(startedAs('run-1')).toBeUndefined();
    await world.deliver(change, start);
    expect(startedAs('run-1')).toMatchObject({ workflow: { id: 'one', version: 2 } });
  });

  test('waits until that is validated', async () => {
    await world.deliver(put(), world.start('run-1', 'one'));
    expect(startedAs('run-1')).toMatchObject({ workflow: { version: 2 } });
  });

  test('finds a workflow that is put under no id', async () => {
    await world.deliver(put(workflow('two', [step('only')]), {}), world.start('run-1', 'two'));
    expect(startedAs('run-1')).toMatchObject({ workflow: { id: 'two', version: 1 } });
  });

  test('does not find a workflow that was deleted', async () => {
    const remove = world.catalog({ type: 'delete_workflow', workflowId: 'one' });
    const start = world.start('run-1', 'one');
    remakeWith(remove, start);
    await world.handle([start]);
    await world.deliver(remove, start);
    expect(startedAs('run-1')).toMatchObject({ code: 'WORKFLOW_NOT_FOUND' });
  });

  test('pins the agent that was put', async () => {
    const change = world.catalog({ type: 'put_agent', name: 'worker', source: `${agentSource}Well.\n` });
    await world.deliver(change, world.start('run-1', 'one'));
    expect(startedAs('run-1')).toMatchObject({ pins: { agents: { worker: 2 } } });
  });

  test('does not wait where that is about another workflow or agent', async () => {
    const other = put(workflow('two', [step('only')]), { workflowId: 'two' });
    const agent = world.catalog({ type: 'put_agent', name: 'another', source: agentSource });
    await world.handle([other, agent, world.start('run-1', 'one')]);
    expect(startedAs('run-1')).toMatchObject({ type: 'run.started' });
  });
});

describe('taking a workflow away', () => {
  const remove = () => world.catalog({ type: 'delete_workflow', workflowId: 'one' });
  const refusal = () => world.bus.events.find(({ data }) => data.type === 'catalog.command_refused')?.data;

  test('waits for the starts of it that were stored before, wherever they come from', async () => {
    const start = world.start('run-1', 'one');
    const removal = remove();
    remakeWith(start, removal);
    await world.handle([removal]);
    expect(refusal()).toBeUndefined();
    await world.deliver(start, removal);
    expect(startedAs('run-1')).toMatchObject({ type: 'run.started' });
    expect(refusal()).toMatchObject({ code: 'WORKFLOW_HAS_RUNS' });
  });

  test('waits for one whose input is still being checked', async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => index);
    const schema =
      'inputSchema: { type: object, properties: { items: { type: array, items: { type: integer } } } }\n';
    await world.putWorkflow(workflow('one', [step('only')], schema));
    await world.deliver(world.start('run-1', 'one', { items }), remove());
    expect(startedAs('run-1')).toMatchObject({ type: 'run.started' });
    expect(refusal()).toMatchObject({ code: 'WORKFLOW_HAS_RUNS' });
  });

  test('and putting it anew keep their order', async () => {
    const removal = remove();
    const again = put();
    remakeWith(removal, again);
    await world.deliver(again, removal);
    await world.deliver(world.start('run-1', 'one'));
    expect(startedAs('run-1')).toMatchObject({ workflow: { version: 2 } });
  });
});

test('a start waits for no command that was stored behind it, and for none of another workspace', async () => {
  const start = world.start('run-1', 'one');
  const change = put();
  remakeWith(start, change);
  const elsewhere = { subject: 'wf.task.catalog.elsewhere.c1', sequence: 1 };
  world.bus.undelivered.unshift(elsewhere);
  await world.deliver(start);
  expect(startedAs('run-1')).toMatchObject({ workflow: { version: 1 } });
});

test('a start goes on when the stream has nothing for the catalog any more, and asks no more', async () => {
  remakeWith();
  let asked = 0;
  const { next } = world.bus;
  world.bus.next = (...query) => {
    asked += 1;
    return next(...query);
  };
  await world.deliver(world.start('run-1', 'one'), world.start('run-2', 'one'));
  await world.deliver(world.start('run-3', 'one'));
  expect(startedAs('run-3')).toMatchObject({ type: 'run.started' });
  expect(asked).toBe(1);
});
