/**
 * What the orchestrator itself costs: decide and commit, over a real SQLite file, with an outlet that only counts.
 * Usage: node scripts/commit-cost.mjs [runs] [steps per run] [batch size] [task text]; prints one JSON line.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLogger } from '@signalbox/telemetry';
import { systemClock } from '../dist/clock.js';
import { createOrchestrator } from '../dist/orchestrator.js';
import { openDatabase } from '../dist/store/database.js';

const [runCount = 1000, stepCount = 10, batchSize = 200] = process.argv.slice(2, 5).map(Number);
const task = process.argv[5] ?? 'Check it';
const folder = mkdtempSync(join(tmpdir(), 'signalbox-cost-'));
const database = openDatabase(join(folder, 'orchestrator.sqlite'), Date.now());
const tasks = [];
let eventCount = 0;
const { intake, recover } = createOrchestrator({
  database,
  outlet: {
    publishAll: async (messages) => {
      for (const { subject, data } of messages) {
        if (subject.startsWith('wf.task.step.')) tasks.push(data);
        else eventCount += 1;
      }
    },
    withdraw: async () => undefined,
  },
  maxMessageBytes: () => 1_000_000,
  starlark: createStarlark(),
  clock: systemClock,
  logger: createLogger({ service: 'cost', level: 'warn' }),
  fail: (cause) => {
    throw cause;
  },
});
await recover();

let sequence = 0;
const delivery = (subject, body) => {
  sequence += 1;
  return {
    stream: 'WORKFLOW_TASKS',
    consumer: 'cost',
    subject,
    headers: {},
    data: Buffer.from(JSON.stringify(body)),
    deliveryCount: 1,
    streamSequence: sequence,
    ack: () => undefined,
    term: () => undefined,
  };
};
const base = (commandId) => ({ commandId, workspace: 'default', actor: 'user:bench', issuedAt: Date.now() });
const states = Array.from({ length: stepCount }, (_, index) => ({
  name: `s${index}`,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'worker', task },
  ...(index + 1 < stepCount ? { next: `s${index + 1}` } : { end: true }),
}));
const agent = '---\nmodel: scripted/test\nanswers:\n  - output: { ok: true }\n---\nDo {{ task }}.\n';
const source = JSON.stringify({ id: 'bench', version: '1', name: 'Bench', states });
await intake.handle([
  delivery('wf.task.catalog.default', { ...base('a'), type: 'put_agent', name: 'worker', source: agent }),
  delivery('wf.task.catalog.default', { ...base('w'), type: 'put_workflow', mode: 'put', source }),
]);

const output = { status: 'healthy', checked: ['a', 'b', 'c'], detail: 'x'.repeat(100) };
const resultOf = (text) => {
  const { workspace, runId, stepId, attempt, claim } = JSON.parse(text);
  const at = Date.now();
  return delivery(`wf.task.resume.step.${workspace}.${runId}.${stepId}`, {
    type: 'step.succeeded',
    workspace,
    runId,
    stepId,
    attempt,
    claim,
    worker: 'bench',
    startedAt: at,
    finishedAt: at,
    output,
  });
};

let wallMs = 0;
let cpuMicros = 0;
const handle = async (batch) => {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await intake.handle(batch);
  await new Promise((resolve) => setImmediate(resolve));
  wallMs += performance.now() - from;
  const used = process.cpuUsage(cpu);
  cpuMicros += used.user + used.system;
};

const starts = Array.from({ length: runCount }, (_, index) => {
  const runId = `0197f0a0-0000-7000-8000-${String(index).padStart(12, '0')}`;
  const fields = { type: 'start', runId, workflowId: 'bench', input: { service: 'web' } };
  return delivery(`wf.task.run.default.${runId}`, { ...base(`c${index}`), ...fields });
});
while (starts.length > 0) await handle(starts.splice(0, batchSize));
let firstMs;
let doneCount = 0;
while (tasks.length > 0) {
  const batch = tasks.splice(0, batchSize).map(resultOf);
  await handle(batch);
  doneCount += batch.length;
  if (firstMs === undefined && doneCount >= (runCount * stepCount) / 10) firstMs = wallMs;
}
await intake.stop();
const steps = runCount * stepCount;
const round = (value) => Math.round(value * 10) / 10;
process.stdout.write(
  `${JSON.stringify({
    runCount,
    stepCount,
    batchSize,
    task,
    stepsPerSecond: Math.round((steps / wallMs) * 1000),
    eventsPerSecond: Math.round((eventCount / wallMs) * 1000),
    cpuMicrosPerStep: round(cpuMicros / steps),
    firstTenthMs: round(firstMs ?? 0),
    wholeMs: round(wallMs),
  })}\n`,
);
database.close();
rmSync(folder, { recursive: true, force: true });
