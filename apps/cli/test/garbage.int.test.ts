/** Whatever arrives on a task subject, every process stays up and the message is kept as a dead letter. */
import { createPublisher, openConnection } from '@signalbox/messaging';
import { taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, type ServiceName, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const services: readonly ServiceName[] = ['orchestrator', 'step-worker', 'agent', 'approval-service', 'api'];
let world: World;

beforeAll(async () => {
  world = await startWorld(services);
});

afterAll(() => world?.stop());

const garbage: readonly (string | Uint8Array)[] = [
  'not json',
  '',
  '{}',
  'null',
  '[1,2,3]',
  '{"type":"start"}',
  '{"type":"no-such-thing","runId":"r1"}',
  new Uint8Array([0xff, 0xfe, 0x00, 0x80]),
  '['.repeat(50_000),
];

test('a garbage message on every task subject is dead-lettered, and every process stays up', async () => {
  const subjects = [
    taskSubjects.run('default', 'r1'),
    taskSubjects.resumeStep('default', 'r1', 's1'),
    taskSubjects.resumeAgent('default', 'r1', 's1'),
    taskSubjects.resumeApproval('default', 'r1'),
    taskSubjects.resumeChild('default', 'r1'),
    taskSubjects.catalog('default', 'c1'),
    taskSubjects.deadLetter('default'),
    taskSubjects.step('default', 'r1', 's1'),
    taskSubjects.approvalRequest('default', 'r1', 'a1'),
    taskSubjects.approvalDecision('default', 'r1', 'a1'),
    taskSubjects.agent('default', 'r1', 's1'),
  ];
  const logger = createLogger({ service: 'garbage', level: 'silent' });
  const connection = await openConnection({ url: world.natsUrl, name: 'garbage', logger });
  const publisher = createPublisher(connection);
  await publisher.publishAll(subjects.flatMap((subject) => garbage.map((data) => ({ subject, data }))));

  interface Letters {
    items: { subject: string }[];
    nextCursor?: string | null;
  }
  const letters = async (): Promise<string[]> => {
    const page = await world.call<Letters>('GET', '/api/v1/dead-letters?limit=100');
    return page.items.map((item) => item.subject);
  };
  await eventually(
    async () => {
      const found = await letters();
      return subjects.every((subject) => found.filter((each) => each === subject).length === garbage.length);
    },
    { timeoutMs: 60_000, describe: 'each garbage message is a dead letter' },
  );

  await world.call(
    'PUT',
    '/api/v1/agents/hello',
    '---\nmodel: scripted/test\nanswers:\n  - output: hello\n---\nhi\n',
  );
  const states = (target: string) => [
    {
      name: 'greet',
      type: 'operation',
      action: 'agent.run',
      target,
      input: { agent: 'hello', task: 'x' },
      end: true,
    },
  ];
  for (const target of ['worker', 'agent']) {
    await world.call('POST', '/api/v1/workflows', {
      id: `on-${target}`,
      version: '1',
      name: target,
      start: 'greet',
      states: states(target),
    });
    const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
      workflow: `on-${target}`,
      input: {},
    });
    await eventually(
      async () =>
        (await world.call<{ status: string }>('GET', `/api/v1/workflow-runs/${runId}`)).status ===
        'COMPLETED',
      { describe: `a run on the ${target} completes after the garbage` },
    );
  }
  for (const name of services) {
    expect(world.logsOf(name), `${name} was not started again`).toContain('ready');
    const state = await Promise.race([world.processOf(name).exited, Promise.resolve('running')]);
    expect(state).toBe('running');
  }
  publisher.close();
  await connection.close();
}, 120_000);

const secret = 'Kq7-user-wrote-this-Zx9';

const asking = {
  id: 'asking',
  version: '1',
  name: `Asking ${secret}`,
  description: secret,
  start: 'work',
  states: [
    {
      name: 'work',
      type: 'operation',
      action: 'agent.run',
      input: { agent: 'failing', task: '{{ text }}' },
      catch: [{ errors: ['*'], next: 'ask', resultPath: 'error' }],
      next: 'ask',
    },
    {
      name: 'ask',
      type: 'operation',
      action: 'human.approval',
      input: { message: `${secret} {{ text }}`, approvers: ['user:bob'] },
      next: 'hear',
    },
    { name: 'hear', type: 'signal', signal: 'go', resultPath: 'heard', next: 'count' },
    { name: 'count', type: 'transform', expression: 'heard["no-such-key"]', end: true },
  ],
};

/** What people and agents write: in definitions, inputs, comments, payloads, refusals, errors, garbage. */
test('what users write is in no log', async () => {
  // No answer fits: it fails.
  const failing = `---\nmodel: scripted/test\nanswers:\n  - when: task == 'no such task'\n    output: ${secret}\n---\n${secret}\n`;
  await world.call('PUT', '/api/v1/agents/failing', failing);
  await world.call('POST', '/api/v1/workflows', asking);
  const runs = '/api/v1/workflow-runs';
  const body = { workflow: 'asking', input: { text: secret } };
  const { runId } = await world.call<{ runId: string }>('POST', runs, body);
  const statusOf = async () => (await world.call<{ status: string }>('GET', `${runs}/${runId}`)).status;
  await eventually(async () => (await statusOf()) === 'WAITING_APPROVAL');
  const { items } = await world.call<{ items: { approvalId: string }[] }>(
    'GET',
    `${runs}/${runId}/approvals`,
  );
  const approve = (actor: string) =>
    world.call(
      'POST',
      `${runs}/${runId}/approvals/${items[0]?.approvalId}/approve`,
      { comment: secret, data: { secret } },
      actor,
    );
  await expect(approve('user:eve')).rejects.toThrow('APPROVER_NOT_ALLOWED');
  await approve('user:bob');
  await eventually(async () => (await statusOf()) === 'WAITING_SIGNAL');
  const signal = (name: string) =>
    world.call('POST', `${runs}/${runId}/signals/${name}`, { payload: { secret } });
  await expect(signal(secret)).rejects.toThrow('SIGNAL_UNKNOWN');
  await expect(world.call('POST', '/api/v1/workflows', { id: secret, states: secret })).rejects.toThrow();
  await expect(world.call('POST', runs, { workflow: secret, input: secret })).rejects.toThrow();
  await signal('go');
  await eventually(async () => (await statusOf()) === 'FAILED');
  const { runId: other } = await world.call<{ runId: string }>('POST', runs, body);
  await world.call('POST', `${runs}/${other}/cancel`, { reason: secret });
  for (const name of services) expect(world.logsOf(name), name).not.toContain(secret);
}, 60_000);
