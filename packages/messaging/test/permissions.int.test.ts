/** What the users of nats-server may not do, each refusal seen by its effect: nothing is stored, nothing is gone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueLogins, startEmbeddedNats } from '@signalbox/embedded-nats';
import { busUsers, busUsersFor, consumers, EVENTS, streamDeclarations, TASKS } from '@signalbox/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import {
  type Connection,
  createPublisher,
  openConnection,
  provision,
  readStreamFacts,
} from '../src/index.js';
import { logger } from './bus.js';

const users = busUsersFor(['a', 'b']);
const own = consumers.orchestratorRun.durable;
const everyDurable = [
  ...Object.values(consumers).flatMap((one) => (typeof one === 'function' ? [] : [one])),
  consumers.agent('a'),
  consumers.agent('b'),
];

let storeDir: string;
let server: Awaited<ReturnType<typeof startEmbeddedNats>>;
const connections = new Map<string, Connection>();
const as = (name: string): Connection => connections.get(name) as Connection;

beforeAll(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'signalbox-permissions-'));
  const logins = issueLogins(users);
  server = await startEmbeddedNats({ storeDir, logins });
  for (const { name, inboxPrefix } of users) {
    const password = logins.find((login) => login.name === name)?.password ?? '';
    const options = { url: server.url, name, inboxPrefix, login: { user: name, password }, logger };
    connections.set(name, await openConnection(options));
  }
  await provision(as('orchestrator'), { streams: streamDeclarations(), consumers: everyDurable });
  const publisher = createPublisher(as('orchestrator'));
  for (const subject of kept) await publisher.publish({ subject, data: 'kept' });
  publisher.close();
});
afterAll(async () => {
  for (const connection of connections.values()) await connection.close();
  await server.stop();
  await rm(storeDir, { recursive: true, force: true });
});

/** Lie in the streams from the start, so that there is something to lose. */
const kept = ['wf.task.run.a.r', 'wf.task.agent.b.r.s', 'wf.event.run.a.r', 'wf.event.run.b.r'];

const state = async () => {
  const { manager } = linkOf(as('orchestrator'));
  const [tasks, events] = [await manager.streams.info(TASKS), await manager.streams.info(EVENTS)];
  const names: string[] = [];
  for await (const { name } of manager.consumers.list(TASKS)) names.push(name);
  return {
    tasks: tasks.state,
    events: events.state,
    names: names.sort(),
    config: [tasks.config, events.config],
  };
};

/** Sends it as that user and returns when the server has dealt with it. */
const send = async (user: string, subject: string, data = ''): Promise<void> => {
  const { nats, newInbox } = linkOf(as(user));
  nats.publish(subject, data, { reply: newInbox() });
  await nats.flush();
};

