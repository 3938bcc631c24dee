import { deadLetterOf, TransientError } from '@signalbox/messaging';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alice, runs, startTriage, workflows } from './support/routes.js';
import { single, triage } from './support/workflows.js';
import { openWorld, type World } from './support/world.js';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

describe('workflows', () => {
  test('a created workflow can be read at once, by id and in the list', async () => {
    const created = await world.call('POST', workflows, triage, alice);
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`${workflows}/triage`);
    expect(created.body).toMatchObject({
      id: 'triage',
      version: 1,
      label: '1.0',
      createdBy: 'user:alice',
      warnings: [],
    });
    const read = await world.call('GET', `${workflows}/triage`);
    expect(read.body).toEqual(created.body);
    expect(read.body.source).toBe(triage);
    const list = await world.call('GET', workflows);
    expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual(['triage']);
  });

  test('creating one that exists is a conflict', async () => {
    await world.call('POST', workflows, single());
    const again = await world.call('POST', workflows, single('1.1'));
    expect([again.status, again.body.code]).toEqual([409, 'WORKFLOW_EXISTS']);
  });

  test('PUT makes the first version with 201, a new one with 200, and none of the same source', async () => {
    const first = await world.call('PUT', `${workflows}/single`, single());
    expect([first.status, first.body.version]).toEqual([201, 1]);
    const second = await world.call('PUT', `${workflows}/single`, single('1.1'));
    expect([second.status, second.body.version]).toEqual([200, 2]);
    const same = await world.call('PUT', `${workflows}/single`, single('1.1'));
    expect([same.status, same.body.version]).toEqual([200, 2]);
    const old = await world.call('GET', `${workflows}/single?version=1`);
    expect([old.body.label, old.body.versions.length]).toEqual(['1.0', 2]);
    const none = await world.call('GET', `${workflows}/single?version=9`);
    expect([none.status, none.body.code]).toEqual([404, 'WORKFLOW_NOT_FOUND']);
  });

  test('a definition is taken as YAML, as JSON, and as JSON that holds its text', async () => {
    const definition = {
      id: 'as-json',
      version: '1',
      name: 'As JSON',
      start: 'only',
      states: [{ name: 'only', type: 'inject', data: { a: 1 }, end: true }],
    };
    const direct = await world.call('POST', workflows, definition);
    expect([direct.status, direct.body.source]).toEqual([201, JSON.stringify(definition)]);
    const wrapped = await world.call('POST', workflows, { source: single() });
    expect([wrapped.status, wrapped.body.source]).toEqual([201, single()]);
    const other = await world.call('POST', workflows, single('2'), { 'content-type': 'image/png' });
    expect([other.status, other.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test('an invalid definition is refused with the place of each error, and reaches nobody', async () => {
    const refused = await world.call('POST', workflows, triage.replace('next: decide', 'next: nowhere'));
    expect([refused.status, refused.body.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(refused.body.errors).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'UNKNOWN_TRANSITION_TARGET', line: 16 })]),
    );
    expect(world.orchestrator.received).toEqual([]);
  });

  test('an agent that this replica does not know is left to the orchestrator', async () => {
    await world.call('PUT', '/api/v1/agents/other', 'a prompt');
    const validated = await world.call('POST', `${workflows}/validate`, single());
    expect(validated.body.errors.map(({ code }: { code: string }) => code)).toEqual(['AGENT_NOT_FOUND']);
    expect((await world.call('POST', workflows, single())).status).toBe(201);
  });

  test('validate answers 200 for a valid and for an invalid definition, and stores nothing', async () => {
    const bad = await world.call('POST', `${workflows}/validate`, 'id: x\nnonsense: 1\n');
    expect([bad.status, bad.body.valid]).toEqual([200, false]);
    expect(bad.body.errors.length).toBeGreaterThan(0);
    const inject =
      'id: ok\nversion: "1"\nname: Ok\nstart: a\nstates: [ { name: a, type: inject, data: {}, end: true } ]\n';
    const good = await world.call('POST', `${workflows}/validate`, { source: inject });
    expect([good.status, good.body]).toEqual([200, { valid: true, errors: [], warnings: [] }]);
    expect(world.orchestrator.received).toEqual([]);
  });

  test('DELETE is refused while runs of it have not ended, and takes it away afterwards', async () => {
    const runId = await startTriage(world, false);
    const busy = await world.call('DELETE', `${workflows}/triage`);
    expect([busy.status, busy.body.code]).toEqual([409, 'WORKFLOW_HAS_RUNS']);
    await world.call('POST', `${runs}/${runId}/cancel`);
    expect((await world.call('DELETE', `${workflows}/triage`)).status).toBe(204);
    expect((await world.call('GET', `${workflows}/triage`)).status).toBe(404);
    expect((await world.call('GET', workflows)).body.items).toEqual([]);
    const old = await world.call('GET', `${workflows}/triage?version=1`);
    expect(old.body.deletedAt).not.toBeNull();
  });
});

