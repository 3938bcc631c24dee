/** `/api/v1/workflows`: definitions and their versions. */
import { createRoute, z } from '@hono/zod-openapi';
import { limits } from '@signalbox/dsl';
import { type CatalogCommand, maxNameLength } from '@signalbox/protocol';
import type { Context } from 'hono';
import { orProblem } from '../commands/submit.js';
import {
  validationResource,
  type WorkflowResource,
  workflowResource,
  workflowSummary,
} from '../resources/catalog.js';
import type { ApiContext } from './api-context.js';
import { commandBase } from './command-base.js';
import { requireFittingText } from './fitting.js';
import { problem } from './problem.js';
import {
  actorHeaders,
  createRouter,
  jsonAnswer,
  problemAnswer,
  unconfirmed,
  unconfirmedAnswer,
} from './routing.js';
import { readSource, sourceBody } from './source-body.js';

const root = '/api/v1/workflows';
const tags = ['workflows'];
const idParam = z.object({ id: z.string().min(1).max(maxNameLength) });

const listRoute = createRoute({
  method: 'get',
  path: root,
  tags,
  summary: 'The newest version of every workflow, by id',
  responses: {
    200: jsonAnswer(z.object({ items: z.array(workflowSummary) }), 'Workflows.'),
    ...problemAnswer,
  },
});

const createWorkflowRoute = createRoute({
  method: 'post',
  path: root,
  tags,
  summary: 'Create a workflow; refused where its id exists',
  request: { headers: actorHeaders, body: sourceBody },
  responses: {
    201: jsonAnswer(workflowResource, 'Created.'),
    ...unconfirmedAnswer,
    ...problemAnswer,
  },
});

const validateRoute = createRoute({
  method: 'post',
  path: `${root}/validate`,
  tags,
  summary: 'Check a definition without storing it',
  request: { body: sourceBody },
  responses: { 200: jsonAnswer(validationResource, 'What was found, valid or not.'), ...problemAnswer },
});

const getRoute = createRoute({
  method: 'get',
  path: `${root}/{id}`,
  tags,
  summary: 'A workflow with its source: the newest version, or the one asked for',
  request: { params: idParam, query: z.object({ version: z.coerce.number().int().positive().optional() }) },
  responses: { 200: jsonAnswer(workflowResource, 'The workflow.'), ...problemAnswer },
});

const putRoute = createRoute({
  method: 'put',
  path: `${root}/{id}`,
  tags,
  summary: 'Make a new version, or the first; the same source makes none',
  request: { params: idParam, headers: actorHeaders, body: sourceBody },
  responses: {
    200: jsonAnswer(workflowResource, 'A new version, or the same as before.'),
    201: jsonAnswer(workflowResource, 'The first version.'),
    ...unconfirmedAnswer,
    ...problemAnswer,
  },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: `${root}/{id}`,
  tags,
  summary: 'Delete a workflow; refused while runs of it have not ended',
  request: { params: idParam, headers: actorHeaders },
  responses: { 204: { description: 'Deleted.' }, ...unconfirmedAnswer, ...problemAnswer },
});

export const workflowRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(listRoute, (c) => c.json({ items: api.readModel.listWorkflows() }, 200));
  router.openapi(validateRoute, async (c) =>
    c.json(await api.validator.validateWorkflow(await readSource(c)), 200),
  );
  router.openapi(getRoute, (c) => {
    const { id } = c.req.valid('param');
    const { version } = c.req.valid('query');
    const found = api.readModel.findWorkflow(id, version);
    if (found !== undefined) return c.json(found, 200);
    const what = version === undefined ? '' : ` with a version ${version}`;
    throw problem('WORKFLOW_NOT_FOUND', `There is no workflow "${id}"${what}`);
  });
  router.openapi(createWorkflowRoute, async (c) => {
    const put = await putWorkflow(api, c, 'create', undefined);
    if (put.kind === 'unconfirmed') return unconfirmed(c, put.commandId, root);
    return c.json(put.workflow, 201, { location: `${root}/${encodeURIComponent(put.workflow.id)}` });
  });
  router.openapi(putRoute, async (c) => {
    const { id } = c.req.valid('param');
    const put = await putWorkflow(api, c, 'put', id);
    const location = `${root}/${encodeURIComponent(id)}`;
    if (put.kind === 'unconfirmed') return unconfirmed(c, put.commandId, location);
    return put.isFirst ? c.json(put.workflow, 201, { location }) : c.json(put.workflow, 200);
  });
  router.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid('param');
    const command = { ...commandBase(api.workspace, c), type: 'delete_workflow' as const, workflowId: id };
    const done = orProblem(await api.submit({ kind: 'catalog', command }));
    if (done.kind === 'unconfirmed')
      return unconfirmed(c, command.commandId, `${root}/${encodeURIComponent(id)}`);
    return c.body(null, 204);
  });
  return router;
};

type Put =
  | { readonly kind: 'unconfirmed'; readonly commandId: string }
  | { readonly kind: 'done'; readonly workflow: WorkflowResource; readonly isFirst: boolean };

/** Codes about what else the workspace has: there this replica may be behind, and the orchestrator judges. */
const aboutOthers = new Set([
  'AGENT_NOT_FOUND',
  'WORKFLOW_NOT_FOUND',
  'TOOL_NOT_FOUND',
  'SCHEMA_COMPATIBILITY',
]);

const putWorkflow = async (
  api: ApiContext,
  c: Context,
  mode: 'create' | 'put',
  workflowId: string | undefined,
): Promise<Put> => {
  const base = commandBase(api.workspace, c);
  const source = await readSource(c);
  requireFittingText('The definition', source, limits.maxTextBytes);
  const { errors, warnings } = await api.validator.validateWorkflow(source);
  if (errors.some(({ code }) => !aboutOthers.has(code)))
    throw problem('VALIDATION_FAILED', { detail: 'The definition is not valid', errors, warnings });
  const command: CatalogCommand = {
    ...base,
    type: 'put_workflow',
    mode,
    source,
    ...(workflowId === undefined ? {} : { workflowId }),
  };
  const done = orProblem(await api.submit({ kind: 'catalog', command }));
  if (done.kind === 'unconfirmed') return { kind: 'unconfirmed', commandId: command.commandId };
  const { data } = done.event;
  const workflow =
    data.type === 'catalog.workflow_put'
      ? api.readModel.findWorkflow(data.workflowId, data.version)
      : undefined;
  if (data.type !== 'catalog.workflow_put' || workflow === undefined)
    throw new Error(`a workflow was put and the answer is ${data.type}`);
  return { kind: 'done', workflow, isFirst: data.changed && data.version === 1 };
};
