/**
 * How many events a second the projection applies, on one core, from message bytes to committed rows in a file:
 *   node apps/api/bench/projection-throughput.mjs [runs=1000] [steps=10] [batch=1000] [commit=1000]
 * The events are those of runs of sequential steps that go on at the same time (three events a step). Under the load of
 * `pnpm bench --only W1-1000` a batch is about 70 messages; 1,000 is what a read model that catches up applies at once.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent } from '@signalbox/protocol';
import { Projection } from '../dist/read-model/projection.js';
import { openReadModelDatabase } from '../dist/read-model/schema.js';

const [runCount = 1_000, stepCount = 10, batchSize = 1_000, commitSize = 1_000] = process.argv
  .slice(2)
  .map(Number);
const workspace = 'bench';
const at = Date.now();
const messages = [];

const put = (runId, sequence, data) => {
  const envelope = {
    id: `${workspace}/${runId}/${sequence}`,
    workspace,
    runId,
    sequence,
    at,
    causationId: 'c',
    data,
  };
  const { subject, data: text } = encodeEvent(envelope);
  messages.push({ sequence: messages.length + 1, subject, storedAt: at, data: Buffer.from(text) });
};

const digest = 'd'.repeat(64);
// As random as the ids of real runs and steps: neighbours in time are not neighbours in an index.
const hashOf = (text, length) => createHash('sha256').update(text).digest('hex').slice(0, length);
const runIds = Array.from({ length: runCount }, (_, index) => hashOf(`run ${index}`, 32));
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
    limits: { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 },
    start: 's0',
  });
}
for (let step = 0; step < stepCount; step += 1) {
  for (const runId of runIds) {
    const stepId = hashOf(`${runId}/${step}`, 16);
    const isLast = step === stepCount - 1;
    const at = { stepId, scope: '', state: `s${step}`, visit: 1 };
    put(runId, 2 + step * 3, {
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
    const attempt = { stepId, attempt: 1, startedAt: 1, worker: 'worker-1' };
    put(runId, 3 + step * 3, { type: 'step.started', ...attempt, beginning: hashOf(stepId, 32) });
    put(runId, 4 + step * 3, { type: 'step.succeeded', ...attempt, output: { result: 'ok' } });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));

const applyAll = (name) => {
  const db = openReadModelDatabase(join(folder, name), workspace);
  const projection = new Projection(db, workspace);
  const before = process.hrtime.bigint();
  const cpuBefore = process.cpuUsage();
  let applied = 0;
  for (let from = 0; from < messages.length; from += batchSize) {
    projection.apply(messages.slice(from, from + batchSize));
    applied += batchSize;
    if (applied < commitSize) continue;
    projection.commit();
    applied = 0;
  }
  projection.commit();
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rows = db
    .prepare('SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM steps) AS steps')
    .get();
  const reasons = db.prepare('SELECT DISTINCT reason FROM dead_letters LIMIT 3').pluck().all();
  db.close();
  // Events that are refused or held back would be fast, and say nothing.
  if (rows.events !== messages.length || rows.steps !== runCount * stepCount)
    throw new Error(`of ${messages.length} events ${rows.events} were applied: ${reasons.join()}`);
  const cpuSeconds = (user + system) / 1e6;
  return {
    runCount,
    stepCount,
    batchSize,
    ...rows,
    seconds,
    eventsPerSecond: Math.round(messages.length / seconds),
    // On a machine that others use too, these are the figures that stay.
    eventsPerCpuSecond: Math.round(messages.length / cpuSeconds),
    cpuMicrosPerStep: Math.round((cpuSeconds * 1e6) / (runCount * stepCount)),
  };
};

try {
  // The first time is spent on compiling.
  applyAll('warm-up.db');
  process.stdout.write(`${JSON.stringify(applyAll('api.db'))}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
