/**
 * Whatever size somebody sends or makes: it is answered with the number of the limit, or fails where it is made, and
 * the orchestrator goes on, also after a restart. Real processes throughout.
 */
import { eventually, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let world: World;
const limit = 524_288;
const agent = (text: string): string =>
  `---\nmodel: scripted/test\nanswers:\n  - output: { text: "${text}" }\n---\nwork\n`;
const step = (name: string, fields: object): object => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent: 'large', task: 'work' },
  ...fields,
});
const workflow = (id: string, states: readonly object[], fields: object = {}): object => ({
  id,
  version: '1',
  name: id,
  states,
  ...fields,
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Record<string, unknown> & { readonly code?: string; readonly detail?: string };
}

const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
  const response = await fetch(`${world.apiUrl}${path}`, {
    method,
    headers: { 'x-signalbox-actor': 'user:alice', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text === '' ? '{}' : text) };
};

const started = async (name: string, input: unknown = {}): Promise<string> => {
  const answer = await ask('POST', '/api/v1/workflow-runs', { workflow: name, input });
  expect([answer.status, answer.body.code]).toEqual([201, undefined]);
  return answer.body.runId as string;
};

interface Run {
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string } | null;
}

const ended = async (runId: string): Promise<Run> => {
  let run: Run | undefined;
  await eventually(
    async () => {
      run = await world.call<Run>('GET', `/api/v1/workflow-runs/${runId}`);
      return ['COMPLETED', 'FAILED', 'CANCELLED'].includes(run.status);
    },
    { timeoutMs: 30_000, describe: () => `the end of ${runId}: ${JSON.stringify(run)?.slice(0, 500)}` },
  );
  return run as Run;
};

