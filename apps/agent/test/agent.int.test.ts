import { resolve } from 'node:path';
import { readLast, textOf } from '@signalbox/messaging';
import {
  consumers,
  decodeResumeMessage,
  encodeStepTask,
  type StepTask,
  streamDeclarations,
  TASKS,
  taskSubjects,
} from '@signalbox/protocol';
import {
  eventually,
  type SpawnedProcess,
  spawnProcess,
  startTestBus,
  type TestBus,
} from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let bus: TestBus;
let agent: SpawnedProcess;

const send = async (workspace: string, runId: string): Promise<void> => {
  const { agent, ...task }: StepTask = {
    runId,
    stepId: 's1',
    attempt: 1,
    claim: 'c',
    workspace,
    workflow: { id: 'w', version: 1 },
    scope: '',
    state: 'greet',
    action: 'agent.run',
    input: { agent: 'greeter', task: 'Ada' },
    agent: {
      name: 'greeter',
      model: { provider: 'scripted', name: 'demo' },
      config: {},
      prompt: { kind: 'expression', expression: 'task' },
      answers: [{ output: { kind: 'literal', value: 'Hello' }, latencyMs: 0, failTimes: 0 }],
    },
    outputValidation: 'warn',
    scheduledAt: Date.now(),
    idempotencyKey: `default:${runId}:s1:1`,
  };
  const parts = { target: 'agent', effectId: runId, agentText: JSON.stringify(agent) } as const;
  await bus.publisher.publish(encodeStepTask(task, parts));
};

const reportOf = (workspace: string, runId: string) =>
  readLast(bus.connection, TASKS, taskSubjects.resumeAgent(workspace, runId, 's1'));

beforeAll(async () => {
  bus = await startTestBus({
    topology: { streams: streamDeclarations(), consumers: [consumers.agent('acme')] },
  });
  agent = spawnProcess({
    script: resolve(import.meta.dirname, '../dist/main.js'),
    env: { SIGNALBOX_NATS_URL: bus.url, SIGNALBOX_WORKSPACE: 'acme', SIGNALBOX_WORKER_NAME: 'site-1' },
  });
  await agent.ready;
});
afterAll(async () => {
  agent.kill('SIGTERM');
  await agent.exited;
  await bus.stop();
});

test('the agent executes the steps of its workspace and leaves those of others alone', async () => {
  await send('other', 'r1');
  await send('acme', 'r2');
  const report = await eventually(() => reportOf('acme', 'r2'));
  expect(decodeResumeMessage(textOf(report))).toMatchObject({
    type: 'step.succeeded',
    worker: 'site-1',
    output: { result: 'Hello' },
  });
  expect(await reportOf('other', 'r1')).toBeUndefined();
  expect(await readLast(bus.connection, TASKS, taskSubjects.agent('other', 'r1', 's1'))).toBeDefined();
});
