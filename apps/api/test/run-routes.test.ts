import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runIdOfKey } from '../src/identity.js';
import type { StreamMessage } from '../src/read-model/projection.js';
import { workspace } from './support/in-memory-orchestrator.js';
import { alice, runs, startTriage, workflows } from './support/routes.js';
import { single } from './support/workflows.js';
import { openWorld, type World } from './support/world.js';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

describe('starting a run', () => {
  test('answers with the run, by whom it was started', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const started = await world.call('POST', runs, { workflow: 'single' }, alice);
    expect(started.status).toBe(201);
    expect(started.body).toMatchObject({
      status: 'RUNNING',
      startedBy: 'user:alice',
      input: {},
      endedAt: null,
    });
    expect(started.body.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(started.headers.get('location')).toBe(`${runs}/${started.body.runId}`);
  });

  test('is answered though the read model has not taken its event, and whoever reads then waits until it has', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const kept: StreamMessage[] = [];
    world.orchestrator.onMessage = (message) => {
      kept.push(message);
      world.hear(message, message.sequence);
    };
    const body = { workflow: 'single', input: { a: 1 } };
    const started = await world.call('POST', runs, body, { ...alice, 'idempotency-key': 'k' });
    expect(started.status).toBe(201);
    const { runId } = started.body;
    expect(kept.length).toBeGreaterThan(1);
    expect(world.readModel.findRun(runId)).toBeUndefined();
    const answered: string[] = [];
    const read = async (path: string) => {
      const answer = await world.call('GET', path);
      answered.push(path);
      return answer;
    };
    const paths = [`${runs}/${runId}`, runs, `${runs}/${runId}/events`, `${runs}/${runId}/steps`];
    const reads = Promise.all(paths.map(read));
    // Who only writes does not wait.
    expect((await world.call('POST', runs, body, alice)).status).toBe(201);
    expect(answered).toEqual([]);
    const [first, ...rest] = kept;
    if (first === undefined) throw new Error('nothing was recorded');
    world.apply(first);
    expect(started.body).toEqual({ ...world.readModel.findRun(runId), nextCursor: null });
    for (const message of rest) world.apply(message);
    const [run, list, events] = await reads;
    expect([run?.body.runId, run?.body.input, run?.body.startedBy]).toEqual([runId, { a: 1 }, 'user:alice']);
    expect(list?.body.items.map((each: { runId: string }) => each.runId)).toContain(runId);
    expect(events?.body.items[0].type).toBe('run.started');
  });

  test('of a workflow that there is not is 404', async () => {
    const refused = await world.call('POST', runs, { workflow: 'none' });
    expect([refused.status, refused.body.code]).toEqual([404, 'WORKFLOW_NOT_FOUND']);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.body).toMatchObject({
      status: 404,
      instance: runs,
      type: 'urn:signalbox:problem:WORKFLOW_NOT_FOUND',
    });
  });

  test('the same idempotency key gives the same run: 201 at first, 200 afterwards', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const headers = { 'idempotency-key': 'night-job-7' };
    const body = { workflow: 'single', input: { b: 1, a: [1, { c: 2 }] } };
    const first = await world.call('POST', runs, body, headers);
    const again = await world.call(
      'POST',
      runs,
      { input: { a: [1, { c: 2 }], b: 1 }, workflow: 'single' },
      headers,
    );
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.runId).toBe(first.body.runId);
    expect(first.body.runId).toBe(runIdOfKey(workspace, 'night-job-7'));
    expect(first.body.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
    const other = await world.call('POST', runs, { workflow: 'single', input: { a: 2 } }, headers);
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('two requests under one key that come at once to two replicas start one run', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const headers = { 'idempotency-key': 'twice' };
    const both = await Promise.all(
      [1, 2].map(() => world.call('POST', runs, { workflow: 'single' }, headers)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect(world.orchestrator.runIds).toHaveLength(1);
  });

  test('a replica that does not know the run yet still answers the second request with it', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const headers = { 'idempotency-key': 'elsewhere' };
    const runId = runIdOfKey(workspace, 'elsewhere');
    // Another replica's start, whose event comes together with the refusal of ours.
    const { onMessage } = world.orchestrator;
    const kept: Parameters<typeof onMessage>[0][] = [];
    world.orchestrator.onMessage = (message) => kept.push(message);
    const base = { commandId: 'of-another', workspace, actor: 'user:bob', issuedAt: 1, runId };
    await world.orchestrator.send({
      kind: 'run',
      command: { ...base, type: 'start', workflowId: 'single', input: {} },
    });
    world.orchestrator.onMessage = (message) => {
      for (const earlier of kept.splice(0)) onMessage(earlier);
      onMessage(message);
    };
    const answered = await world.call('POST', runs, { workflow: 'single' }, headers);
    expect([answered.status, answered.body.startedBy]).toEqual([200, 'user:bob']);
  });

  test('a run id of the caller is used once', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const first = await world.call('POST', runs, { workflow: 'single', runId: 'mine-1' });
    expect([first.status, first.body.runId]).toEqual([201, 'mine-1']);
    const again = await world.call('POST', runs, { workflow: 'single', runId: 'mine-1' });
    expect([again.status, again.body.code]).toEqual([409, 'RUN_ALREADY_STARTED']);
    const both = await world.call(
      'POST',
      runs,
      { workflow: 'single', runId: 'mine-2' },
      { 'idempotency-key': 'k' },
    );
    expect([both.status, both.body.code]).toEqual([400, 'INVALID_REQUEST']);
  });
});