interface Fact {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

const factsOf = async (runId: string): Promise<Fact[]> => {
  const path = `/api/v1/workflow-runs/${runId}/events?limit=100`;
  const { items } = await world.call<{ items: Fact[] }>('GET', path);
  return items.map((fact) => ({ ...fact, type: fact.type.replace(/^signalbox\./, '') }));
};

const typesOf = async (runId: string): Promise<string[]> => (await factsOf(runId)).map(({ type }) => type);

/** The orchestrator is killed and comes up again on what it has committed; then a run goes through it. */
const survivesRestart = async (): Promise<void> => {
  await world.kill('orchestrator');
  await world.start('orchestrator');
  expect((await ended(await started('small'))).status).toBe('COMPLETED');
};

beforeAll(async () => {
  world = await startWorld(['orchestrator', 'approval-service', 'step-worker', 'api']);
  await world.call('PUT', '/api/v1/agents/large', agent('x'.repeat(100_000)));
  await world.call(
    'PUT',
    '/api/v1/workflows/small',
    workflow('small', [{ name: 'a', type: 'inject', data: { ok: true }, end: true }]),
  );
}, 60_000);

afterAll(() => world?.stop());

describe('what is sent', () => {
  test('a definition of 530 kB is 413 with the limit; one of exactly the limit, in the worst escaping, is stored', async () => {
    const maxBytes = 393_216;
    const sized = (bytes: number): { source: string } => {
      const text = 'id: sized\nstates: [{ name: a, type: inject, end: true, data: { ok: true } }]\n# ';
      return { source: text + '"'.repeat(bytes - text.length) };
    };
    const refused = await ask('PUT', '/api/v1/workflows/sized', sized(530_000));
    expect([refused.status, refused.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(refused.body.detail).toBe(`The definition has 530000 bytes of UTF-8, the limit is ${maxBytes}`);
    const taken = await ask('PUT', '/api/v1/workflows/sized', sized(maxBytes));
    expect(taken.status).toBe(201);
    await survivesRestart();
    expect((await ended(await started('sized'))).status).toBe('COMPLETED');
  }, 60_000);

  test('53 bytes whose refusal could quote a large enum five times: a short refusal', async () => {
    const values = Array.from({ length: 5_000 }, (_, index) => `value-${index}-${'x'.repeat(30)}`);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const inputSchema = {
      properties: Object.fromEntries(names.map((name) => [name, { $ref: '#/$defs/value' }])),
      $defs: { value: { enum: values } },
    };
    const states = [{ name: 'a', type: 'inject', data: 1, end: true }];
    await world.call('PUT', '/api/v1/workflows/enums', workflow('enums', states, { inputSchema }));
    const input = Object.fromEntries(names.map((name) => [name, 1]));
    const refused = await ask('POST', '/api/v1/workflow-runs', { workflow: 'enums', input });
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_INPUT']);
    expect(refused.text.length).toBeLessThan(10_000);
    await survivesRestart();
  }, 60_000);

  test('the input of a run, the payload of a signal, the data of a decision: 413 with the limit', async () => {
    const large = 'x'.repeat(600_000);
    const says = (answer: Answer): void => {
      expect([answer.status, answer.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
      expect(answer.body.detail).toMatch(new RegExp(`has 6000\\d\\d bytes of JSON, the limit is ${limit}`));
    };
    says(await ask('POST', '/api/v1/workflow-runs', { workflow: 'small', input: { large } }));
    await world.call(
      'PUT',
      '/api/v1/workflows/asking',
      workflow('asking', [
        { name: 'hear', type: 'signal', signal: 'go', next: 'ask' },
        {
          name: 'ask',
          type: 'operation',
          action: 'human.approval',
          input: { message: 'Go on?', allowRequester: true },
          end: true,
        },
      ]),
    );
    const runId = await started('asking');
    says(await ask('POST', `/api/v1/workflow-runs/${runId}/signals/go`, { payload: large }));
    expect((await ask('POST', `/api/v1/workflow-runs/${runId}/signals/go`, { payload: 1 })).status).toBe(200);
    interface Pending {
      readonly items: readonly { readonly approvalId: string; readonly runId: string }[];
    }
    const approvals = `/api/v1/workflow-runs/${runId}/approvals`;
    let approvalId = '';
    await eventually(async () => {
      approvalId = (await world.call<Pending>('GET', approvals)).items[0]?.approvalId ?? '';
      return approvalId !== '';
    });
    const decide = (data: unknown) => ask('POST', `${approvals}/${approvalId}/approve`, { data });
    says(await decide(large));
    // Within the limit by itself, and not with who decided and when around it: the owner of the rules says so.
    const close = await decide('x'.repeat(limit - 2));
    expect([close.status, close.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(close.body.detail).toContain(`the limit is ${limit}`);
    expect((await decide({ ok: true })).status).toBe(200);
    expect((await ended(runId)).status).toBe('COMPLETED');
    await survivesRestart();
  }, 60_000);
});

describe('what is made', () => {
  test('a transform of 1.2 MB behind a step with catch and retry: the transform fails, the step has succeeded', async () => {
    const caught = { retry: { maxAttempts: 3 }, catch: [{ errors: ['*'], next: 'rescue' }] };
    await world.call(
      'PUT',
      '/api/v1/workflows/transforming',
      workflow('transforming', [
        step('work', { ...caught, next: 'enlarge' }),
        { name: 'enlarge', type: 'transform', expression: 'steps.work.text * 12', end: true },
        { name: 'rescue', type: 'inject', data: { rescued: true }, end: true },
      ]),
    );
    const runId = await started('transforming');
    const run = await ended(runId);
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(run.error?.message).toMatch(
      /^State "enlarge" failed: .*12000\d\d bytes of JSON.* limit is 524288/,
    );
    const facts = await factsOf(runId);
    const stepId = facts.find(({ data }) => data.state === 'work')?.data.stepId;
    expect(facts.filter(({ data }) => data.stepId === stepId).map(({ type }) => type)).toEqual([
      'step.scheduled',
      'step.succeeded',
    ]);
    await survivesRestart();
  }, 60_000);

  test('a transform that catches it goes another way', async () => {
    const caught = [{ errors: ['PAYLOAD_TOO_LARGE'], next: 'rescue', resultPath: 'failure' }];
    const states = [
      step('work', { next: 'enlarge' }),
      { name: 'enlarge', type: 'transform', expression: 'steps.work.text * 12', catch: caught, end: true },
      { name: 'rescue', type: 'inject', data: '{{ failure.code }}', end: true },
    ];
    const output = '{{ steps.rescue }}';
    await world.call('PUT', '/api/v1/workflows/catching', workflow('catching', states, { output }));
    expect(await ended(await started('catching'))).toMatchObject({
      status: 'COMPLETED',
      output: 'PAYLOAD_TOO_LARGE',
    });
  }, 60_000);

  test('an output of more than 1 MiB: the run fails and says so, its steps have succeeded', async () => {
    const names = Array.from({ length: 11 }, (_, index) => `s${index}`);
    await world.call(
      'PUT',
      '/api/v1/workflows/growing',
      workflow(
        'growing',
        names.map((name, index) => step(name, index === 10 ? { end: true } : { next: names[index + 1] })),
      ),
    );
    const runId = await started('growing');
    const run = await ended(runId);
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect(run.error?.message).toMatch(/^The output of the run, without an `output`, has 1100\d\d\d bytes/);
    const types = await typesOf(runId);
    expect(types.filter((type) => type === 'step.succeeded')).toHaveLength(11);
    expect(types).not.toContain('step.failed');
    await survivesRestart();
  }, 60_000);

  test('a start whose first state asks for too much: 201, and the run fails at that state', async () => {
    await world.call(
      'PUT',
      '/api/v1/workflows/first',
      workflow('first', [step('work', { input: { agent: 'large', task: '{{ text * 3 }}' }, end: true })]),
    );
    const runId = await started('first', { text: 'x'.repeat(400_000) });
    expect(await ended(runId)).toMatchObject({ status: 'FAILED', error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect((await typesOf(runId)).slice(-2)).toEqual(['state.failed', 'run.failed']);
    await survivesRestart();
  }, 60_000);
});
