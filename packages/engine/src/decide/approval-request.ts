/** What a person is asked, from the rendered input of `human.approval`. */
import { canonicalJson } from '../canonical-json.js';
import { type ContextMap, explainAbsence, kindOf, nodeAt, plain } from '../context.js';
import { type StepError, stepError } from '../error.js';
import type { Actor, Instant, RunEvent } from '../event.js';
import { quoted } from '../excerpt.js';
import { isJsonObject, type Json } from '../json.js';
import { parsePath } from '../path.js';
import type { Path } from '../plan.js';
import type { World } from '../world.js';
import { inputTooLarge } from './too-large.js';

type ApprovalRequested = Extract<RunEvent, { type: 'approval.requested' }>;

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: StepError };

const wrong = (message: string): { readonly ok: false; readonly error: StepError } => ({
  ok: false,
  error: stepError('TEMPLATE_ERROR', message),
});

/** More people than anybody will ask. */
export const maxQuorum = 100;

export interface Asked {
  /** The approval has the id of its step: there is one for each visit of the state. */
  readonly stepId: string;
  readonly state: string;
  readonly requestedBy: Actor;
  readonly expiresAt: Instant | undefined;
}

/**
 * The fields of the input: `message`, `summaryPath` (the value there is shown), `approvers` (`user:…`, `team:…`; none:
 * anyone who may decide), `quorum` (default 1), `allowRequester` (default false), `onReject` (default `cancel`).
 */
export const approvalRequestOf = (
  asked: Asked,
  input: Json,
  context: ContextMap,
  world: World,
):
  | { readonly ok: true; readonly event: ApprovalRequested }
  | { readonly ok: false; readonly error: StepError } => {
  if (!isJsonObject(input)) return wrong('the input of an approval must be an object');
  const summary = summaryOf(input.summaryPath, context);
  if (!summary.ok) return summary;
  const approvers = approversOf(input.approvers);
  if (!approvers.ok) return approvers;
  const { quorum = 1, allowRequester = false, onReject = 'cancel' } = input;
  if (typeof quorum !== 'number' || !Number.isInteger(quorum) || quorum < 1 || quorum > maxQuorum)
    return wrong(`"quorum" must be a whole number from 1 to ${maxQuorum}, not ${quoted(quorum)}`);
  if (typeof allowRequester !== 'boolean')
    return wrong(`"allowRequester" must be true or false, not ${quoted(allowRequester)}`);
  if (onReject !== 'cancel' && onReject !== 'fail')
    return wrong(`"onReject" must be "cancel" or "fail", not ${quoted(onReject)}`);
  const message = messageOf(input.message);
  const shown = { message, ...(summary.value === undefined ? {} : { summary: summary.value }) };
  const what = `what state "${asked.state}" shows to its approvers, message and summary,`;
  const error = inputTooLarge(world, what, { ...shown, approvers: approvers.value });
  if (error !== undefined) return { ok: false, error };
  return {
    ok: true,
    event: {
      type: 'approval.requested',
      approvalId: asked.stepId,
      stepId: asked.stepId,
      ...shown,
      summaryDigest: world.digest(canonicalJson(shown)),
      approvers: approvers.value,
      quorum,
      allowRequester,
      requestedBy: asked.requestedBy,
      onReject,
      ...(asked.expiresAt === undefined ? {} : { expiresAt: asked.expiresAt }),
    },
  };
};

const messageOf = (message: Json | undefined): string => {
  if (message === undefined) return '';
  return typeof message === 'string' ? message : JSON.stringify(message);
};

const isPath = (value: Json): value is Path =>
  Array.isArray(value) && value.every((part) => typeof part === 'string' || typeof part === 'number');

/** A path that leads nowhere is an error: people would decide without what the author wanted them to see. */
const summaryOf = (summaryPath: Json | undefined, context: ContextMap): Answer<Json | undefined> => {
  if (summaryPath === undefined || summaryPath === null) return { ok: true, value: undefined };
  const path = typeof summaryPath === 'string' ? parsePath(summaryPath) : summaryPath;
  if (path === undefined || !isPath(path))
    return wrong(`"summaryPath" is not a path: ${quoted(summaryPath)}`);
  const node = nodeAt(context, path);
  if (node === undefined) return wrong(`"summaryPath" leads nowhere: ${explainAbsence(context, path)}`);
  return { ok: true, value: plain(node) };
};

const approverPattern = /^(?:user|team):.+$/;

const approversOf = (approvers: Json | undefined): Answer<readonly string[]> => {
  if (approvers === undefined || approvers === null) return { ok: true, value: [] };
  if (!Array.isArray(approvers)) return wrong(`"approvers" must be a list, not ${kindOf(approvers)}`);
  const names: string[] = [];
  for (const approver of approvers as readonly Json[]) {
    if (typeof approver !== 'string' || !approverPattern.test(approver))
      return wrong(`"approvers" has ${quoted(approver)}; each must be "user:<name>" or "team:<name>"`);
    names.push(approver);
  }
  return { ok: true, value: names };
};
