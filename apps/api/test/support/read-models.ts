/** A history of several runs, and the read models that are made of it: in memory, and in a folder of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { Projection, type StreamMessage } from '../../src/read-model/projection.js';
import { openReadModelDatabase, type ReadModelDatabase } from '../../src/read-model/schema.js';
import { InMemoryOrchestrator, workspace } from './in-memory-orchestrator.js';
import { single, triage } from './workflows.js';

const base = { workspace, actor: 'user:alice', issuedAt: 1 };

/** Several runs in all kinds of states, a catalog, a refusal, a dead letter and a notice. */
export const makeHistory = async (): Promise<InMemoryOrchestrator> => {
  const orchestrator = new InMemoryOrchestrator();
  let count = 0;
  const commandId = () => `command-${++count}`;
  const put = (source: string) =>
    orchestrator.send({
      kind: 'catalog',
      command: { ...base, commandId: commandId(), type: 'put_workflow', mode: 'put', source },
    });
  const start = (runId: string, workflowId: string, input: Record<string, string | boolean>) =>
    orchestrator.send({
      kind: 'run',
      command: { ...base, commandId: commandId(), type: 'start', runId, workflowId, input },
    });
  await put(triage);
  await put(single());
  await put(single('1.1'));
  await start('run-a', 'triage', { service: 'web', urgent: true });
  await start('run-b', 'triage', { service: 'db', urgent: false });
  await start('run-c', 'single', {});
  await start('run-d', 'single', {});
  for (const runId of ['run-a', 'run-b', 'run-c']) orchestrator.doSteps(runId, { healthy: false });
  await orchestrator.send({
    kind: 'run',
    command: { ...base, commandId: commandId(), type: 'pause', runId: 'run-d' },
  });
  await orchestrator.send({
    kind: 'run',
    command: { ...base, commandId: commandId(), type: 'pause', runId: 'run-d' },
  });
  await orchestrator.send({
    kind: 'run',
    command: { ...base, commandId: commandId(), type: 'cancel', runId: 'run-d', reason: 'enough' },
  });
  orchestrator.doSteps('run-b');
  await start('run-e', 'nothing', {});
  orchestrator.announce({ type: 'catalog.workflow_deleted', actor: 'user:alice', workflowId: 'single' });
  return orchestrator;
};

export interface ReadModelFiles {
  pathOf(file: string): string;
  /** Closed after the test. `:memory:` is no file. */
  openAt(file: string, ofWorkspace?: string): ReadModelDatabase;
}

/** For each test a folder of its own. */
export const readModelFiles = (): ReadModelFiles => {
  let folder = '';
  const open: ReadModelDatabase[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-api-'));
  });
  afterEach(() => {
    for (const db of open.splice(0)) db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    pathOf: (file) => join(folder, file),
    openAt: (file, ofWorkspace = workspace) => {
      const db = openReadModelDatabase(file === ':memory:' ? file : join(folder, file), ofWorkspace);
      open.push(db);
      return db;
    },
  };
};

const tables = [
  'runs',
  'steps',
  'events',
  'approvals',
  'workflows',
  'agents',
  'teams',
  'dead_letters',
  'held_events',
];

/** All rows; without what says in which order the stream brought them, where asked. */
export const rowsOf = (db: ReadModelDatabase, options: { ignoringArrival?: boolean } = {}) =>
  Object.fromEntries(
    tables.map((table) => [
      table,
      (db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all() as Record<string, unknown>[])
        .map((row) => (options.ignoringArrival === true ? { ...row, stream_sequence: 0 } : row))
        .map((row) => JSON.stringify(row))
        .sort(),
    ]),
  );

export const applyAll = (
  db: ReadModelDatabase,
  messages: readonly StreamMessage[],
  batch = messages.length,
) => {
  const projection = new Projection(db, workspace);
  for (let from = 0; from < messages.length; from += batch)
    projection.apply(messages.slice(from, from + batch));
  projection.commit();
  return projection;
};

export const renumbered = (messages: readonly StreamMessage[]): StreamMessage[] =>
  messages.map((message, index) => ({ ...message, sequence: index + 1 }));
