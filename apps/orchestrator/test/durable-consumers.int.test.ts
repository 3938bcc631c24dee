import { consumerNames } from '@signalbox/messaging';
import { streamDeclarations, TASKS, taskSubjects } from '@signalbox/protocol';
import { eventually, startTestBus, type TestBus } from '@signalbox/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DurableConsumers } from '../src/durable-consumers.js';

let bus: TestBus;
const stopping = new AbortController();
beforeEach(async () => {
  bus = await startTestBus({ topology: { streams: streamDeclarations(), consumers: [] } });
});
afterEach(async () => {
  stopping.abort();
  await bus.stop();
});

test('a workspace whose agent is asked for the first time gets a consumer, which is kept from then on', async () => {
  const failures: unknown[] = [];
  const durables = new DurableConsumers({
    connection: bus.connection,
    workspace: 'default',
    signal: stopping.signal,
    fail: (cause) => void failures.push(cause),
  });
  expect(durables.declared.map(({ durable }) => durable)).toEqual(
    expect.arrayContaining(['step-worker', 'approval-service', 'agent-default']),
  );
  const sent = [taskSubjects.step('acme', 'r', 's'), taskSubjects.agent('acme', 'r', 's')];
  durables.noteSent(sent.map((subject) => ({ subject })));
  await eventually(async () => (await consumerNames(bus.connection, TASKS)).includes('agent-acme'));
  durables.noteSent(sent.map((subject) => ({ subject })));
  expect(durables.declared.filter(({ durable }) => durable === 'agent-acme')).toHaveLength(1);
  expect(failures).toEqual([]);
});
