/** One message of each kind that crosses a process border, and how it is written and read. */
import {
  type CatalogCommand,
  type DeadLetterReport,
  decodeApprovalTask,
  decodeCatalogCommand,
  decodeDeadLetterReport,
  decodeEvent,
  decodeResumeMessage,
  decodeRunCommand,
  decodeStepTask,
  type EventEnvelope,
  encodeApprovalDecision,
  encodeApprovalJudgement,
  encodeApprovalRequest,
  encodeCatalogCommand,
  encodeChildEnded,
  encodeDeadLetterReport,
  encodeEvent,
  encodeOwnRunCommand,
  encodeRunCommand,
  encodeStepReport,
  encodeStepTask,
  type IncomingText,
  type StepTask,
  type WireMessage,
} from '../src/index.js';

export interface WireSample {
  readonly name: string;
  /** What the reader gets. */
  readonly read: unknown;
  readonly written: WireMessage;
  readonly decode: (incoming: IncomingText) => unknown;
}

const workspace = 'acme';
const runId = '01979a2e-0000-7000-8000-000000000001';
const stepId = '3f2a9c01d4e5b678';
const at = 1_760_000_000_000;
const command = { commandId: 'command-1', workspace, actor: 'user:alice', issuedAt: at };
const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };

const runCommands = [
  {
    ...command,
    type: 'start',
    runId,
    workflowId: 'triage',
    workflowVersion: 3,
    input: { service: 'web', tags: ['ä', '\u2028'] },
    idempotencyKey: 'order 66',
  },
  { ...command, type: 'pause', runId, reason: 'lunch' },
  { ...command, type: 'resume', runId },
  { ...command, type: 'cancel', runId },
  { ...command, type: 'signal', runId, signal: 'deployed', signalId: 'signal-1', payload: null },
] as const satisfies Parameters<typeof encodeRunCommand>[0][];

const childStart = {
  ...command,
  type: 'start',
  runId,
  workflowId: 'triage',
  input: {},
  root: { runId, depth: 1 },
  maxFamilyRuns: 10_000,
  parent: { runId, stepId },
} as const;

const catalogCommands: readonly CatalogCommand[] = [
  { ...command, type: 'put_workflow', mode: 'create', source: 'id: triage\n' },
  { ...command, type: 'delete_workflow', workflowId: 'triage' },
  { ...command, type: 'put_agent', name: 'checker', source: '---\n---\n' },
  { ...command, type: 'delete_agent', name: 'checker' },
  { ...command, type: 'put_teams', source: 'teams: {}\n' },
  { ...command, type: 'retry_dead_letter', deadLetterId: 'WORKFLOW_TASKS/17' },
  { ...command, type: 'drop_dead_letter', deadLetterId: 'WORKFLOW_TASKS/17' },
];

const { agent, ...task }: StepTask = {
  runId,
  stepId,
  attempt: 2,
  claim: 'Y2xhaW0',
  workspace,
  workflow: { id: 'triage', version: 3 },
  scope: 'all[0]',
  state: 'check',
  action: 'agent.run',
  input: { agent: 'checker', task: 'look' },
  agent: { name: 'checker' },
  outputValidation: 'warn',
  scheduledAt: at,
  timeoutMs: 60_000,
  idempotencyKey: `acme:${runId}:${stepId}:2`,
};

const ofStep = {
  workspace,
  runId,
  stepId,
  attempt: 2,
  claim: 'Y2xhaW0',
  worker: 'worker-1',
  startedAt: at,
};
const error = { code: 'AGENT_ERROR', message: 'it went wrong', retryable: true, details: { status: 500 } };
const reports = [
  { ...ofStep, type: 'step.started', beginning: 'b-1', replaces: 'b-0' },
  { ...ofStep, type: 'step.given_back', beginning: 'b-1' },
  {
    ...ofStep,
    type: 'step.succeeded',
    finishedAt: at + 5,
    output: { ok: true },
    warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT', message: 'not quite' }],
  },
  { ...ofStep, type: 'step.failed', finishedAt: at + 5, error },
] as const satisfies readonly object[];

const request = {
  type: 'request',
  runId,
  approvalId: stepId,
  stepId,
  workspace,
  message: 'May I?',
  summary: { change: 'restart' },
  summaryDigest: 'digest',
  approvers: ['team:sre', 'user:bob'],
  quorum: 2,
  allowRequester: false,
  requestedBy: 'user:alice',
  expiresAt: at + 3_600_000,
} as const;
const decision = {
  ...command,
  type: 'decision',
  runId,
  approvalId: stepId,
  decision: 'approve',
  comment: 'fine',
} as const;
const ofApproval = { workspace, runId, commandId: 'command-1', approvalId: stepId, actor: 'user:bob' };
const judgements = [
  { ...ofApproval, type: 'approval.decision', decision: 'reject', data: { because: 'night' } },
  { ...ofApproval, type: 'approval.refusal', code: 'APPROVER_NOT_ALLOWED', message: 'not you' },
] as const;
const childEnded = {
  type: 'child.ended',
  workspace,
  runId,
  stepId,
  childRunId: 'child-1',
  outcome: { ok: false, error },
} as const;