describe('agents and teams', () => {
  test('an agent is put, read, listed and deleted', async () => {
    const first = await world.call('PUT', '/api/v1/agents/a', 'a prompt', alice);
    expect([first.status, first.body.version, first.body.source]).toEqual([201, 1, 'a prompt']);
    expect((await world.call('PUT', '/api/v1/agents/a', 'another')).status).toBe(200);
    expect((await world.call('GET', '/api/v1/agents')).body.items).toHaveLength(1);
    expect((await world.call('DELETE', '/api/v1/agents/a')).status).toBe(204);
    const gone = await world.call('GET', '/api/v1/agents/a');
    expect([gone.status, gone.body.code]).toEqual([404, 'AGENT_NOT_FOUND']);
  });

  test('teams are put and read', async () => {
    expect((await world.call('GET', '/api/v1/teams')).body.code).toBe('TEAMS_NOT_FOUND');
    const put = await world.call('PUT', '/api/v1/teams', 'sre: [user:alice]\n');
    expect([put.status, put.body.teams]).toEqual([200, { sre: ['user:alice'] }]);
    expect((await world.call('GET', '/api/v1/teams')).body).toEqual(put.body);
  });
});

describe('what cannot be confirmed or reached', () => {
  test('a command that is queued without an event in time is answered with 202 and where to look', async () => {
    world.close();
    world = openWorld({ confirmationTimeoutMs: 1 });
    world.orchestrator.isAsleep = true;
    const started = await world.call('POST', runs, { workflow: 'single' });
    expect([started.status, started.body.code]).toEqual([202, 'NOT_CONFIRMED_YET']);
    expect(started.headers.get('location')).toMatch(/^\/api\/v1\/workflow-runs\/[0-9a-f-]{36}$/);
    expect(started.body.location).toBe(started.headers.get('location'));
    expect(world.confirmations.waitingCount).toBe(0);
  });

  test('a command that could not be queued is 503 with Retry-After', async () => {
    world.orchestrator.refusal = new TransientError('the stream is full', { retryAfterMs: 2_500 });
    const refused = await world.call('POST', runs, { workflow: 'single' });
    expect([refused.status, refused.body.code]).toEqual([503, 'UNAVAILABLE']);
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(world.confirmations.waitingCount).toBe(0);
  });

  test('something unexpected is 500, says nothing of the inside, and is told to the process', async () => {
    world.orchestrator.refusal = new Error('secret detail');
    const failed = await world.call('POST', runs, { workflow: 'single' });
    expect([failed.status, failed.body.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify(failed.body)).not.toContain('secret');
    expect(world.internalErrors).toHaveLength(1);
  });

  test('before the read model has caught up, reads and writes are 503, and the process is alive', async () => {
    world.close();
    world = openWorld({ isBehind: true });
    for (const path of [runs, workflows, '/api/v1/workflow-approvals']) {
      const refused = await world.call('GET', path);
      expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
        503,
        'NOT_READY',
        '1',
      ]);
    }
    expect((await world.call('POST', runs, { workflow: 'single' })).status).toBe(503);
    expect((await world.call('GET', '/healthz')).status).toBe(200);
    expect((await world.call('GET', '/readyz')).status).toBe(503);
    world.readModel.apply([], { caughtUp: true });
    expect((await world.call('GET', '/readyz')).status).toBe(200);
    world.disconnect();
    const { body } = await world.call('GET', '/readyz');
    expect(body.code).toBe('NOT_READY');
    expect(body.detail).toBe('no bus');
    expect((await world.call('GET', runs)).status).toBe(200);
  });
});

