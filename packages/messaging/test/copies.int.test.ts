/**
 * A stream of several copies, any of which answers direct reads, also one that lags behind. The server's part is played
 * by the test: when a copy lags is not for a test to say.
 */
import { headers } from '@nats-io/nats-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import { type Connection, openConnection, readLast } from '../src/index.js';
import { logger, startBus } from './bus.js';

const apiPrefix = 'COPIES';
let bus: Awaited<ReturnType<typeof startBus>>;
let connection: Connection;
/** What the copies answer, one after the other: the number of a message, or that there is none. */
let answers: (number | undefined)[] = [];

beforeAll(async () => {
  bus = await startBus();
  for (const [stream, copyCount] of [
    ['ONE', 1],
    ['THREE', 3],
  ] as const)
    answerFor(stream, copyCount);
  await bus.connection.flush();
  const login = { user: 'anybody', password: 'anything' };
  connection = await openConnection({ url: bus.url, name: 'test', logger, login, apiPrefix });
});
afterAll(async () => {
  await connection.close();
  await bus.stop();
});

const answerFor = (stream: string, copyCount: number): void => {
  const { listen } = linkOf(bus.connection);
  listen(`${apiPrefix}.STREAM.INFO.${stream}`, (request) => {
    const config = { name: stream, allow_direct: true, num_replicas: copyCount };
    request.respond(JSON.stringify({ config, state: {}, created: new Date().toISOString() }));
  });
  listen(`${apiPrefix}.DIRECT.GET.${stream}.>`, (request) => {
    const sequence = answers.shift();
    request.respond('', {
      headers: sequence === undefined ? headers(404, 'Message Not Found') : found(sequence),
    });
  });
};

const found = (sequence: number) => {
  const added = headers();
  added.set('Nats-Stream', 'any');
  added.set('Nats-Subject', 'a.b');
  added.set('Nats-Sequence', `${sequence}`);
  added.set('Nats-Time-Stamp', new Date().toISOString());
  return added;
};

const lastOf = async (stream: string, ...given: (number | undefined)[]) => {
  answers = given;
  const sequence = (await readLast(connection, stream, 'a.b'))?.sequence;
  return { sequence, unasked: answers.length };
};

test.each([
  { first: 4, second: 7, sequence: 7, why: 'the first one lags' },
  { first: 7, second: 4, sequence: 7, why: 'the second one lags' },
  { first: undefined, second: 7, sequence: 7, why: 'the first one has none yet' },
  { first: 7, second: undefined, sequence: 7, why: 'the second one has none yet' },
  { first: undefined, second: undefined, sequence: undefined, why: 'there is none' },
])(
  'of several copies two are asked, and the newer message counts: $why',
  async ({ first, second, sequence }) => {
    expect(await lastOf('THREE', first, second)).toEqual({ sequence, unasked: 0 });
  },
);

test('where it does not matter how far a copy lags, one is asked', async () => {
  answers = [4, 7];
  expect((await readLast(connection, 'THREE', 'a.b', { mayLag: true }))?.sequence).toBe(4);
  expect(answers).toEqual([7]);
});

test('a single copy is asked once', async () => {
  expect(await lastOf('ONE', 4, 7)).toEqual({ sequence: 4, unasked: 1 });
});