const deadLetter: DeadLetterReport = {
  id: 'WORKFLOW_TASKS/7',
  workspace,
  stream: 'WORKFLOW_TASKS',
  subject: `wf.task.step.acme.${runId}.${stepId}`,
  consumer: 'step-worker',
  deliveryCount: 5,
  code: 'POISON_MESSAGE',
  reason: 'delivered 5 times',
  reportedBy: 'worker-1',
  at,
  payload: 'e30=',
  payloadBytes: 2,
};

const ofRun = (sequence: number, data: EventEnvelope['data']): EventEnvelope => ({
  id: `acme/${runId}/${sequence}`,
  workspace,
  runId,
  sequence,
  at,
  causationId: 'command-1',
  ...trace,
  data,
});
const events: Readonly<Record<string, EventEnvelope>> = {
  'event-run': ofRun(1, {
    type: 'run.started',
    runId,
    workflow: { id: 'triage', version: 3, digest: 'digest' },
    workspace,
    input: {},
    startedBy: 'user:alice',
    pins: { agents: { checker: 1 } },
    limits: { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 },
    start: 'check',
  }),
  'event-step': ofRun(3, {
    type: 'step.started',
    stepId,
    attempt: 1,
    beginning: 'b-1',
    startedAt: at,
    worker: 'worker-1',
  }),
  'event-approval': ofRun(4, { type: 'approval.expired', approvalId: stepId, stepId }),
  'event-notice': {
    ...ofRun(0, {
      type: 'run.command_refused',
      command: 'cancel',
      code: 'RUN_NOT_FOUND',
      message: 'no such run',
      actor: 'user:alice',
    }),
    id: `acme/${runId}/refused/command-1`,
  },
  'event-catalog': {
    id: 'catalog:acme/1',
    workspace,
    runId: null,
    sequence: 1,
    at,
    data: { type: 'catalog.agent_deleted', actor: 'user:alice', name: 'checker' },
  },
  'event-deadletter': {
    id: 'deadletter:acme/WORKFLOW_TASKS/7',
    workspace,
    runId: null,
    sequence: 0,
    at,
    data: { type: 'deadletter.recorded', actor: 'service:worker-1', deadLetter },
  },
};

const agentText = JSON.stringify(agent);

export const wireSamples: readonly WireSample[] = [
  ...runCommands.map((read) => ({
    name: `run-${read.type}`,
    read,
    written: encodeRunCommand(read),
    decode: decodeRunCommand,
  })),
  {
    name: 'run-own-start',
    read: childStart,
    written: encodeOwnRunCommand(childStart, `acme/${runId}/7/0`),
    decode: decodeRunCommand,
  },
  ...catalogCommands.map((read) => ({
    name: `catalog-${read.type}`,
    read,
    written: encodeCatalogCommand(read),
    decode: decodeCatalogCommand,
  })),
  ...(['worker', 'agent', 'evaluator'] as const).map((target) => ({
    name: `task-for-${target}`,
    read: { ...task, agent },
    written: encodeStepTask(task, { target, effectId: `acme/${runId}/2/0`, agentText }),
    decode: decodeStepTask,
  })),
  ...(['worker', 'agent'] as const).flatMap((sentBy) =>
    reports.map((report) => ({
      name: `${report.type}-by-${sentBy}`,
      read: { ...report, sentBy },
      written: encodeStepReport(report as Parameters<typeof encodeStepReport>[0], sentBy, trace),
      decode: decodeResumeMessage,
    })),
  ),
  {
    name: 'approval-request',
    read: request,
    written: encodeApprovalRequest({ ...request, approvers: [...request.approvers] }, `acme/${runId}/4/0`),
    decode: decodeApprovalTask,
  },
  {
    name: 'approval-decision',
    read: decision,
    written: encodeApprovalDecision(decision),
    decode: decodeApprovalTask,
  },
  ...judgements.map((read) => ({
    name: `judged-${read.type}`,
    read,
    written: encodeApprovalJudgement(read),
    decode: decodeResumeMessage,
  })),
  {
    name: 'child-ended',
    read: childEnded,
    written: encodeChildEnded(childEnded, 'child-1/9/0'),
    decode: decodeResumeMessage,
  },
  {
    name: 'deadletter',
    read: deadLetter,
    written: encodeDeadLetterReport(deadLetter),
    decode: decodeDeadLetterReport,
  },
  ...Object.entries(events).map(([name, read]) => ({
    name,
    read,
    written: encodeEvent(read),
    decode: decodeEvent,
  })),
];
