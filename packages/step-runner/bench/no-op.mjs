/**
 * Steps per second of one step loop over a real nats-server, with an executor that does nothing.
 * `node bench/no-op.mjs [steps] [concurrency]`, after a build.
 */
import { createExecutorRegistry } from '@signalbox/executors';
import { consumers, streamDeclarations, TASKS, taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { startTestBus } from '@signalbox/testing';
import { runSteps } from '../dist/index.js';

const stepCount = Number(process.argv[2] ?? 20_000);
const concurrency = Number(process.argv[3] ?? 256);
const bus = await startTestBus({
  topology: { streams: streamDeclarations(), consumers: [consumers.stepWorker] },
});

const task = (index) => ({
  runId: `run-${index % 200}`,
  stepId: `step-${index}`,
  attempt: 1,
  claim: 'a'.repeat(64),
  workspace: 'default',
  workflow: { id: 'bench', version: 1 },
  scope: '',
  state: 'work',
  action: 'agent.run',
  input: { agent: 'no-op', task: 'nothing' },
  agent: null,
  outputValidation: 'warn',
  scheduledAt: 0,
  idempotencyKey: `run-${index % 200}:step-${index}:1`,
});
await bus.publisher.publishAll(
  Array.from({ length: stepCount }, (_, index) => ({
    subject: taskSubjects.step('default', task(index).runId, task(index).stepId),
    data: JSON.stringify(task(index)),
  })),
);

let publishedCount = 0;
let onDone;
const done = new Promise((resolve) => {
  onDone = resolve;
});
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
const steps = runSteps({
  connection: await bus.connect('worker'),
  publisher: {
    publish: async (message) => {
      const outcome = await bus.publisher.publish(message);
      publishedCount += 1;
      if (publishedCount === stepCount) onDone();
      return outcome;
    },
  },
  consumer: consumers.stepWorker,
  registry: createExecutorRegistry([
    { action: 'agent.run', execute: async () => ({ ok: true, output: { result: 'nothing' } }) },
  ]),
  concurrency,
  workerName: 'bench',
  workspace: 'default',
  logger: createLogger({ service: 'bench', level: 'silent' }),
});
await done;
const seconds = (performance.now() - startedAt) / 1000;
const cpu = process.cpuUsage(cpuBefore);
await steps.stop();
console.log(
  JSON.stringify({
    workload: 'step-runner no-op',
    stream: TASKS,
    steps: stepCount,
    concurrency,
    seconds: Number(seconds.toFixed(3)),
    stepsPerSecond: Math.round(stepCount / seconds),
    workerCpuMicrosPerStep: Math.round((cpu.user + cpu.system) / stepCount),
  }),
);
await bus.stop();
