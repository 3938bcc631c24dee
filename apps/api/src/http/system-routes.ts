/** Dead letters, and whether the process is alive and ready. */
import { createRoute, z } from '@hono/zod-openapi';
import { deadLetterResource } from '../resources/catalog.js';
import type { ApiContext } from './api-context.js';
import { formatCursor, parseCursor } from './cursor.js';
import { problem } from './problem.js';
import { createRouter, jsonAnswer, listQuery, pageOf, problemAnswer } from './routing.js';

const deadLettersRoute = createRoute({
  method: 'get',
  path: '/api/v1/dead-letters',
  tags: ['operations'],
  summary: 'Messages that nobody could handle, newest first',
  request: { query: z.object(listQuery(50, 200)) },
  responses: { 200: jsonAnswer(pageOf(deadLetterResource), 'A page of dead letters.'), ...problemAnswer },
});

const healthRoute = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['operations'],
  summary: 'The process is alive',
  responses: { 200: jsonAnswer(z.object({ status: z.literal('alive') }), 'Alive.') },
});

const readyResource = z.object({
  status: z.literal('ready'),
  contradictionCount: z
    .number()
    .int()
    .describe(
      'Messages of the log that said something else than an event before them; each is a dead letter',
    ),
});

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['operations'],
  summary: 'Connected to the bus, and the read model has caught up',
  responses: { 200: jsonAnswer(readyResource, 'Ready.'), ...problemAnswer },
});

export const systemRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(deadLettersRoute, (c) => {
    const { limit, cursor } = c.req.valid('query');
    const page = api.readModel.listDeadLetters(limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  router.openapi(healthRoute, (c) => c.json({ status: 'alive' as const }, 200));
  router.openapi(readyRoute, (c) => {
    if (!api.isConnected()) throw notReady('There is no connection to the bus');
    if (!api.readModel.isCaughtUp)
      throw notReady('The read model has not caught up with the event stream yet');
    const { contradictionCount } = api.readModel;
    return c.json({ status: 'ready' as const, contradictionCount }, 200);
  });
  return router;
};

export const notReady = (detail: string) => problem('NOT_READY', { detail, headers: { 'retry-after': '1' } });
