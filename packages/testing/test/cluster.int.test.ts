/**
 * What three copies of a stream are worth. The first test documents nats-server 2.9.10, so that a newer one is checked by
 * running it; the second is the reason why nothing has a message id in a cluster (`publisher.ts` in `packages/messaging`).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Connection,
  createPublisher,
  deleteMessage,
  type OutgoingMessage,
  openConnection,
  type Publisher,
  provision,
} from '@signalbox/messaging';
import { headers, type StreamDeclaration, streamDeclarations, TASKS } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, type NatsServers } from '../src/index.js';
import { startNatsServers } from '../src/nats-servers.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const patience = { timeoutMs: 60_000 };
let folder: string;
let servers: NatsServers;
let connection: Connection;
let publisher: Publisher;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'));
  servers = await startNatsServers(folder, 3, {});
  connection = await openConnection({ url: servers.url, name: 'test', logger });
  publisher = createPublisher(connection);
  await provision(connection, {
    streams: [...queue('KNOWN'), ...queue('NAMELESS')],
    consumers: [],
  });
});
afterAll(async () => {
  publisher.close();
  await connection.close();
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As the stream of tasks, with three copies. */
const queue = (name: string): StreamDeclaration[] =>
  streamDeclarations()
    .filter((stream) => stream.name === TASKS)
    .map((stream) => ({ ...stream, name, subjects: [`${name}.>`], replicas: 3 }));

const count = 10;

/** Publishes all twice, removes what is stored, and kills a member that does not lead the stream. */
const tryOut = async (stream: string, messages: readonly OutgoingMessage[]): Promise<void> => {
  const outcomes = [...(await publisher.publishAll(messages)), ...(await publisher.publishAll(messages))];
  for (const sequence of new Set(outcomes.map((each) => each.sequence ?? 0)))
    expect(await deleteMessage(connection, stream, sequence)).toBe(true);
  await eventually(async () => (await servers.messageCounts(stream)).every((left) => left === 0), patience);
  const leader = await servers.leaderOf(stream);
  const follower = servers.labels.find((label) => label !== leader) ?? '';
  await servers.kill(follower);
  await servers.restart(follower);
  await servers.untilInSync();
};

test('a member that was killed stores again what was a duplicate and is removed, and numbers otherwise (2.9.10)', async () => {
  await tryOut(
    'KNOWN',
    Array.from({ length: count }, (_, index) => ({
      subject: `KNOWN.${index}`,
      data: 'any',
      headers: { [headers.messageId]: `${index}` },
    })),
  );
  await eventually(async () => new Set(await servers.lastSequences('KNOWN')).size === 2, patience);
});

test('what is published here is no duplicate in a cluster: a member that was killed numbers as the others do', async () => {
  await tryOut(
    'NAMELESS',
    Array.from({ length: count }, (_, index) => ({
      subject: `NAMELESS.${index}`,
      data: 'any',
      id: `${index}`,
    })),
  );
  // One more, which each member stores behind all that it has.
  const { sequence = 0 } = await publisher.publish({ subject: 'NAMELESS.more', data: 'any' });
  expect(sequence).toBe(2 * count + 1);
  await eventually(
    async () => (await servers.lastSequences('NAMELESS')).every((last) => last === sequence),
    patience,
  );
});

test('deleting a number that the stream has not reached disturbs nobody', async () => {
  expect(await deleteMessage(connection, 'NAMELESS', 1_000)).toBe(false);
  expect((await publisher.publish({ subject: 'NAMELESS.after', data: 'any' })).sequence).toBe(2 * count + 2);
});
