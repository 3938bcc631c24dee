/** A nats-server with every party of the platform, as `deploy/nats` has it, and what the tests of its borders look at. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueLogins, type ServerUser, startEmbeddedNats } from '@signalbox/embedded-nats';
import { busUsersFor, consumers, EVENTS, streamDeclarations, TASKS } from '@signalbox/protocol';
import { linkOf } from '../src/connection.js';
import { type Connection, createPublisher, openConnection, provision } from '../src/index.js';
import { logger } from './bus.js';

export const users = busUsersFor(['a', 'b']);
/** A consumer of the orchestrator. */
export const own = consumers.orchestratorRun.durable;
const everyDurable = [
  ...Object.values(consumers).flatMap((one) => (typeof one === 'function' ? [] : [one])),
  consumers.agent('a'),
  consumers.agent('b'),
];

/** Lie in the streams from the start, so that there is something to lose. */
const kept = ['wf.task.run.a.r', 'wf.task.agent.b.r.s', 'wf.event.run.a.r', 'wf.event.run.b.r'];

/** `others` are further users of the streams' own account. */
export const startParties = async (others: readonly ServerUser[] = []) => {
  const storeDir = await mkdtemp(join(tmpdir(), 'signalbox-parties-'));
  const logins = issueLogins([...users, ...others]);
  const server = await startEmbeddedNats({ storeDir, logins });
  const connections = new Map<string, Connection>();
  for (const { name, password } of logins) {
    const known = users.find((each) => each.name === name);
    const prefixes =
      known === undefined ? {} : { inboxPrefix: known.inboxPrefix, apiPrefix: known.apiPrefix };
    const login = { user: name, password };
    connections.set(name, await openConnection({ url: server.url, name, login, logger, ...prefixes }));
  }
  const as = (name: string): Connection => {
    const connection = connections.get(name);
    if (connection === undefined) throw new Error(`there is no party ${name}`);
    return connection;
  };
  await provision(as('orchestrator'), { streams: streamDeclarations(), consumers: everyDurable });
  const publisher = createPublisher(as('orchestrator'));
  for (const subject of kept) await publisher.publish({ subject, data: 'kept' });
  publisher.close();
  const state = async () => {
    const { manager } = linkOf(as('orchestrator'));
    const [tasks, events] = [await manager.streams.info(TASKS), await manager.streams.info(EVENTS)];
    const names: string[] = [];
    for await (const { name } of manager.consumers.list(TASKS)) names.push(name);
    for await (const { name } of manager.consumers.list(EVENTS)) names.push(name);
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
  const stop = async () => {
    for (const connection of connections.values()) await connection.close();
    await server.stop();
    await rm(storeDir, { recursive: true, force: true });
  };
  return { as, state, send, stop };
};

export const requests = (stream: string): readonly (readonly [string, string])[] => [
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
    `$JS.API.STREAM.CREATE.COPY`,
    JSON.stringify({ name: 'COPY', storage: 'memory', sources: [{ name: stream }] }),
  ],
  [
    `$JS.API.STREAM.CREATE.AGAIN`,
    JSON.stringify({
      name: 'AGAIN',
      storage: 'memory',
      subjects: ['again'],
      republish: { src: '>', dest: 'wf.event.run.a.r' },
    }),
  ],
  // Delivers where it says, in the account of the stream.
  [
    `$JS.API.CONSUMER.CREATE.${stream}`,
    JSON.stringify({
      stream_name: stream,
      config: {
        ack_policy: 'none',
        deliver_subject: 'wf.task.run.a.r',
        flow_control: true,
        idle_heartbeat: 1e9,
      },
    }),
  ],
  [
    `$JS.API.CONSUMER.CREATE.${stream}.mine`,
    JSON.stringify({ stream_name: stream, config: { name: 'mine', ack_policy: 'none' } }),
  ],
];

/** Every sort of message, each as if of workspace a. */
export const subjects = [
  'wf.task.run.a.r',
  'wf.task.run.a.r.orchestrator',
  'wf.task.resume.step.a.r.s',
  'wf.task.resume.agent.a.r.s',
  'wf.task.resume.agent.b.r.s',
  'wf.task.resume.approval.a.r',
  'wf.task.resume.child.a.r',
  'wf.task.catalog.a.c',
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
export const maySend: Readonly<Record<string, readonly string[]>> = {
  'step-worker': ['wf.task.resume.step.a.r.s', 'wf.task.deadletter.a', 'wf.task.deadletter.b'],
  'agent-a': ['wf.task.resume.agent.a.r.s', 'wf.task.deadletter.a'],
  'agent-b': ['wf.task.resume.agent.b.r.s', 'wf.task.deadletter.b'],
  'approval-service': ['wf.task.resume.approval.a.r', 'wf.task.deadletter.a', 'wf.task.deadletter.b'],
  api: ['wf.task.run.a.r', 'wf.task.catalog.a.c', 'wf.task.approval.decision.a.r.p'],
  tap: [],
};
