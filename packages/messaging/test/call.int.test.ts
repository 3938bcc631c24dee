import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerCalls, call } from '../src/index.js';
import { startBus } from './bus.js';

let bus: Awaited<ReturnType<typeof startBus>>;

beforeAll(async () => {
  bus = await startBus();
});

afterAll(() => bus.stop());

test('where nobody listens the answer is "nobody", however little time is given', async () => {
  expect(await call(bus.connection, 'wf.test.nobody', 'who?', 0)).toEqual({ kind: 'nobody' });
});

test('who listens answers, and who listens without answering is silent', async () => {
  const answers = answerCalls(bus.connection, 'wf.test.somebody', (text) =>
    text === 'who?' ? 'me' : undefined,
  );
  await answers.ready;
  expect(await call(bus.connection, 'wf.test.somebody', 'who?', 60_000)).toEqual({
    kind: 'answer',
    text: 'me',
  });
  expect(await call(bus.connection, 'wf.test.somebody', 'something else', 1)).toEqual({ kind: 'silence' });
  answers.close();
});