const requests = (stream: string): readonly (readonly [string, string])[] => [
  [`$JS.API.STREAM.PURGE.${stream}`, ''],
  [`$JS.API.STREAM.DELETE.${stream}`, ''],
  [`$JS.API.STREAM.UPDATE.${stream}`, JSON.stringify({ name: stream, subjects: ['wf.x'] })],
  [`$JS.API.STREAM.CREATE.OTHER`, JSON.stringify({ name: 'OTHER', subjects: ['other'], storage: 'memory' })],
  [`$JS.API.STREAM.MSG.DELETE.${stream}`, JSON.stringify({ seq: 1 })],
  [`$JS.API.CONSUMER.DELETE.${stream}.${own}`, ''],
  [
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.mine`,
    JSON.stringify({ stream_name: stream, config: { durable_name: 'mine', ack_policy: 'none' } }),
  ],
  [
    `$JS.API.CONSUMER.CREATE.${stream}.mine`,
    JSON.stringify({ stream_name: stream, config: { name: 'mine', ack_policy: 'none' } }),
  ],
];

/** Every sort of message, each as if of workspace a. */
const subjects = [
  'wf.task.run.a.r',
  'wf.task.resume.step.a.r.s',
  'wf.task.resume.agent.a.r.s',
  'wf.task.resume.agent.b.r.s',
  'wf.task.resume.approval.a.r',
  'wf.task.resume.child.a.r',
  'wf.task.catalog.a',
  'wf.task.step.a.r.s',
  'wf.task.evaluate.a.r.s',
  'wf.task.agent.a.r.s',
  'wf.task.approval.request.a.r.p',
  'wf.task.approval.decision.a.r.p',
  'wf.task.deadletter.a',
  'wf.task.deadletter.b',
  'wf.event.run.a.r',
  'wf.event.step.a.r.s',
  'wf.event.approval.a.r.p',
  'wf.event.catalog.a',
  'wf.event.deadletter.a',
];
const maySend: Readonly<Record<string, readonly string[]>> = {
  'step-worker': ['wf.task.resume.step.a.r.s', 'wf.task.deadletter.a', 'wf.task.deadletter.b'],
  'agent-a': ['wf.task.resume.agent.a.r.s', 'wf.task.deadletter.a'],
  'agent-b': ['wf.task.resume.agent.b.r.s', 'wf.task.deadletter.b'],
  'approval-service': ['wf.task.resume.approval.a.r', 'wf.task.deadletter.a', 'wf.task.deadletter.b'],
  api: ['wf.task.run.a.r', 'wf.task.catalog.a', 'wf.task.approval.decision.a.r.p'],
  tap: [],
};

describe.each(Object.keys(maySend))('%s', (user) => {
  test('sends its own sorts of messages and no other', async () => {
    for (const subject of subjects) {
      const before = await state();
      await send(user, subject, 'x');
      const { tasks, events } = await state();
      const stored = tasks.last_seq + events.last_seq - before.tasks.last_seq - before.events.last_seq;
      expect(`${subject}: ${stored}`).toBe(`${subject}: ${maySend[user]?.includes(subject) ? 1 : 0}`);
    }
  });

  test('purges, deletes, changes and makes nothing', async () => {
    const before = await state();
    for (const stream of [TASKS, EVENTS])
      for (const [subject, body] of requests(stream)) await send(user, subject, body);
    expect(await state()).toEqual(before);
  });

  test('reads no inbox but its own, and no task that is not claimed', async () => {
    const { nats } = linkOf(as(user));
    const heard: string[] = [];
    const watch = [
      '>',
      '_INBOX.>',
      '_INBOX_orchestrator.>',
      '_INBOX_api.x',
      'wf.task.>',
      '$JS.ACK.>',
      '$JS.API.>',
    ];
    for (const subject of watch.filter((each) => !each.startsWith(`_INBOX_${user}.`)))
      nats.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) heard.push(message.subject);
        },
      });
    await nats.flush();
    const { nats: orchestrator } = linkOf(as('orchestrator'));
    await readStreamFacts(as('orchestrator'), TASKS);
    orchestrator.publish('wf.task.step.a.r.s9', 'x');
    await orchestrator.flush();
    await nats.flush();
    expect(heard).toEqual([]);
  });
});

test('an agent hears, reads and claims nothing of another workspace', async () => {
  const { nats, newInbox } = linkOf(as('agent-a'));
  const heard: string[] = [];
  const inbox = newInbox();
  const callback = (error: Error | null, message: { subject: string; data: Uint8Array }) => {
    if (error === null && message.data.length > 0) heard.push(message.subject);
  };
  nats.subscribe(inbox, { callback });
  for (const subject of ['wf.event.run.b.>', 'wf.event.run.>', 'wf.event.step.b.r.s', 'wf.held.agent-b'])
    nats.subscribe(subject, { callback });
  for (const subject of [
    `$JS.API.DIRECT.GET.${EVENTS}.wf.event.run.b.r`,
    `$JS.API.DIRECT.GET.${EVENTS}`,
    `$JS.API.STREAM.MSG.GET.${EVENTS}`,
    `$JS.API.DIRECT.GET.${TASKS}.wf.task.agent.b.r.s`,
    `$JS.API.CONSUMER.MSG.NEXT.${TASKS}.agent-b`,
    `$JS.API.CONSUMER.CREATE.${EVENTS}`,
  ])
    nats.publish(subject, JSON.stringify({ last_by_subj: 'wf.event.run.b.r', batch: 1 }), { reply: inbox });
  await nats.flush();
  const publisher = createPublisher(as('orchestrator'));
  await publisher.publish({ subject: 'wf.event.run.b.r', data: 'x' });
  publisher.close();
  await nats.flush();
  expect(heard).toEqual([]);
  const { num_pending, num_ack_pending } = await linkOf(as('orchestrator')).manager.consumers.info(
    TASKS,
    'agent-b',
  );
  expect({ num_pending, num_ack_pending }).toEqual({ num_pending: 1, num_ack_pending: 0 });
});

test('nobody but the orchestrator acknowledges what is the orchestrator’s', async () => {
  const { manager } = linkOf(as('orchestrator'));
  const { nats, newInbox } = linkOf(as('orchestrator'));
  const reply = newInbox();
  const arrived = new Promise((resolve) => {
    nats.subscribe(reply, { callback: (_error, message) => resolve(message) });
  });
  nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${TASKS}.${own}`, '{"batch":1}', { reply });
  await arrived;
  const held = await manager.consumers.info(TASKS, own);
  expect(held.num_ack_pending).toBe(1);
  const { stream_seq, consumer_seq } = held.delivered;
  const ack = `$JS.ACK.${TASKS}.${own}.1.${stream_seq}.${consumer_seq}.1.0`;
  for (const user of Object.keys(maySend)) await send(user, ack, '+ACK');
  expect((await manager.consumers.info(TASKS, own)).num_ack_pending).toBe(1);
  await send('orchestrator', ack, '+ACK');
  expect((await manager.consumers.info(TASKS, own)).num_ack_pending).toBe(0);
});

