/**
 * Starting a run, once for each idempotency key.
 *
 * 1. With a key the run's id follows from workspace and key, so every replica names the same run, and the orchestrator,
 *    which starts a run id once, is the judge between two that come at the same time.
 * 2. The key is bound to workflow, version (where one is given) and input; another request under it is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventEnvelope, JsonValue, RunCommand } from '@signalbox/protocol';
import type { Submission } from '../commands/submit.js';
import { createUuidV7, runIdOfKey } from '../identity.js';
import type { RunWithSteps } from '../read-model/run-queries.js';
import { toInstantText } from '../resources/shapes.js';
import type { ApiContext } from './api-context.js';
import { requireFittingValue } from './fitting.js';
import { problem, refusalProblem } from './problem.js';

export interface StartRequest {
  readonly workflow: string;
  readonly version?: number | undefined;
  readonly input: JsonValue;
  readonly runId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

export interface CommandBase {
  readonly commandId: string;
  readonly workspace: string;
  readonly actor: string;
  readonly issuedAt: number;
}

export type Start =
  | { readonly kind: 'started' | 'existing'; readonly run: RunWithSteps }
  | { readonly kind: 'unconfirmed'; readonly commandId: string; readonly runId: string };

/** @throws Problem */
export const startRun = async (api: ApiContext, base: CommandBase, request: StartRequest): Promise<Start> => {
  requireFittingValue('The input', request.input);
  const { idempotencyKey } = request;
  const runId =
    idempotencyKey === undefined
      ? (request.runId ?? createUuidV7(base.issuedAt))
      : runIdOfKey(api.workspace, idempotencyKey);
  const existing = idempotencyKey === undefined ? undefined : api.readModel.findRun(runId);
  if (existing !== undefined) return sameRequest(existing, request);
  const submission = await api.submit({ kind: 'run', command: startCommand(base, request, runId) });
  return outcomeOf(api, base, request, runId, submission);
};

const startCommand = (
  base: CommandBase,
  { workflow, version, input, idempotencyKey }: StartRequest,
  runId: string,
): RunCommand => ({
  ...base,
  type: 'start',
  runId,
  workflowId: workflow,
  ...(version === undefined ? {} : { workflowVersion: version }),
  input,
  ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
});

const outcomeOf = (
  api: ApiContext,
  base: CommandBase,
  request: StartRequest,
  runId: string,
  submission: Submission,
): Start => {
  const queued = { kind: 'unconfirmed', commandId: base.commandId, runId } as const;
  if (submission.kind === 'unconfirmed') return queued;
  const run = api.readModel.findRun(runId);
  if (submission.kind === 'done') {
    const begun = run ?? begunRun(submission.event);
    return begun === undefined ? queued : { kind: 'started', run: begun };
  }
  const { code, message, issues } = submission.refusal;
  // Another request under the same key was first; its run is what this one asked for, too.
  if (code === 'RUN_ALREADY_STARTED' && request.idempotencyKey !== undefined)
    return run === undefined ? queued : sameRequest(run, request);
  throw refusalProblem(code, message, issues);
};

/** A run as its first event says, before the read model has it. */
const begunRun = ({ data, at, sequence }: EventEnvelope): RunWithSteps | undefined => {
  if (data.type !== 'run.started') return undefined;
  const { runId, workflow, input, startedBy, parent, root } = data;
  const instant = toInstantText(at);
  return {
    runId,
    workflow,
    status: 'RUNNING',
    startedBy,
    startedAt: instant,
    updatedAt: instant,
    endedAt: null,
    error: null,
    quarantine: null,
    input,
    sequence,
    parent: parent ?? null,
    root: root ?? null,
    steps: [],
  };
};

const sameRequest = (run: RunWithSteps, request: StartRequest): Start => {
  const isSame =
    run.workflow.id === request.workflow &&
    (request.version === undefined || run.workflow.version === request.version) &&
    isDeepStrictEqual(run.input, request.input);
  if (isSame) return { kind: 'existing', run };
  throw problem(
    'IDEMPOTENCY_KEY_REUSED',
    `The idempotency key started run ${run.runId} with another workflow, version or input`,
  );
};
