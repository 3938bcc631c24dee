/** Schemas, values and definitions of the worst kind: they are answered, and nobody else waits for them. */
import { startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Answer,
  type Json,
  mustCreate,
  request,
  type State,
  workflowSource,
} from './support/tables-platform.js';

let world: World;

const runsRoot = '/api/v1/workflow-runs';
const inject: State = { name: 'only', type: 'inject', data: { done: true } };

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api']);
  await mustCreate(world, workflowSource('small', [inject]));
});
afterAll(() => world?.stop());

const start = (workflow: string, input: Json): Promise<Answer> =>
  request(world.apiUrl, 'POST', runsRoot, { workflow, input });

/** Starts small runs, one after the other, until the work is done: how many there were, and the slowest. */
const beside = async (
  work: Promise<Answer>,
): Promise<{ answer: Answer; count: number; slowestMs: number }> => {
  let isDone = false;
  let count = 0;
  let slowestMs = 0;
  const answered = work.finally(() => {
    isDone = true;
  });
  do {
    const from = performance.now();
    expect((await start('small', {})).status).toBe(201);
    slowestMs = Math.max(slowestMs, performance.now() - from);
    count += 1;
  } while (!isDone);
  return { answer: await answered, count, slowestMs };
};

/** Generous for a busy machine: a standstill was 10 s and more. */
const maxWaitMs = 3_000;

test('an enum of 20,000 values against 60,000 items', async () => {
  const values = Array.from({ length: 20_000 }, (_, index) => index);
  const inputSchema = { type: 'object', properties: { items: { type: 'array', items: { enum: values } } } };
  await mustCreate(world, workflowSource('enum', [inject], { inputSchema }));
  const { answer, slowestMs } = await beside(start('enum', { items: Array<number>(60_000).fill(19_999) }));
  expect(answer.status).toBe(201);
  expect(slowestMs).toBeLessThan(maxWaitMs);
  const wrong = await start('enum', { items: [...Array<number>(60_000).fill(19_999), -1] });
  expect(wrong.body).toMatchObject({
    code: 'INVALID_INPUT',
    detail: expect.stringContaining('/items/60000'),
  });
});

test('a pattern that a backtracking matcher never ends', async () => {
  const inputSchema = { type: 'object', properties: { name: { type: 'string', pattern: '^(a+)+$' } } };
  await mustCreate(world, workflowSource('pattern', [inject], { inputSchema }));
  const { answer, slowestMs } = await beside(start('pattern', { name: `${'a'.repeat(50_000)}!` }));
  expect(answer.body).toMatchObject({ code: 'INVALID_INPUT', detail: expect.stringContaining('must match') });
  expect(slowestMs).toBeLessThan(maxWaitMs);
  expect((await start('pattern', { name: 'a'.repeat(50_000) })).status).toBe(201);
});

test('a pattern that is no regular language is a finding with its place', async () => {
  const inputSchema = { type: 'object', properties: { name: { type: 'string', pattern: '^(a)\\1$' } } };
  const answer = await request(
    world.apiUrl,
    'POST',
    '/api/v1/workflows',
    workflowSource('refused', [inject], { inputSchema }),
  );
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([
    {
      code: 'INVALID_SCHEMA',
      path: '/inputSchema/properties/name/pattern',
      message: expect.stringContaining('back-reference'),
      hint: expect.stringContaining('linear time'),
    },
  ]);
});

test('a schema whose references double forty times', async () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, level): [string, Json] => {
      const next = { $ref: `#/$defs/d${level + 1}` };
      return [`d${level}`, level === 39 ? { type: 'object' } : { allOf: [next, next] }];
    }),
  );
  await mustCreate(
    world,
    workflowSource('endless', [inject], { inputSchema: { $ref: '#/$defs/d0', $defs } }),
  );
  const { answer, count, slowestMs } = await beside(start('endless', {}));
  expect(answer.body).toMatchObject({
    code: 'INVALID_INPUT',
    detail: expect.stringContaining('takes longer'),
  });
  expect(count).toBeGreaterThan(1);
  expect(slowestMs).toBeLessThan(maxWaitMs);
});

test('six definitions of a thousand states at once', async () => {
  const put = (id: string) => {
    const states = Array.from(
      { length: 1_000 },
      (_, index): State => ({
        name: `s${index}`,
        type: 'inject',
        data: { number: index },
      }),
    );
    return request(world.apiUrl, 'POST', '/api/v1/workflows', workflowSource(id, states));
  };
  const puts = Array.from({ length: 6 }, (_, index) => put(`thousand-${index}`));
  const { slowestMs } = await beside(Promise.all(puts).then(([first]) => first as Answer));
  expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(Array(6).fill(201));
  expect(slowestMs).toBeLessThan(maxWaitMs);
});