test('the api makes ephemeral consumers of the log, and no durable one', async () => {
  const { nats } = linkOf(as(busUsers.api.name));
  const ask = async (config: object) => {
    const body = JSON.stringify({ stream_name: EVENTS, config: { ack_policy: 'none', ...config } });
    const answer = await nats.request(`$JS.API.CONSUMER.CREATE.${EVENTS}`, body);
    return answer.json<{ name?: string; error?: { err_code: number } }>();
  };
  expect((await ask({ inactive_threshold: 1e9 })).name).toBeDefined();
  const { error } = await ask({ durable_name: 'mine' });
  expect(error).toBeDefined();
});

test('the log is not purged and loses no message, not even for the orchestrator', async () => {
  const before = await state();
  for (const stream of [TASKS, EVENTS]) await send('orchestrator', `$JS.API.STREAM.PURGE.${stream}`);
  await send('orchestrator', `$JS.API.STREAM.MSG.DELETE.${EVENTS}`, JSON.stringify({ seq: 1 }));
  expect(await state()).toEqual(before);
});

/**
 * What permissions cannot do on nats-server 2.9: the server answers wherever the asker says. Who may ask anything can
 * so have an answer published where it may publish nothing itself. When this fails, the server holds the border, and
 * docs/operations/nats-users.md can say so.
 */
test('an answer goes where the asker says, whatever it may publish', async () => {
  const { nats } = linkOf(as('step-worker'));
  const before = await state();
  nats.publish(`$JS.API.DIRECT.GET.${EVENTS}.wf.event.run.a.r`, '', { reply: 'wf.event.run.a.r' });
  await nats.flush();
  await readStreamFacts(as('orchestrator'), EVENTS);
  expect((await state()).events.last_seq).toBe(before.events.last_seq + 1);
});