describe('a run id that holds another’s', () => {
  const forged = (victim: string) => `${victim}/x`;

  test('is refused by every route', async () => {
    const victim = await startTriage(world, true);
    const body = { workflow: 'triage', input: { service: 'web', urgent: true }, runId: forged(victim) };
    const refused = await world.call('POST', runs, body, alice);
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_REQUEST']);
    const path = `${runs}/${encodeURIComponent(forged(victim))}`;
    for (const route of [path, `${path}/events`, `${path}/approvals`])
      expect((await world.call('GET', route)).status).toBe(400);
    expect((await world.call('POST', `${path}/cancel`, {}, alice)).status).toBe(400);
  });

  test('cannot touch the other run’s history from the log', async () => {
    const victim = await startTriage(world, true);
    const history = await world.call('GET', `${runs}/${victim}/events`);
    const last = history.body.items.length;
    const event = {
      specversion: '1.0',
      id: `${workspace}/${forged(victim)}/${last + 1}`,
      source: `signalbox/${workspace}`,
      type: 'signalbox.run.cancelled',
      subject: `runs/${forged(victim)}`,
      time: new Date().toISOString(),
      sequence: last + 1,
      data: { actor: 'user:mallory' },
    };
    for (const runid of [undefined, forged(victim), victim])
      world.orchestrator.putText(
        `wf.event.run.${workspace}.${forged(victim)}`,
        JSON.stringify({ ...event, runid }),
      );
    world.orchestrator.doSteps(victim);
    const after = await world.call('GET', `${runs}/${victim}/events`);
    expect(after.body.items.length).toBeGreaterThan(last);
    expect(after.body.items.map(({ type }: { type: string }) => type)).not.toContain('run.cancelled');
    expect((await world.call('GET', '/api/v1/dead-letters')).body.items).toHaveLength(3);
  });
});

