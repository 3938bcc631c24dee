import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEmbeddedNats } from '@signalbox/embedded-nats';
import {
  type Consumption,
  consumeEach,
  provision,
  publishUntilStored,
  readLast,
  textOf,
} from '@signalbox/messaging';
import {
  type ApprovalTask,
  consumers,
  type DeadLetterReport,
  decodeDeadLetterReport,
  decodeResumeMessage,
  type EventData,
  type EventEnvelope,
  encodeApprovalDecision,
  encodeApprovalRequest,
  encodeEvent,
  type IncomingText,
  type ResumeMessage,
  streamDeclarations,
  TASKS,
  taskSubjects,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import {
  eventually,
  type SpawnedProcess,
  spawnProcess,
  startTestBus,
  type TestBus,
} from '@signalbox/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const script = resolve(import.meta.dirname, '../dist/main.js');
const logger = createLogger({ service: 'test', level: 'silent' });

let bus: TestBus;
let service: SpawnedProcess;
let orchestrator: readonly Consumption[];
const messages: ResumeMessage[] = [];
const deadLetters: DeadLetterReport[] = [];
let sequence = 0;
let runCount = 0;
let requestCount = 0;
let runId = 'r0';

const start = async (): Promise<void> => {
  service = spawnProcess({ script, env: { SIGNALBOX_NATS_URL: bus.url } });
  await service.ready;
};
const stop = async (): Promise<void> => {
  service.kill('SIGTERM');
  expect(await service.exited).toEqual({ code: 0, signal: null });
};

const happen = async (data: EventData): Promise<void> => {
  sequence += 1;
  const isOfRun = !data.type.startsWith('catalog.');
  const envelope: EventEnvelope = {
    id: isOfRun ? `default/${runId}/${sequence}` : `catalog:default/${sequence}`,
    workspace: 'default',
    runId: isOfRun ? runId : null,
    sequence,
    at: Date.now(),
    data,
  };
  await publishUntilStored(bus.publisher, encodeEvent(envelope), new AbortController().signal);
};

const request = (approvers: string[] = []) =>
  ({
    approvalId: 'a1',
    stepId: 's1',
    message: 'May I restart it?',
    summaryDigest: 'd',
    approvers,
    quorum: 1,
    allowRequester: false,
    requestedBy: 'user:rita',
  }) as const;
const requested = (approvers?: string[]) =>
  happen({ type: 'approval.requested', ...request(approvers), onReject: 'cancel' });

const send = async (task: ApprovalTask): Promise<void> => {
  requestCount += 1;
  await bus.publisher.publish(
    task.type === 'decision'
      ? encodeApprovalDecision(task)
      : encodeApprovalRequest(task, `request-${requestCount}`),
  );
};
const decide = (commandId: string, actor: string, decision: 'approve' | 'reject' = 'approve') =>
  send({
    type: 'decision',
    commandId: `${runId}-${commandId}`,
    runId,
    approvalId: 'a1',
    workspace: 'default',
    decision,
    actor,
    comment: 'because',
    issuedAt: Date.now(),
  });
const nextMessage = (count = 1) =>
  eventually(() => messages[count - 1], { describe: () => JSON.stringify([messages, service.lines]) });

beforeAll(async () => {
  bus = await startTestBus({
    topology: {
      streams: streamDeclarations(),
      consumers: [consumers.orchestratorResume, consumers.orchestratorDeadLetter, consumers.approvalService],
    },
  });
  const listen = (durable: string, onMessage: (incoming: IncomingText) => void) =>
    consumeEach(bus.connection, {
      stream: TASKS,
      durable,
      maxInFlight: 64,
      logger,
      handler: async (delivery) => {
        onMessage(textOf(delivery));
        delivery.ack();
      },
    });
  orchestrator = [
    listen(consumers.orchestratorResume.durable, (incoming) => messages.push(decodeResumeMessage(incoming))),
    listen(consumers.orchestratorDeadLetter.durable, (incoming) =>
      deadLetters.push(decodeDeadLetterReport(incoming)),
    ),
  ];
});
beforeEach(() => {
  runCount += 1;
  runId = `r${runCount}`;
  messages.length = 0;
  deadLetters.length = 0;
});
afterEach(stop);
afterAll(async () => {
  for (const consumption of orchestrator) await consumption.stop();
  await bus.stop();
});

describe('a decision', () => {
  test('by an approver is forwarded with its comment under the id of its command', async () => {
    await requested(['user:ann']);
    await start();
    await decide('c1', 'user:ann');
    expect(await nextMessage()).toEqual({
      type: 'approval.decision',
      workspace: 'default',
      commandId: `${runId}-c1`,
      runId,
      approvalId: 'a1',
      actor: 'user:ann',
      comment: 'because',
      decision: 'approve',
    });
  });

  test('by a stranger is refused, and the refusal goes to the orchestrator', async () => {
    await requested(['user:ann']);
    await start();
    await decide('c1', 'user:eve');
    expect(await nextMessage()).toMatchObject({ type: 'approval.refusal', code: 'APPROVER_NOT_ALLOWED' });
  });

  test('by a member of a team is forwarded; the team was put before the service started', async () => {
    await happen({
      type: 'catalog.teams_put',
      actor: 'user:admin',
      digest: 'd',
      teams: { sre: ['user:ann'] },
      source: '',
      changed: true,
    });
    await requested(['team:sre']);
    await start();
    await decide('c1', 'user:ann');
    expect(await nextMessage()).toMatchObject({ type: 'approval.decision' });
  });

  test('that comes second is refused, also when both are sent at once', async () => {
    await requested();
    await start();
    await Promise.all([decide('c1', 'user:ann'), decide('c2', 'user:bob', 'reject')]);
    await nextMessage(2);
    expect(messages.map(({ type }) => type).sort()).toEqual(['approval.decision', 'approval.refusal']);
    expect(messages.find(({ type }) => type === 'approval.refusal')).toMatchObject({
      code: 'APPROVAL_ALREADY_DECIDED',
    });
  });

  test('whose approval becomes known only later is not refused', async () => {
    await start();
    await decide('c1', 'user:ann');
    await requested();
    expect(await nextMessage()).toMatchObject({ type: 'approval.decision' });
  });

  test('on an approval that does not exist is refused as APPROVAL_NOT_FOUND', async () => {
    await start();
    await decide('c1', 'user:ann');
    expect(await nextMessage()).toMatchObject({ type: 'approval.refusal', code: 'APPROVAL_NOT_FOUND' });
  });
});

describe('a service that starts again', () => {
  test('knows what is pending and what has been decided', async () => {
    await requested(['user:ann']);
    await start();
    await stop();
    await start();
    await decide('c1', 'user:eve');
    expect(await nextMessage()).toMatchObject({ code: 'APPROVER_NOT_ALLOWED' });
    await happen({ type: 'approval.approved', approvalId: 'a1', stepId: 's1', actor: 'user:ann' });
    await stop();
    await start();
    await decide('c2', 'user:ann');
    expect(await nextMessage(2)).toMatchObject({ code: 'APPROVAL_ALREADY_DECIDED' });
  });

  test('takes the decisions that were sent while it was away', async () => {
    await start();
    await stop();
    await requested();
    await decide('c1', 'user:ann');
    await start();
    expect(await nextMessage()).toMatchObject({ type: 'approval.decision', actor: 'user:ann' });
  });
});

test('a request is announced in the log and acknowledged', async () => {
  await start();
  await send({ type: 'request', runId, workspace: 'default', ...request(['team:sre']) });
  const line = await eventually(() => service.lines.find((each) => each.includes('approval requested')));
  expect(JSON.parse(line)).toMatchObject({ run_id: runId, approval_id: 'a1', approver_count: 1 });
  await eventually(async () => (await readLast(bus.connection, TASKS, 'wf.task.approval.>')) === undefined);
});

test('garbage becomes a dead letter and the service stays up', async () => {
  await requested();
  await start();
  await bus.publisher.publish({ subject: `wf.task.approval.request.default.${runId}.a1`, data: 'garbage' });
  await bus.publisher.publish({
    subject: `wf.task.approval.decision.default.${runId}.a1`,
    data: '{"type":"decision"}',
  });
  await eventually(() => deadLetters.length === 2);
  expect(deadLetters).toMatchObject([{ code: 'CONTRACT' }, { reportedBy: 'approval-service' }]);
  await decide('c1', 'user:ann');
  expect(await nextMessage()).toMatchObject({ type: 'approval.decision' });
});

test('a service works on when the server has lost everything it had', async () => {
  await start();
  await bus.kill();
  const storeDir = await mkdtemp(join(tmpdir(), 'signalbox-empty-'));
  const empty = await startEmbeddedNats({ storeDir, port: bus.port });
  try {
    await provision(bus.connection, {
      streams: streamDeclarations(),
      consumers: [consumers.approvalService],
    });
    await requested(['user:ann']);
    // The service need not have followed the new log yet: what it holds decides.
    await decide('c1', 'user:ann');
    const subject = taskSubjects.resumeApproval('default', runId);
    const sent = await eventually(() => readLast(bus.connection, TASKS, subject), {
      describe: () => service.lines.join('\n'),
    });
    expect(decodeResumeMessage(textOf(sent))).toMatchObject({ type: 'approval.decision' });
  } finally {
    await empty.stop();
    await rm(storeDir, { recursive: true });
    await bus.restart();
  }
});
