import { createLogger } from '@signalbox/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerCalls, call, openConnection, subscribeLive } from '../src/index.js';
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

test('what a listener cannot read is left out and said, seldom; the connection goes on hearing', async () => {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'warn', write: (line) => lines.push(line) });
  const connection = await openConnection({ url: bus.url, name: 'test', logger });
  const answers = answerCalls(connection, 'wf.test.json', (text) => JSON.stringify(JSON.parse(text)));
  const live = subscribeLive(connection, 'wf.test.live', ({ subject }) => {
    throw new Error(`no idea what ${subject} says`);
  });
  await Promise.all([answers.ready, live.ready]);
  for (const subject of ['wf.test.json', 'wf.test.json', 'wf.test.live'])
    expect(await call(bus.connection, subject, '', 1)).toEqual({ kind: 'silence' });
  expect(await call(bus.connection, 'wf.test.json', '{"a":1}', 60_000)).toEqual({
    kind: 'answer',
    text: '{"a":1}',
  });
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(said.map(({ msg, subject }) => [msg, subject])).toEqual([
    ['what was heard cannot be read and is left out', 'wf.test.json'],
    ['what was heard cannot be read and is left out', 'wf.test.live'],
  ]);
  await connection.close();
});
