/** What takes long is answered by other threads: the input waits, in order, and everything else goes on. */
import type { Json } from '@signalbox/engine';
import { eventually } from '@signalbox/testing';
import { CheckThreads } from '@signalbox/validation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NeedsAnswer, OutsideAnswers } from '../src/outside.js';
import { agentSource, step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker', agentSource);
});
afterEach(() => world.close());

/** Too much for the orchestrator's own thread, and quickly checked by another. */
const manyItems = { items: Array.from({ length: 20_000 }, (_, index) => index) };
const wantsItems =
  'inputSchema: { type: object, required: [items], properties: { items: { type: array, items: { type: integer } } } }\n';
/** Valid as a schema; a check of it would visit 2^40 places. */
const endless = `inputSchema: { $ref: "#/$defs/d0", $defs: { ${Array.from({ length: 40 }, (_, level) => {
  const next = `{ $ref: "#/$defs/d${level + 1}" }`;
  return `d${level}: ${level === 39 ? '{ type: object }' : `{ allOf: [${next}, ${next}] }`}`;
}).join(', ')} } }\n`;

const cancel = (runId: string) =>
  world.command<'cancel'>({ type: 'cancel', runId, reason: 'changed my mind' });

test('a run whose input is large starts, and what came behind it is decided behind it', async () => {
  await world.putWorkflow(workflow('large', [step('only')], wantsItems));
  await world.putWorkflow(workflow('small', [step('only')]));
  const large = world.start('run-large', 'large', manyItems);
  const wrong = world.start('run-wrong', 'large', { items: [...manyItems.items, 'x'] });
  await world.deliver(large, cancel('run-large'), world.start('run-small', 'small'), wrong);
  expect(world.typesOf('run-large').filter((type) => type.startsWith('run.'))).toEqual([
    'run.started',
    'run.cancelled',
  ]);
  expect(world.row('run-small').status).toBe('RUNNING');
  expect(world.bus.events.find(({ runId }) => runId === 'run-wrong')?.data).toMatchObject({
    type: 'run.command_refused',
    code: 'INVALID_INPUT',
    message: 'the input does not fit: /items/20000 must be integer',
  });
});

test('what comes in a later batch waits as well', async () => {
  await world.putWorkflow(workflow('large', [step('only')], wantsItems));
  const start = world.start('run-1', 'large', manyItems);
  const signal = cancel('run-1');
  await world.handle([start]);
  expect(start.isSettled).toBe(false);
  await world.deliver(signal);
  expect(start.answer).toBe('ack');
  expect(world.row('run-1').status).toBe('CANCELLED');
});

test('nothing of an undecided input is committed: after a crash it comes again', async () => {
  await world.putWorkflow(workflow('large', [step('only')], wantsItems));
  const inboxCount = world.count('inbox');
  await world.handle([world.start('run-1', 'large', manyItems)]);
  const counts = ['inbox', 'workflow_runs', 'workflow_run_events'].map((table) => world.count(table));
  expect(counts).toEqual([inboxCount, 0, 0]);
  world.crash();
  await world.open();
  await world.deliver(world.start('run-1', 'large', manyItems));
  expect(world.row('run-1').status).toBe('RUNNING');
  expect(world.eventsOf('run-1').map(({ sequence }) => sequence)).toEqual(
    world.eventsOf('run-1').map((_, index) => index + 1),
  );
});

test('a flood of checks of one workspace, whatever its schemas, keeps no other waiting for longer than a check', async () => {
  const threads = new CheckThreads({ maxThreads: 1, maxValueMs: 200 });
  const outside = new OutsideAnswers(threads);
  const answered: string[] = [];
  const ask = (workspace: string, index: number): void => {
    const allOf = [{ type: 'array' }, { items: { enum: manyItems.items } }, { minItems: index }];
    try {
      outside.violationsIn(workspace)({ allOf } as unknown as Json, manyItems.items);
    } catch (cause) {
      if (!(cause instanceof NeedsAnswer)) throw cause;
      void cause.fetch().then(() => answered.push(workspace));
    }
  };
  for (let index = 0; index < 30; index += 1) ask('flood', index);
  ask('other', 0);
  await eventually(() => answered.includes('other'), {
    timeoutMs: 60_000,
    describe: 'the other is answered',
  });
  expect(answered.indexOf('other')).toBeLessThan(4);
  await threads.close();
});

