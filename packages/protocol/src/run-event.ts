/**
 * The facts of a run on the wire: `wf.event.run.…`, `wf.event.step.…`, `wf.event.approval.…`.
 * Field by field the same as the engine's `RunEvent`; each application's `*-codec.ts` proves that to the compiler.
 */
import { z } from 'zod';
import { attempt, id, instant, json, path, rootOfChild, stepError, warning } from './shapes.js';

const next = z.string().nullable();
const atStep = { stepId: id, scope: z.string(), state: z.string(), visit: z.number().int().positive() };
const stateKind = z.enum([
  'switch',
  'inject',
  'transform',
  'parallel',
  'foreach',
  'wait',
  'signal',
  'workflow',
]);
const of = <T extends string>(type: T) => ({ type: z.literal(type) });

const failure = z.object({
  error: stepError,
  originStepId: id.optional(),
  originMaxAttempts: z.number().int().optional(),
  rejectedBy: z.object({ actor: z.string(), comment: z.string().optional() }).optional(),
});

const runEnds = [
  z.object({ ...of('run.cancelled'), actor: z.string(), reason: z.string().optional() }),
  z.object({ ...of('run.timed_out'), error: stepError }),
  z.object({
    ...of('run.failed'),
    error: stepError,
    origin: z.object({ state: z.string(), scope: z.string(), stepId: id }).optional(),
  }),
] as const;

const runFacts = [
  z.object({
    ...of('run.started'),
    runId: id,
    workflow: z.object({ id: z.string(), version: z.number().int(), digest: z.string() }),
    workspace: id,
    input: json,
    startedBy: z.string(),
    pins: z.object({ agents: z.record(z.string(), z.number().int()) }),
    limits: z.object({
      maxEvents: z.number().int().positive(),
      maxStateVisits: z.number().int().positive(),
      maxFamilyRuns: z.number().int().positive(),
    }),
    start: z.string(),
    timeoutAt: instant.optional(),
    idempotencyKey: z.string().optional(),
    parent: z.object({ runId: id, stepId: id }).optional(),
    root: rootOfChild.optional(),
  }),
  z.object({ ...of('run.paused'), actor: z.string(), reason: z.string().optional() }),
  z.object({ ...of('run.resumed'), actor: z.string() }),
  ...runEnds,
  z.object({ ...of('run.completed'), output: json, warnings: z.array(warning).optional() }),
  z.object({ ...of('run.ending'), end: z.discriminatedUnion('type', runEnds) }),
  z.object(of('run.yielded')),
  z.object({
    ...of('run.command_refused'),
    command: z.string(),
    code: z.string(),
    message: z.string(),
    actor: z.string().optional(),
  }),
  z.object({
    ...of('signal.received'),
    signal: z.string(),
    signalId: id,
    payload: json,
    digest: z.string(),
    actor: z.string(),
  }),
] as const;

const entered = z.discriminatedUnion('kind', [
  z.object({
    ...of('state.entered'),
    ...atStep,
    kind: z.literal('parallel'),
    branches: z.array(z.object({ name: z.string(), start: z.string() })),
    join: z.enum(['all', 'any', 'settled']),
    maxConcurrency: z.number().int(),
    resultPath: path,
    next,
  }),
  z.object({
    ...of('state.entered'),
    ...atStep,
    kind: z.literal('foreach'),
    itemsPath: path,
    itemName: z.string(),
    itemCount: z.number().int(),
    start: z.string(),
    maxConcurrency: z.number().int(),
    toleratedFailures: z.number().int(),
    resultPath: path,
    next,
  }),
  z.object({ ...of('state.entered'), ...atStep, kind: z.literal('wait'), dueAt: instant, next }),
  z.object({
    ...of('state.entered'),
    ...atStep,
    kind: z.literal('signal'),
    signal: z.string(),
    timeoutAt: instant.optional(),
    resultPath: path,
    next,
  }),
  z.object({
    ...of('state.entered'),
    ...atStep,
    kind: z.literal('workflow'),
    workflow: z.string(),
    childRunId: id,
    input: json,
    waits: z.boolean(),
    resultPath: path,
    next,
  }),
]);

