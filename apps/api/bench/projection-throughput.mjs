/**
 * How many events a second the projection applies, on one core, from message bytes to committed rows in a file:
 *   node apps/api/bench/projection-throughput.mjs [runs=1000] [steps=10] [batch=1000]
 * The events are those of runs of sequential steps that go on at the same time (two events a step).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent } from '@signalbox/protocol';
import { Projection } from '../dist/read-model/projection.js';
import { openReadModelDatabase } from '../dist/read-model/schema.js';

const [runCount = 1_000, stepCount = 10, batchSize = 1_000] = process.argv.slice(2).map(Number);
const workspace = 'bench';
const at = Date.now();
const messages = [];

const put = (runId, sequence, data) => {
  const envelope = { id: `${runId}/${sequence}`, workspace, runId, sequence, at, causationId: 'c', data };
  const { subject, data: text } = encodeEvent(envelope);
  messages.push({ sequence: messages.length + 1, subject, storedAt: at, data: Buffer.from(text) });
};

const digest = 'd'.repeat(64);
const runIds = Array.from({ length: runCount }, (_, index) => `0190-${String(index).padStart(12, '0')}`);
for (const runId of runIds) {
  const workflow = { id: 'bench', version: 1, digest };
  const input = { namespace: 'default', service: 'web' };
  put(runId, 1, {
    type: 'run.started',
    runId,
    workflow,
    workspace,
    input,
    startedBy: 'user:bench',
    pins: { agents: {} },
    start: 's0',
  });
}
for (let step = 0; step < stepCount; step += 1) {
  for (const runId of runIds) {
    const stepId = `${step}`.padStart(16, '0');
    const isLast = step === stepCount - 1;
    const at = { stepId, scope: '', state: `s${step}`, visit: 1 };
    put(runId, 2 + step * 2, {
      type: 'step.scheduled',
      ...at,
      attempt: 1,
      action: 'agent.run',
      target: 'worker',
      input: { agent: 'noop', task: `Step ${step}` },
      outputValidation: 'warn',
      resultPath: ['steps', `s${step}`],
      next: isLast ? null : `s${step + 1}`,
    });
    put(runId, 3 + step * 2, {
      type: 'step.succeeded',
      stepId,
      attempt: 1,
      startedAt: 1,
      worker: 'worker-1',
      output: { result: 'ok' },
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
try {
  const db = openReadModelDatabase(join(folder, 'api.db'), workspace);
  const projection = new Projection(db, workspace);
  const before = process.hrtime.bigint();
  const cpuBefore = process.cpuUsage();
  for (let from = 0; from < messages.length; from += batchSize)
    projection.apply(messages.slice(from, from + batchSize));
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  const rows = db
    .prepare('SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM steps) AS steps')
    .get();
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuSeconds = (user + system) / 1e6;
  const result = {
    runCount,
    stepCount,
    batchSize,
    ...rows,
    seconds,
    eventsPerSecond: Math.round(messages.length / seconds),
    // On a machine that others use too, this is the figure that stays.
    eventsPerCpuSecond: Math.round(messages.length / cpuSeconds),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
