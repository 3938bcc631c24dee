/** Runs that the orchestrator leaves alone, and the way back. */
import { createRoute, z } from '@hono/zod-openapi';
import { id } from '@signalbox/protocol';
import { orProblem } from '../commands/submit.js';
import { quarantineResource } from '../resources/run.js';
import type { ApiContext } from './api-context.js';
import { commandBase } from './command-base.js';
import { formatCursor, parseCursor } from './cursor.js';
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

const tags = ['operations'];

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/quarantines',
  tags,
  summary: 'Runs that have stopped the orchestrator too often, latest first',
  request: { query: z.object(listQuery(50, 200)) },
  responses: { 200: jsonAnswer(pageOf(quarantineResource), 'A page of quarantines.'), ...problemAnswer },
});

const releaseRoute = createRoute({
  method: 'post',
  path: '/api/v1/workflow-runs/{runId}/release',
  tags,
  summary: 'Lift the quarantine of a run; what was set aside for it is handled',
  request: { params: z.object({ runId: id }), headers: actorHeaders },
  responses: {
    200: jsonAnswer(z.object({ runId: z.string(), released: z.literal(true) }), 'Released.'),
    ...unconfirmedAnswer,
    ...problemAnswer,
  },
});

export const quarantineRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(listRoute, (c) => {
    const { limit, cursor } = c.req.valid('query');
    const page = api.readModel.listQuarantines(limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  router.openapi(releaseRoute, async (c) => {
    const { runId } = c.req.valid('param');
    const command = { ...commandBase(api.workspace, c), type: 'release' as const, runId };
    const done = orProblem(await api.submit({ kind: 'run', command }));
    if (done.kind === 'unconfirmed') return unconfirmed(c, command.commandId, '/api/v1/quarantines');
    return c.json({ runId, released: true as const }, 200);
  });
  return router;
};
