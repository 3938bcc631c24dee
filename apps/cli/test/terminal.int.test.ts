// cspell:ignore gnihtyna
/** What the command line shows of texts and runs that were made to be a nuisance, through a real api. */

import { join } from 'node:path';
import { startWorld, type World } from '@signalbox/testing';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signalbox } from './support/tables-command.js';

const stepCount = 145_000;
const hostile = 'Deploy?\u001b[2J\u001b[H\u009b31m\rApproved by everybody\n\u202egnihtyna\u200b';

let world: World;

/** What an orchestrator would have said, written where the api keeps it while it is away. */
const fill = (file: string): void => {
  const db = new Database(file);
  db.transaction(() => {
    db.prepare(
      `INSERT INTO runs (run_id, workflow_id, workflow_version, workflow_digest, status, input, error, started_by,
        started_at, ended_at)
       VALUES ('long', 'w', 1, 'd', 'FAILED', '{}', ?, 'user:alice', 0, 1)`,
    ).run(JSON.stringify({ code: 'AGENT_ERROR', message: hostile, retryable: false }));
    const step = db.prepare(
      `INSERT INTO steps (run_id, step_id, began_sequence, scope, state, visit, kind, status, scheduled_at)
       VALUES ('long', ?, ?, '', 'loop', 1, 'transform', 'SUCCEEDED', 0)`,
    );
    for (let index = 0; index < stepCount; index += 1) step.run(`s${index}`, index);
    db.prepare(
      `INSERT INTO approvals (run_id, approval_id, step_id, workflow_id, requested_sequence, status, message,
        summary_digest, approvers, quorum, allow_requester, requested_by, requested_at, endorsements)
       VALUES ('long', 'a1', 's1', 'w', 1, 'pending', ?, 'd', '[]', 1, 0, 'user:alice', 0, '[]')`,
    ).run(hostile);
  })();
  db.close();
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'api']);
  await world.stopOne('api');
  fill(join(world.dataDir, 'api.sqlite'));
  await world.start('api');
});
afterAll(() => world?.stop());

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e]/;

test('a run of 145,000 steps is shown to its last, as text and as JSON', async () => {
  const text = await signalbox(world, 'runs', 'show', 'long');
  expect(text.stderr).toBe('');
  expect(text.code).toBe(0);
  expect(text.stdout.match(/ loop +transform /g)).toHaveLength(stepCount);
  expect(text.stdout).not.toMatch(unprintable);
  const json = await signalbox(world, '--json', 'runs', 'show', 'long');
  const run = JSON.parse(json.stdout) as { steps: unknown[]; error: { message: string } };
  expect(run.steps).toHaveLength(stepCount);
  expect(run.error.message).toBe(hostile);
});

test('the text of an approval is shown on its line, and moves nothing on the screen', async () => {
  const { stdout } = await signalbox(world, 'approvals', 'list');
  expect(stdout).not.toMatch(unprintable);
  expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(stdout).toContain('Deploy?\\u001b[2J');
  const json = await signalbox(world, '--json', 'approvals', 'list');
  expect(json.stdout).not.toMatch(unprintable);
  expect((JSON.parse(json.stdout) as { message: string }[])[0]?.message).toBe(hostile);
});

test('a query that is not valid names the valid values, and an error of the api moves nothing either', async () => {
  const query = await signalbox(world, 'runs', 'list', '--status', 'WRONG');
  expect(query.code).toBe(65);
  expect(query.stderr).toContain('WAITING_APPROVAL');
  const unknown = await signalbox(world, 'runs', 'cancel', 'x\u001b[2J\u202e');
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).not.toMatch(unprintable);
});
