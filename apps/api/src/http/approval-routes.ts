/** Approvals: those of a run, those of the workspace, and the decisions. */
import { createRoute, z } from '@hono/zod-openapi';
import { id, type JsonValue, maxCommentLength } from '@signalbox/protocol';
import type { Context } from 'hono';
import { orProblem } from '../commands/submit.js';
import { approvalResource, approvalStatuses } from '../resources/run.js';
import { json } from '../resources/shapes.js';
import type { ApiContext } from './api-context.js';
import { commandBase } from './command-base.js';
import { formatCursor, parseCursor } from './cursor.js';
import { requireFittingValue } from './fitting.js';
import { noRun } from './no-run.js';
import { problem } from './problem.js';
import {
  actorHeaders,
  createRouter,
  jsonAnswer,
  listQuery,
  pageOf,
  problemAnswer,
  unconfirmed,
  unconfirmedAnswer,
} from './routing.js';

const ofRun = '/api/v1/workflow-runs/{runId}/approvals';
const tags = ['approvals'];
const runParam = z.object({ runId: id });

const ofRunRoute = createRoute({
  method: 'get',
  path: ofRun,
  tags,
  summary: 'Approvals of a run, in the order in which they were asked for',
  request: { params: runParam, query: z.object(listQuery(50, 200)) },
  responses: { 200: jsonAnswer(pageOf(approvalResource), 'A page of approvals.'), ...problemAnswer },
});

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/workflow-approvals',
  tags,
  summary: 'Approvals of the workspace, newest first',
  request: { query: z.object({ status: z.enum(approvalStatuses).optional(), ...listQuery(50, 200) }) },
  responses: { 200: jsonAnswer(pageOf(approvalResource), 'A page of approvals.'), ...problemAnswer },
});

const decisionRoute = <N extends 'approve' | 'reject'>(name: N, summary: string) =>
  createRoute({
    method: 'post',
    path: `${ofRun}/{approvalId}/${name}` as const,
    tags,
    summary,
    request: {
      params: runParam.extend({ approvalId: id }),
      headers: actorHeaders,
      body: {
        content: {
          'application/json': {
            schema: z.strictObject({
              comment: z.string().max(maxCommentLength).optional(),
              data: json.optional(),
            }),
          },
        },
      },
    },
    responses: {
      200: jsonAnswer(
        approvalResource,
        'The approval as it is now; still pending where more have to approve.',
      ),
      ...unconfirmedAnswer,
      ...problemAnswer,
    },
  });

export const approvalRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(ofRunRoute, (c) => {
    const { runId } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    if (api.readModel.findRunHead(runId) === undefined) throw noRun(api, runId);
    const page = api.readModel.listApprovalsOfRun(runId, limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  router.openapi(listRoute, (c) => {
    const { status, limit, cursor } = c.req.valid('query');
    const page = api.readModel.listApprovals(status, limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  router.openapi(decisionRoute('approve', 'Approve'), (c) =>
    decide(api, c, 'approve', c.req.valid('param'), c.req.valid('json')),
  );
  router.openapi(decisionRoute('reject', 'Reject'), (c) =>
    decide(api, c, 'reject', c.req.valid('param'), c.req.valid('json')),
  );
  return router;
};

const requireApproval = (api: ApiContext, runId: string, approvalId: string) => {
  const approval = api.readModel.findApproval(runId, approvalId);
  if (approval !== undefined) return approval;
  throw problem('APPROVAL_NOT_FOUND', `Run "${runId}" has no approval "${approvalId}"`);
};

/** Who may decide, and whether it is too late, is judged behind the port, where it is recorded too. */
const decide = async (
  api: ApiContext,
  c: Context,
  decision: 'approve' | 'reject',
  { runId, approvalId }: { readonly runId: string; readonly approvalId: string },
  { comment, data }: { readonly comment?: string | undefined; readonly data?: unknown },
) => {
  const base = commandBase(api.workspace, c);
  requireApproval(api, runId, approvalId);
  requireFittingValue('The data of the decision', data ?? null);
  const submission = await api.submit({
    kind: 'decision',
    command: {
      ...base,
      type: 'decision',
      runId,
      approvalId,
      decision,
      ...(comment === undefined ? {} : { comment }),
      ...(data === undefined ? {} : { data: data as JsonValue }),
    },
  });
  if (orProblem(submission).kind === 'unconfirmed')
    return unconfirmed(c, base.commandId, `/api/v1/workflow-runs/${encodeURIComponent(runId)}/approvals`);
  return c.json(requireApproval(api, runId, approvalId), 200);
};