describe('requests that are not in order', () => {
  test.each([
    ['POST', runs, '{"workflow":', 400, 'MALFORMED_BODY'],
    ['POST', runs, '{"workflow":"a","typo":1}', 400, 'INVALID_REQUEST'],
    ['POST', runs, '{"workflow":""}', 400, 'INVALID_REQUEST'],
    ['GET', '/api/v1/nothing', undefined, 404, 'ROUTE_NOT_FOUND'],
    ['PATCH', runs, undefined, 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/healthz', undefined, 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s with %j is %i %s', async (method, path, body, status, code) => {
    const response = await world.request(path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  test('a wrong method is told the right ones', async () => {
    const refused = await world.call('PATCH', `${workflows}/triage`);
    expect(refused.headers.get('allow')).toBe('DELETE, GET, PUT');
  });

  test('a malformed actor is 400; without one user:anonymous acts', async () => {
    const refused = await world.call('POST', runs, { workflow: 'a' }, { 'x-signalbox-actor': 'alice' });
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_ACTOR']);
    await world.call('POST', runs, { workflow: 'a' });
    expect(world.orchestrator.received.at(-1)?.command.actor).toBe('user:anonymous');
  });

  test('an actor has one form, and nobody claims to be the system', async () => {
    await world.call('POST', runs, { workflow: 'a' }, { 'x-signalbox-actor': 'User:Alice' });
    expect(world.orchestrator.received.at(-1)?.command.actor).toBe('user:alice');
    const refused = await world.call(
      'POST',
      runs,
      { workflow: 'a' },
      { 'x-signalbox-actor': 'system:orchestrator' },
    );
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_ACTOR']);
  });

  test('a body over the limit is 413', async () => {
    const refused = await world.call('POST', workflows, 'x'.repeat(2 * 1024 * 1024 + 1));
    expect([refused.status, refused.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(refused.headers.get('connection')).toBe('close');
  });

  test.each(['evil.example', 'evil.example:7420', '127.0.0.1.evil.example', '10.0.0.1:7420'])(
    'the host %s, to which a name may have been rebound, is refused',
    async (host) => {
      const refused = await world.call('GET', '/healthz', undefined, { host });
      expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN_HOST']);
    },
  );

  test.each(['localhost:7420', '127.0.0.1', '127.8.9.1:80', '[::1]:7420', 'LOCALHOST'])(
    'the loopback host %s is taken',
    async (host) => {
      expect((await world.call('GET', '/healthz', undefined, { host })).status).toBe(200);
    },
  );

  test('a write from another origin is refused, from the own one taken, and a read is not asked', async () => {
    const post = (origin: string) =>
      world.call('POST', `${workflows}/validate`, 'id: x', { origin, host: 'localhost:7420' });
    for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'https://localhost:7420']) {
      expect((await post(origin)).body.code).toBe('FORBIDDEN_ORIGIN');
    }
    expect((await post('http://localhost:7420')).status).toBe(200);
    expect((await world.call('GET', workflows, undefined, { origin: 'http://evil.example' })).status).toBe(
      200,
    );
  });
});

test('dead letters are listed, newest first', async () => {
  for (const text of ['garbage', '{"specversion":"1.0"}'])
    world.orchestrator.putText('wf.event.run.default.x', text);
  const { items } = (await world.call('GET', '/api/v1/dead-letters')).body;
  expect(items.map(({ id }: { id: string }) => id)).toEqual(['WORKFLOW_EVENTS/2', 'WORKFLOW_EVENTS/1']);
  expect(Buffer.from(items[1].payload, 'base64').toString()).toBe('garbage');
});

test.each(['retry', 'drop'])(
  'a dead letter that only the api keeps is refused a %s at once, and nothing is sent',
  async (act) => {
    world.orchestrator.putText('wf.event.run.default.x', 'garbage');
    world.orchestrator.isAsleep = true;
    const refused = await world.call('POST', `/api/v1/dead-letters/WORKFLOW_EVENTS%2F1/${act}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'DEAD_LETTER_OF_LOG']);
    expect(refused.body.detail).toContain('only the api keeps it');
    expect(world.orchestrator.received).toEqual([]);
  },
);

test('a dead letter of a message on a very long subject is listed, cut, and is no contradiction', async () => {
  const message = {
    stream: 'WORKFLOW_TASKS',
    subject: `wf.task.run.default.${'A'.repeat(3_000)}`,
    consumer: 'orchestrator-run',
    streamSequence: 7,
    deliveryCount: 1,
    data: new Uint8Array(),
  };
  const why = { code: 'CONTRACT', reason: 'x'.repeat(5_000), reportedBy: 'a host:1', at: 1 } as const;
  const deadLetter = deadLetterOf(message, { ...why, workspace: 'default' });
  world.orchestrator.notice(null, { type: 'deadletter.recorded', actor: 'service:orchestrator', deadLetter });
  // The api itself keeps what it cannot read.
  world.orchestrator.putText(`wf.event.run.default.${'x'.repeat(3_000)}`, 'garbage');
  const { items } = (await world.call('GET', '/api/v1/dead-letters')).body;
  expect(items).toMatchObject([
    { id: 'WORKFLOW_EVENTS/2', reportedBy: 'api' },
    {
      id: 'WORKFLOW_TASKS/7',
      subject: expect.stringMatching(/^wf\.task\.run\.default\.A+ … \(the beginning of 3020 characters\)$/),
      reason: expect.stringMatching(/^x{3999}…$/),
      reportedBy: 'a_host_1',
    },
  ]);
  expect(items[0].subject).toHaveLength(1_000);
});

test('the OpenAPI document lists every route that there is', async () => {
  const { body } = await world.call('GET', '/api/v1/openapi.json');
  const routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(body.openapi).toBe('3.1.0');
  expect(routes.sort()).toMatchInlineSnapshot(`
    [
      "DELETE /api/v1/agents/{name}",
      "DELETE /api/v1/workflows/{id}",
      "GET /api/v1/agents",
      "GET /api/v1/agents/{name}",
      "GET /api/v1/dead-letters",
      "GET /api/v1/quarantines",
      "GET /api/v1/teams",
      "GET /api/v1/workflow-approvals",
      "GET /api/v1/workflow-runs",
      "GET /api/v1/workflow-runs/{runId}",
      "GET /api/v1/workflow-runs/{runId}/approvals",
      "GET /api/v1/workflow-runs/{runId}/events",
      "GET /api/v1/workflow-runs/{runId}/steps",
      "GET /api/v1/workflow-runs/{runId}/steps/{stepId}",
      "GET /api/v1/workflow-runs/{runId}/stream",
      "GET /api/v1/workflows",
      "GET /api/v1/workflows/{id}",
      "GET /healthz",
      "GET /metrics",
      "GET /readyz",
      "POST /api/v1/dead-letters/{deadLetterId}/drop",
      "POST /api/v1/dead-letters/{deadLetterId}/retry",
      "POST /api/v1/workflow-runs",
      "POST /api/v1/workflow-runs/{runId}/approvals/{approvalId}/approve",
      "POST /api/v1/workflow-runs/{runId}/approvals/{approvalId}/reject",
      "POST /api/v1/workflow-runs/{runId}/cancel",
      "POST /api/v1/workflow-runs/{runId}/pause",
      "POST /api/v1/workflow-runs/{runId}/release",
      "POST /api/v1/workflow-runs/{runId}/resume",
      "POST /api/v1/workflow-runs/{runId}/signals/{name}",
      "POST /api/v1/workflows",
      "POST /api/v1/workflows/validate",
      "PUT /api/v1/agents/{name}",
      "PUT /api/v1/teams",
      "PUT /api/v1/workflows/{id}",
    ]
  `);
  expect(body.components.schemas.Problem.properties.code.type).toBe('string');
});