test('of one workspace no more checks wait than its room: the next are answered at once, and others have theirs', async () => {
  // Each that waits holds a place among the deliveries that the server lets the orchestrator have at once.
  const threads = new CheckThreads({ maxThreads: 1, maxWaitingOfKey: 5 });
  const outside = new OutsideAnswers(threads);
  const answered: string[] = [];
  const check = (workspace: string, index: number): readonly string[] | undefined => {
    try {
      return outside.violationsIn(workspace)(
        { minItems: index, items: { type: 'integer' } },
        manyItems.items,
      );
    } catch (cause) {
      if (!(cause instanceof NeedsAnswer)) throw cause;
      void cause.fetch().then(() => answered.push(`${workspace} ${index}`));
      return undefined;
    }
  };
  for (let index = 0; index < 20; index += 1) check('flood', index);
  check('other', 0);
  await eventually(() => answered.length === 21, { timeoutMs: 60_000, describe: 'all are answered' });
  const refused = Array.from({ length: 20 }, (_, index) => check('flood', index)).filter(
    (violations) => violations?.[0] === 'it could not be checked: too many checks wait',
  );
  expect(refused).toHaveLength(15);
  expect(check('other', 0)).toEqual([]);
  await threads.close();
});

test('a check that does not end is answered as such; others start meanwhile', async () => {
  await world.putWorkflow(workflow('endless', [step('only')], endless));
  await world.putWorkflow(workflow('small', [step('only')]));
  const stuck = world.start('run-stuck', 'endless');
  await world.handle([stuck]);
  await world.deliver(world.start('run-small', 'small'));
  expect(stuck.isSettled).toBe(false);
  await eventually(() => stuck.isSettled, { timeoutMs: 30_000, describe: 'the check is given up' });
  expect(world.bus.events.find(({ runId }) => runId === 'run-stuck')?.data).toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('takes longer than'),
  });
});

test('the output of a run is checked outside too, and decided once', async () => {
  const items = '{ type: object, properties: { items: { type: array, items: { type: string } } } }';
  const wantsTexts = `outputSchema: { type: object, properties: { only: ${items} } }\n`;
  await world.putWorkflow(workflow('report', [step('only', 'resultPath: only, end: true')], wantsTexts));
  await world.deliver(world.start('run-1', 'report'));
  await world.deliver(world.succeeded(world.takeStep(), manyItems));
  expect(world.row('run-1').status).toBe('COMPLETED');
  expect(world.typesOf('run-1').filter((type) => type === 'step.succeeded')).toHaveLength(1);
  const ended = world.eventsOf('run-1').at(-1)?.data;
  expect(JSON.stringify(ended)).toContain('/only/items/0 must be string');
});

test('a definition of a thousand states is validated while runs go on', async () => {
  await world.putWorkflow(workflow('small', [step('only')]));
  const states = Array.from({ length: 1_000 }, (_, index) =>
    step(`s${index}`, index === 999 ? 'end: true' : `next: s${index + 1}`),
  );
  const put = world.catalog({ type: 'put_workflow', mode: 'put', source: workflow('large', states) });
  const again = world.catalog({ type: 'put_workflow', mode: 'create', source: workflow('large', states) });
  await world.handle([put, again]);
  for (let index = 0; index < 5; index += 1) await world.deliver(world.start(`run-${index}`, 'small'));
  expect(put.isSettled).toBe(false);
  await eventually(() => put.isSettled && again.isSettled, {
    timeoutMs: 30_000,
    describe: 'both are answered',
  });
  const answers = world.bus.events.filter(({ runId, sequence }) => runId === null && sequence >= 3);
  expect(answers.map(({ data }) => ('code' in data ? data.code : data.type))).toEqual([
    'catalog.workflow_put',
    'WORKFLOW_EXISTS',
  ]);
});
