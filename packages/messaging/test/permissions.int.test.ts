/** What the parties of the platform may not do, each refusal seen by its effect: nothing is stored, nothing is gone. */
import { EVENTS, TASKS } from '@signalbox/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkOf } from '../src/connection.js';
import { createPublisher, readStreamFacts } from '../src/index.js';
import { maySend, own, requests, startParties, subjects } from './parties.js';

let parties: Awaited<ReturnType<typeof startParties>>;
const as = (name: string) => parties.as(name);
const state = () => parties.state();
const send = (user: string, subject: string, data?: string) => parties.send(user, subject, data);
beforeAll(async () => {
  parties = await startParties();
});
afterAll(() => parties.stop());

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
      for (const [subject, body] of requests(stream))
        for (const prefix of ['$JS.API', 'wf.js']) await send(user, subject.replace('$JS.API', prefix), body);
    expect(await state()).toEqual(before);
  });

  test('reads no inbox but its own, and no task that is not claimed', async () => {
    const { nats, listen } = linkOf(as(user));
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
      listen(subject, (message) => void heard.push(message.subject));
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
  const { nats, listen, newInbox } = linkOf(as('agent-a'));
  const heard: string[] = [];
  const inbox = newInbox();
  const hear = (message: { subject: string; data: Uint8Array }) => {
    if (message.data.length > 0) heard.push(message.subject);
  };
  listen(inbox, hear);
  for (const subject of ['wf.event.run.b.>', 'wf.event.run.>', 'wf.event.step.b.r.s', 'wf.held.agent-b'])
    listen(subject, hear);
  for (const subject of [
    `DIRECT.GET.${EVENTS}.wf.event.run.b.r`,
    `DIRECT.GET.${EVENTS}`,
    `STREAM.MSG.GET.${EVENTS}`,
    `DIRECT.GET.${TASKS}.wf.task.agent.b.r.s`,
    `CONSUMER.MSG.NEXT.${TASKS}.agent-b`,
    `CONSUMER.CREATE.${EVENTS}`,
  ])
    for (const prefix of ['$JS.API', 'wf.js'])
      nats.publish(`${prefix}.${subject}`, JSON.stringify({ last_by_subj: 'wf.event.run.b.r', batch: 1 }), {
        reply: inbox,
      });
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
  const { manager, nats, listen, newInbox } = linkOf(as('orchestrator'));
  const reply = newInbox();
  const arrived = new Promise((resolve) => {
    listen(reply, resolve);
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

test('the log is not purged and loses no message, not even for the orchestrator', async () => {
  const before = await state();
  for (const stream of [TASKS, EVENTS]) await send('orchestrator', `$JS.API.STREAM.PURGE.${stream}`);
  await send('orchestrator', `$JS.API.STREAM.MSG.DELETE.${EVENTS}`, JSON.stringify({ seq: 1 }));
  expect(await state()).toEqual(before);
});