const scopeFacts = [
  entered,
  z.object({
    ...of('scopes.forked'),
    stepId: id,
    scope: z.string(),
    from: z.number().int(),
    to: z.number().int(),
  }),
  z.object({ ...of('scope.completed'), scope: z.string(), output: json.optional() }),
  z.object({ ...of('scope.failed'), scope: z.string(), error: stepError }),
  z.object({ ...of('scopes.closing'), stepId: id, failure: failure.optional() }),
  z.object({ ...of('scope.cancelled'), scope: z.string() }),
  z.object({
    ...of('state.completed'),
    ...atStep,
    kind: stateKind,
    next,
    matched: z.number().int().optional(),
    output: json.optional(),
    resultPath: path.optional(),
  }),
  z.object({
    ...of('state.failed'),
    ...atStep,
    // `operation`: its input could not be made, so it was never scheduled.
    kind: z.enum([...stateKind.options, 'operation']),
    error: stepError,
  }),
  z.object({
    ...of('state.caught'),
    ...atStep,
    error: stepError,
    next: z.string(),
    resultPath: path.optional(),
  }),
] as const;

const stepFacts = [
  z.object({
    ...of('step.scheduled'),
    ...atStep,
    attempt,
    action: z.enum([
      'agent.run',
      'human.approval',
      'tool.call',
      'llm.chat',
      'document.render',
      'expression.evaluate',
    ]),
    target: z.enum(['worker', 'agent', 'evaluator']),
    input: json,
    timeoutAt: instant.optional(),
    outputValidation: z.enum(['warn', 'strict']),
    resultPath: path,
    next,
  }),
  z.object({
    ...of('step.started'),
    stepId: id,
    attempt,
    beginning: id,
    replaces: id.optional(),
    startedAt: instant,
    worker: z.string(),
  }),
  z.object({ ...of('step.given_back'), stepId: id, attempt, beginning: id, worker: z.string() }),
  z.object({
    ...of('step.succeeded'),
    stepId: id,
    attempt,
    startedAt: instant.optional(),
    worker: z.string().optional(),
    output: json,
    warnings: z.array(warning).optional(),
  }),
  z.object({
    ...of('step.failed'),
    stepId: id,
    attempt,
    startedAt: instant.optional(),
    worker: z.string().optional(),
    error: stepError,
  }),
  z.object({ ...of('step.retry_scheduled'), stepId: id, attempt, dueAt: instant }),
  z.object({ ...of('step.exhausted'), stepId: id, attempt, error: stepError }),
  z.object({ ...of('step.skipped'), stepId: id, error: stepError, next }),
  z.object({ ...of('step.cancelled'), stepId: id }),
] as const;

const ofApproval = { approvalId: id, stepId: id };
const decided = {
  ...ofApproval,
  actor: z.string(),
  comment: z.string().optional(),
  data: json.optional(),
};

const approvalFacts = [
  z.object({
    ...of('approval.requested'),
    ...ofApproval,
    message: z.string(),
    summary: json.optional(),
    summaryDigest: z.string(),
    approvers: z.array(z.string()),
    quorum: z.number().int(),
    allowRequester: z.boolean(),
    requestedBy: z.string(),
    onReject: z.enum(['cancel', 'fail']),
    expiresAt: instant.optional(),
  }),
  z.object({ ...of('approval.endorsed'), ...ofApproval, actor: z.string(), comment: z.string().optional() }),
  z.object({ ...of('approval.approved'), ...decided }),
  z.object({ ...of('approval.rejected'), ...decided }),
  z.object({ ...of('approval.expired'), ...ofApproval }),
  z.object({ ...of('approval.closed'), ...ofApproval }),
  z.object({
    ...of('approval.decision_refused'),
    approvalId: id,
    actor: z.string(),
    code: z.string(),
    message: z.string(),
  }),
] as const;

export const runEvent = z.discriminatedUnion('type', [
  ...runFacts,
  ...scopeFacts,
  ...stepFacts,
  ...approvalFacts,
]);
export type RunEventMessage = z.infer<typeof runEvent>;
