import { maxStepPayloadBytes } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { afterAll, expect, test } from 'vitest';
import { createExecutorRegistry } from '../registry.js';
import { createEvaluationPool } from './evaluation-pool.js';
import { createExpressionExecutor } from './expression-evaluate.js';

const pool = createEvaluationPool(2);
afterAll(() => pool.close());
const executor = createExpressionExecutor(pool);
const logger = createLogger({ service: 'test', level: 'error', write: () => undefined });

const task = (input: unknown) =>
  ({ action: 'expression.evaluate', state: 's', input }) as Parameters<typeof executor.execute>[0];
const context = (signal: AbortSignal = new AbortController().signal) => ({ signal, logger, worker: 'w' });
const asked = (sources: readonly string[], values: object = {}, untilTrue = false) =>
  task({ questions: sources.map((source) => ({ kind: 'expression', source })), untilTrue, values });

const heavy = 'len(sorted([i % 7 for i in range(8000)])) == 8000';

test('each question is answered under the full limits, over the values of the task', async () => {
  expect(await executor.execute(asked([heavy, 'n + 1'], { n: 1 }), context())).toEqual({
    ok: true,
    output: {
      answers: [
        { ok: true, value: true },
        { ok: true, value: 2 },
      ],
    },
  });
});

test('what an expression does wrong is an answer, and the last one', async () => {
  expect(await executor.execute(asked(['1', 'sum(range(100000000))', '2']), context())).toMatchObject({
    ok: true,
    output: {
      answers: [
        { ok: true, value: 1 },
        { ok: false, code: 'EXPRESSION_LIMIT' },
      ],
    },
  });
});

test('of a switch nothing behind the first condition that is true is evaluated', async () => {
  expect(await executor.execute(asked(['false', 'true', 'missing'], {}, true), context())).toEqual({
    ok: true,
    output: {
      answers: [
        { ok: true, value: false },
        { ok: true, value: true },
      ],
    },
  });
});

test('values that a step could not report are PAYLOAD_TOO_LARGE', async () => {
  expect(await executor.execute(asked(['"x" * 300000', '"y" * 300000']), context())).toMatchObject({
    ok: true,
    output: { answers: [{ ok: true }, { ok: false, code: 'PAYLOAD_TOO_LARGE' }] },
  });
});

test('a value of exactly the limit is given, and one byte more is not', async () => {
  const registry = createExecutorRegistry([executor]);
  const text = (bytes: number) => registry.execute(asked([`"x" * ${bytes - 2}`]), context());
  expect(await text(maxStepPayloadBytes)).toMatchObject({ ok: true, output: { answers: [{ ok: true }] } });
  expect(await text(maxStepPayloadBytes + 1)).toMatchObject({
    ok: true,
    output: { answers: [{ ok: false, code: 'PAYLOAD_TOO_LARGE' }] },
  });
});

test('the event loop of the process is not held while threads evaluate', async () => {
  const evaluations = Promise.all(
    Array.from({ length: 4 }, () => executor.execute(asked([heavy, heavy, heavy]), context())),
  );
  let turns = 0;
  const isOver = evaluations.then(() => true);
  while (!(await Promise.race([isOver, new Promise((go) => setImmediate(go, false))]))) turns += 1;
  expect(turns).toBeGreaterThan(100);
  expect((await evaluations).every(({ ok }) => ok)).toBe(true);
});

test('what nobody waits for any more is given up, in the queue and at work, and the next one is answered', async () => {
  const abort = new AbortController();
  const long = Array.from({ length: 200 }, () => heavy);
  const given = Array.from({ length: 3 }, () => executor.execute(asked(long), context(abort.signal)));
  abort.abort();
  for (const execution of await Promise.all(given))
    expect(execution).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  expect(await executor.execute(asked(['1']), context())).toMatchObject({ ok: true });
});

test('an input that is no evaluation is the fault of who sent it', async () => {
  expect(await executor.execute(task({ questions: 'x' }), context())).toMatchObject({
    ok: false,
    error: { code: 'INTERNAL' },
  });
});
