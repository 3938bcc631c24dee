/**
 * Processor time that the orchestrator itself spends on a step: decoding, deciding, SQLite, encoding, without any NATS.
 * `node apps/orchestrator/bench/turn-cost.mjs [rounds]`: runs of 10 sequential steps, 500 results at once, a folder in
 * memory where there is one. The smallest of the rounds says most on a busy machine.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeStepReport, taskSubjects } from '@signalbox/protocol';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLogger } from '@signalbox/telemetry';
import { CheckThreads } from '@signalbox/validation';
import { systemClock } from '../dist/clock.js';
import { createOrchestrator } from '../dist/orchestrator.js';
import { openDatabase } from '../dist/store/database.js';

const rounds = Number(process.argv[2] ?? 8);
const runCount = 500;
const stepCount = 10;

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'turn-cost-'));
let sequence = 0;
const tasks = [];
const headers = { 'signalbox-version': '1' };
const deliver = ({ subject, data }) => {
  sequence += 1;
  const [, , kind] = subject.split('.');
  return {
    subject,
    data: Buffer.from(data),
    headers,
    stream: 'WORKFLOW_TASKS',
    streamSequence: sequence,
    storedAt: Date.now(),
    deliveryCount: 1,
    pendingCount: 0,
    consumer: `orchestrator-${kind}`,
    isSettled: false,
    ack() {
      this.isSettled = true;
    },
    nak() {
      throw new Error(`given back: ${subject}`);
    },
    term() {
      throw new Error(`refused: ${subject}`);
    },
    working: () => undefined,
  };
};

async function* noTasks() {
  yield* [];
}

const outlet = {
  publishAll: async (messages) =>
    messages.map(({ subject, data }) => {
      sequence += 1;
      if (subject.startsWith('wf.task.step.')) tasks.push(data);
      return { stream: 'test', sequence, isDuplicate: false };
    }),
  withdraw: async () => undefined,
};
const queue = {
  last: async () => undefined,
  createdAt: async () => 1,
  delete: async () => undefined,
  claimedTasks: noTasks,
  mendConsumers: async () => [],
};

const database = openDatabase(join(folder, 'orchestrator.sqlite'), Date.now());
const checks = new CheckThreads();
const { intake, recover } = createOrchestrator({
  database,
  outlet,
  queue,
  maxPayloadBytes: () => 1_048_576,
  starlark: createStarlark(),
  runLimits: { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 },
  checks,
  clock: systemClock,
  tell: () => undefined,
  logger: createLogger({ service: 'bench', level: 'warn' }),
  fail: (cause) => {
    throw cause;
  },
});
await recover();
intake.start();

const settled = async (deliveries) => {
  await intake.handle(deliveries);
  while (deliveries.some(({ isSettled }) => !isSettled))
    await new Promise((resolve) => setImmediate(resolve));
};
const base = (id) => ({ commandId: id, workspace: 'default', actor: 'user:alice', issuedAt: Date.now() });
const state = (index) => ({
  name: `s${index + 1}`,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'noop', task: 'nothing' },
  ...(index + 1 === stepCount ? { end: true } : { next: `s${index + 2}` }),
});
const source = JSON.stringify({
  id: 'sequential',
  version: '1',
  name: 'sequential',
  start: 's1',
  states: Array.from({ length: stepCount }, (_, index) => state(index)),
});
const agent = '---\nmodel: scripted/noop\nanswers:\n  - output: {}\n---\n';
const catalog = (body) =>
  deliver({ subject: taskSubjects.catalog('default', body.commandId), data: JSON.stringify(body) });
await settled([catalog({ ...base('c1'), type: 'put_agent', name: 'noop', source: agent })]);
await settled([catalog({ ...base('c2'), type: 'put_workflow', mode: 'put', source })]);

const report = (data) => {
  const { workspace, runId, stepId, attempt, claim } = JSON.parse(data);
  const at = Date.now();
  const about = { workspace, runId, stepId, attempt, claim, worker: 'w', startedAt: at, finishedAt: at };
  return deliver(encodeStepReport({ ...about, type: 'step.succeeded', output: {} }, 'worker'));
};

const costs = [];
for (let round = 0; round < rounds; round += 1) {
  const starts = Array.from({ length: runCount }, (_, index) => {
    const runId = `run-${round}-${index}-3f1c8a52-6f2e`;
    const body = {
      ...base(`s-${round}-${index}`),
      type: 'start',
      runId,
      workflowId: 'sequential',
      input: {},
    };
    return deliver({ subject: taskSubjects.run('default', runId), data: JSON.stringify(body) });
  });
  await settled(starts);
  let spent = 0;
  let count = 0;
  while (tasks.length > 0) {
    const deliveries = tasks.splice(0).map(report);
    const before = process.cpuUsage();
    await settled(deliveries);
    const { user, system } = process.cpuUsage(before);
    spent += user + system;
    count += deliveries.length;
  }
  costs.push(spent / count);
}
const shown = costs.map((cost) => Math.round(cost));
console.log(`µs of processor time a step, by round: ${shown.join(' ')}; the least ${Math.min(...shown)}`);
await intake.stop();
checks.close();
database.close();
rmSync(folder, { recursive: true });
