/** A worker that stood still for longer than the ack wait, with tasks that had been delivered to it meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readLast } from '@signalbox/messaging';
import { TASKS, taskSubjects } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createManualExecutor,
  currentRunId,
  heartbeatMs,
  type StepWorld,
  startStepWorld,
  taskOf,
} from './step-world.js';

/** Says what it executes. */
const program = `
import { createExecutorRegistry } from '@signalbox/executors';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { consumers } from '@signalbox/protocol';
import { runSteps } from '@signalbox/step-runner';
import { createLogger } from '@signalbox/telemetry';
const logger = createLogger({ service: 'test', level: 'silent' });
const connection = await openConnection({ url: process.env.BUS_URL, name: 'worker', logger });
runSteps({
  connection,
  publisher: createPublisher(connection),
  consumer: consumers.stepWorker,
  registry: createExecutorRegistry([
    {
      action: 'agent.run',
      execute: async (task) => {
        console.log(task.stepId);
        return { ok: true, output: {} };
      },
    },
  ]),
  concurrency: 4,
  workerName: 'frozen',
  workspace: 'default',
  logger,
  heartbeatMs: ${heartbeatMs},
  settlingMs: 50,
  echoWaitMs: 200,
});
`;

let world: StepWorld;
let child: ChildProcess;
const executed: string[] = [];

beforeAll(async () => {
  world = await startStepWorld();
  child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, BUS_URL: world.bus.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => executed.push(line));
});
afterAll(async () => {
  child.kill('SIGKILL');
  await once(child, 'exit');
  await world.stop();
});

const isStored = async (stepId: string): Promise<boolean> => {
  const subject = taskSubjects.resumeStep('default', currentRunId(), stepId);
  return (await readLast(world.bus.connection, TASKS, subject)) !== undefined;
};

test('executes nothing of what others have done meanwhile', async () => {
  await world.send(taskOf('before'));
  await eventually(() => executed.includes('before'), { describe: 'the worker is at work' });
  await world.untilNoTaskIsLeft();
  await world.hearNothing();
  child.kill('SIGSTOP');
  const steps = ['a', 'b', 'c', 'd'];
  // As many as it has asked for: the server believes that it has them.
  await world.send(...steps.map((stepId) => taskOf(stepId)));
  const { registry, started } = createManualExecutor();
  world.start({ registry });
  await eventually(() => started.length === steps.length, { describe: 'another worker has them' });
  for (const { finish } of started) finish();
  await eventually(async () => (await Promise.all(steps.map(isStored))).every(Boolean), {
    describe: 'their results wait',
  });
  // What it was given lies in its socket; what is asked of it after that has waited behind that.
  child.kill('SIGCONT');
  await world.send(taskOf('after'), taskOf('after-2'));
  await eventually(() => executed.length + started.length >= steps.length + 3, {
    describe: 'what was sent later is begun',
  });
  for (const { finish } of started) finish();
  // As the orchestrator does: a result leaves the queue when the log has it.
  for (const stepId of steps) await world.happen({ type: 'step.succeeded', stepId, attempt: 1, output: {} });
  world.hearAgain();
  await world.untilNoTaskIsLeft();
  expect(executed.filter((stepId) => steps.includes(stepId))).toEqual([]);
});