describe('reading runs', () => {
  test('a run shows its steps with attempts, times, warnings and the path taken', async () => {
    const runId = await startTriage(world, false);
    expect(world.orchestrator.doSteps(runId, { healthy: false })).toBe(2);
    expect(world.orchestrator.doSteps(runId)).toBe(1);
    const { body: run } = await world.call('GET', `${runs}/${runId}`);
    expect(run).toMatchObject({ status: 'COMPLETED', workflow: { id: 'triage', version: 1 } });
    expect(run.endedAt).not.toBeNull();
    expect(run.steps.map((step: { state: string; scope: string }) => `${step.scope}/${step.state}`)).toEqual([
      '/look',
      'look/pods/check_pods',
      'look/errors/check_errors',
      '/decide',
      '/report',
    ]);
    expect(run.steps[1]).toMatchObject({
      status: 'SUCCEEDED',
      kind: 'operation',
      action: 'agent.run',
      target: 'worker',
      attempt: 1,
      worker: 'worker-1',
      error: null,
      warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT', message: 'not quite' }],
    });
    expect(run.steps[3].path).toEqual({ matched: -1, next: 'report' });
    const step = await world.call('GET', `${runs}/${runId}/steps/${run.steps[2].stepId}`);
    expect(step.body).toMatchObject({ input: { agent: 'b', task: 'web' }, output: { healthy: false } });
    const join = await world.call('GET', `${runs}/${runId}/steps/${run.steps[0].stepId}`);
    expect(join.body.output).toEqual({
      pods: { result: { healthy: false } },
      errors: { result: { healthy: false } },
    });
    const none = await world.call('GET', `${runs}/${runId}/steps/none`);
    expect([none.status, none.body.code]).toEqual([404, 'STEP_NOT_FOUND']);
  });

  test('the list is newest first, filtered, and pages without gap or overlap', async () => {
    await world.call('PUT', `${workflows}/single`, single());
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1)
      ids.unshift((await world.call('POST', runs, { workflow: 'single' })).body.runId);
    const triaged = await startTriage(world, true);
    await world.call('POST', `${runs}/${ids[2]}/cancel`);
    const listed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await world.call(
        'GET',
        `${runs}?workflow=single&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      listed.push(...page.body.items.map(({ runId }: { runId: string }) => runId));
      cursor = page.body.nextCursor;
    }
    expect(listed).toEqual(ids);
    const idsOf = async (query: string) =>
      (await world.call('GET', `${runs}?${query}`)).body.items.map(({ runId }: { runId: string }) => runId);
    expect(await idsOf('')).toEqual([triaged, ...ids]);
    expect(await idsOf('status=CANCELLED')).toEqual([ids[2]]);
    expect(await idsOf('workflow=triage&status=RUNNING')).toEqual([triaged]);
    expect(await idsOf('workflow=triage&status=FAILED')).toEqual([]);
    const bad = await world.call('GET', `${runs}?cursor=nonsense`);
    expect([bad.status, bad.body.code]).toEqual([400, 'INVALID_CURSOR']);
    const status = await world.call('GET', `${runs}?status=SLEEPING`);
    expect([status.status, status.body.errors[0].path]).toEqual([400, '/status']);
  });

  test('events come in order and in pages, each with the command that caused it', async () => {
    const runId = await startTriage(world, false);
    world.orchestrator.doSteps(runId);
    const all = (await world.call('GET', `${runs}/${runId}/events`)).body;
    const sequences = all.items.map(({ sequence }: { sequence: number }) => sequence);
    expect(sequences).toEqual(sequences.map((_: number, index: number) => index + 1));
    expect(all.nextAfter).toBeNull();
    expect(all.items[0]).toMatchObject({ type: 'run.started', data: { input: { service: 'web' } } });
    expect(all.items[0].causationId).toBe(world.orchestrator.received.at(-1)?.command.commandId);
    const page = (await world.call('GET', `${runs}/${runId}/events?after=2&limit=2`)).body;
    expect(page.items).toEqual(all.items.slice(2, 4));
    expect(page.nextAfter).toBe(4);
    expect((await world.call('GET', `${runs}/none/events`)).body.code).toBe('RUN_NOT_FOUND');
  });
});

describe('steering a run', () => {
  test('pause, resume and cancel answer with the run as it then is', async () => {
    const runId = await startTriage(world, false);
    const steer = (what: string, body?: unknown) =>
      world.call('POST', `${runs}/${runId}/${what}`, body, alice);
    expect((await steer('pause', { reason: 'lunch' })).body.status).toBe('PAUSED');
    const twice = await steer('pause');
    expect([twice.status, twice.body.code]).toEqual([409, 'RUN_ALREADY_PAUSED']);
    expect((await steer('resume')).body.status).toBe('RUNNING');
    expect((await steer('cancel', { reason: 'enough' })).body.status).toBe('CANCELLED');
    const late = await steer('cancel');
    expect([late.status, late.body.code]).toEqual([409, 'RUN_NOT_ACTIVE']);
    const events = (await world.call('GET', `${runs}/${runId}/events`)).body.items;
    const cancelled = events.find(({ type }: { type: string }) => type === 'run.cancelled');
    expect(cancelled.data).toMatchObject({ actor: 'user:alice', reason: 'enough' });
  });

  test('a cancel is answered when the run says that it is cancelled, not when what is taken back for it is', async () => {
    const runId = await startTriage(world, false);
    const seen: string[] = [];
    let last: StreamMessage | undefined;
    world.orchestrator.onMessage = (message) => {
      const { type } = JSON.parse(Buffer.from(message.data).toString()) as { type: string };
      seen.push(type);
      if (type === 'signalbox.run.cancelled') last = message;
      else world.apply(message);
    };
    let isAnswered = false;
    const answer = world.call('POST', `${runs}/${runId}/cancel`, undefined, alice).then((given) => {
      isAnswered = true;
      return given;
    });
    await eventually(() => last !== undefined, { describe: 'the run is cancelled' });
    expect(seen).toContain('signalbox.step.cancelled');
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    if (last !== undefined) world.apply(last);
    expect((await answer).body.status).toBe('CANCELLED');
  });

  test('a run that there is not is 404, by the notice that belongs to no history', async () => {
    const refused = await world.call('POST', `${runs}/none/cancel`);
    expect([refused.status, refused.body.code]).toEqual([404, 'RUN_NOT_FOUND']);
  });

  test('a signal is recorded under the id that the caller gave; one that no state waits for is not found', async () => {
    const hearing = { id: 'hearing', states: [{ name: 'hear', type: 'signal', signal: 'go', end: true }] };
    const last = { name: 'last', type: 'signal', signal: 'stop', end: true };
    const twoSignals = { ...hearing, states: [{ ...hearing.states[0], end: undefined, next: 'last' }, last] };
    await world.call('POST', '/api/v1/workflows', twoSignals);
    const { runId } = (await world.call('POST', runs, { workflow: 'hearing' })).body;
    const body = { payload: { ok: 1 }, signalId: 'sig-1' };
    const unknown = await world.call('POST', `${runs}/${runId}/signals/gone`, body);
    expect([unknown.status, unknown.body.code]).toEqual([404, 'SIGNAL_UNKNOWN']);
    expect((await world.call('POST', `${runs}/${runId}/signals/go`, body)).status).toBe(200);
    const twice = await world.call('POST', `${runs}/${runId}/signals/go`, body);
    expect([twice.status, twice.body.runId]).toEqual([200, runId]);
    const other = await world.call('POST', `${runs}/${runId}/signals/go`, { ...body, payload: { ok: 2 } });
    expect([other.status, other.body.code]).toEqual([409, 'SIGNAL_ID_REUSED']);
  });
});

describe('approvals', () => {
  const ask = async () => {
    const runId = await startTriage(world, true);
    world.orchestrator.doSteps(runId);
    const { items } = (await world.call('GET', `${runs}/${runId}/approvals`)).body;
    return { runId, approval: items[0] };
  };

  test('a pending approval is listed, decided once, and the run goes on', async () => {
    const { runId, approval } = await ask();
    expect(approval).toMatchObject({
      status: 'pending',
      message: 'Go on?',
      approvers: ['user:alice'],
      workflowId: 'triage',
    });
    expect((await world.call('GET', `${runs}/${runId}`)).body.status).toBe('WAITING_APPROVAL');
    const pending = (await world.call('GET', '/api/v1/workflow-approvals?status=pending')).body;
    expect(pending.items).toEqual([approval]);
    const path = `${runs}/${runId}/approvals/${approval.approvalId}`;
    const approved = await world.call('POST', `${path}/approve`, { comment: 'fine', data: { n: 1 } }, alice);
    expect(approved.body).toMatchObject({
      status: 'approved',
      decidedBy: 'user:alice',
      comment: 'fine',
      data: { n: 1 },
    });
    const again = await world.call('POST', `${path}/reject`, undefined, alice);
    expect([again.status, again.body.code]).toEqual([409, 'APPROVAL_ALREADY_DECIDED']);
    expect((await world.call('GET', '/api/v1/workflow-approvals?status=pending')).body.items).toEqual([]);
    expect(world.orchestrator.doSteps(runId)).toBe(1);
    expect((await world.call('GET', `${runs}/${runId}`)).body.status).toBe('COMPLETED');
  });

  test('a rejection ends the run', async () => {
    const { runId, approval } = await ask();
    const path = `${runs}/${runId}/approvals/${approval.approvalId}`;
    expect((await world.call('POST', `${path}/reject`, { comment: 'no' }, alice)).body.status).toBe(
      'rejected',
    );
    expect((await world.call('GET', `${runs}/${runId}`)).body.status).toBe('CANCELLED');
  });

  test('an approval that there is not is 404', async () => {
    const { runId } = await ask();
    const none = await world.call('POST', `${runs}/${runId}/approvals/none/approve`);
    expect([none.status, none.body.code]).toEqual([404, 'APPROVAL_NOT_FOUND']);
  });

  test('who may not approve is told so with 403', async () => {
    const { runId, approval } = await ask();
    world.orchestrator.isAsleep = true;
    const asking = world.call('POST', `${runs}/${runId}/approvals/${approval.approvalId}/approve`);
    const event = {
      type: 'approval.decision_refused',
      approvalId: approval.approvalId,
      actor: 'user:anonymous',
    } as const;
    await expect.poll(() => world.orchestrator.received.at(-1)?.kind).toBe('decision');
    world.orchestrator.notice(
      runId,
      { ...event, code: 'APPROVER_NOT_ALLOWED', message: 'not you' },
      world.orchestrator.received.at(-1)?.command.commandId,
    );
    const refused = await asking;
    expect([refused.status, refused.body.code]).toEqual([403, 'APPROVER_NOT_ALLOWED']);
  });
});
