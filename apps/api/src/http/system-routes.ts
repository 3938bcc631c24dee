/** Dead letters, and whether the process is alive and ready. */
import { createRoute, z } from '@hono/zod-openapi';
import { deadLetterId } from '@signalbox/protocol';
import { orProblem } from '../commands/submit.js';
import { deadLetterResource } from '../resources/catalog.js';
import type { ApiContext } from './api-context.js';
import { commandBase } from './command-base.js';
import { formatCursor, parseCursor } from './cursor.js';
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

const root = '/api/v1/dead-letters';

const deadLettersRoute = createRoute({
  method: 'get',
  path: root,
  tags: ['operations'],
  summary: 'Messages that nobody could handle, newest first',
  request: { query: z.object(listQuery(50, 200)) },
  responses: { 200: jsonAnswer(pageOf(deadLetterResource), 'A page of dead letters.'), ...problemAnswer },
});

/** How a dead letter ends. */
const ends = {
  retry: { type: 'retry_dead_letter', outcome: 'retried' },
  drop: { type: 'drop_dead_letter', outcome: 'dropped' },
} as const;

const endRoute = (act: keyof typeof ends, summary: string) =>
  createRoute({
    method: 'post',
    path: `${root}/{deadLetterId}/${act}`,
    tags: ['operations'],
    summary,
    request: { params: z.object({ deadLetterId }), headers: actorHeaders },
    responses: {
      200: jsonAnswer(
        z.object({ deadLetterId: z.string(), outcome: z.enum(['retried', 'dropped']) }),
        'Done.',
      ),
      ...unconfirmedAnswer,
      ...problemAnswer,
    },
  });
const retryRoute = endRoute(
  'retry',
  'Publish the kept message of a dead letter once more, where it is whole',
);
const dropRoute = endRoute('drop', 'Say that nobody needs a dead letter any more');

/** The orchestrator does not know of what the api has set aside, so nobody can end it. @throws Problem */
const refuseOwn = (api: ApiContext, id: string): void => {
  if (api.readModel.isOwnDeadLetter(id))
    throw problem(
      'DEAD_LETTER_OF_LOG',
      `"${id}" is a message of the log that is no event, or contradicts one: only the api keeps it, and it can be neither retried nor dropped; find its sender (docs/operations/message-set-aside.md)`,
    );
};

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

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['operations'],
  summary: "The orchestrator's event loop delay, its longest turn and what waits, for Prometheus",
  responses: { 200: { content: { 'text/plain': { schema: z.string() } }, description: 'The figures.' } },
});

export const systemRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(deadLettersRoute, (c) => {
    const { limit, cursor } = c.req.valid('query');
    const page = api.readModel.listDeadLetters(limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  for (const [act, route] of [
    ['retry', retryRoute],
    ['drop', dropRoute],
  ] as const)
    router.openapi(route, async (c) => {
      const { deadLetterId } = c.req.valid('param');
      const { type, outcome } = ends[act];
      refuseOwn(api, deadLetterId);
      const command = { ...commandBase(api.workspace, c), type, deadLetterId };
      const done = orProblem(await api.submit({ kind: 'catalog', command }));
      if (done.kind === 'unconfirmed') return unconfirmed(c, command.commandId, root);
      return c.json({ deadLetterId, outcome }, 200);
    });
  router.openapi(healthRoute, (c) => c.json({ status: 'alive' as const }, 200));
  router.openapi(metricsRoute, (c) =>
    c.text(api.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  router.openapi(readyRoute, (c) => {
    const busProblem = api.busProblem();
    if (busProblem !== undefined) throw notReady(busProblem);
    if (!api.readModel.isCaughtUp)
      throw notReady('The read model has not caught up with the event stream yet');
    const problem = api.problem();
    if (problem !== undefined) throw notReady(problem);
    const { contradictionCount } = api.readModel;
    return c.json({ status: 'ready' as const, contradictionCount }, 200);
  });
  return router;
};

export const notReady = (detail: string) => problem('NOT_READY', { detail, headers: { 'retry-after': '1' } });
