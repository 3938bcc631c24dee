/** `/api/v1/workflow-runs`: starting, reading, following and steering runs. */
import { createRoute, z } from '@hono/zod-openapi';
import { runStatuses } from '@signalbox/engine';
import {
  id,
  type JsonValue,
  maxIdempotencyKeyLength,
  maxNameLength,
  maxReasonLength,
  type RunCommand,
} from '@signalbox/protocol';
import type { Context } from 'hono';
import { orProblem } from '../commands/submit.js';
import { createUuidV7 } from '../identity.js';
import { defaultStepCount, type RunWithSteps } from '../read-model/run-queries.js';
import {
  eventResource,
  type RunResource,
  runResource,
  runSummary,
  stepResource,
  stepSummary,
} from '../resources/run.js';
import { json, jsonObject } from '../resources/shapes.js';
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
import { createRunStreams } from './run-stream.js';
import { startRun } from './start-run.js';

const root = '/api/v1/workflow-runs';
const tags = ['runs'];
const runParam = z.object({ runId: id });
/** A page of so many costs 2 ms of processor time: twenty readers of a long run leave others well under 100 ms. */
const maxStepCount = 200;

const startRoute = createRoute({
  method: 'post',
  path: root,
  tags,
  summary: 'Start a run',
  request: {
    headers: actorHeaders.extend({
      'idempotency-key': z.string().min(1).max(maxIdempotencyKeyLength).optional().openapi({
        description: 'The same key gives the same run: 201 at first, 200 afterwards.',
      }),
    }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            workflow: z.string().min(1).max(maxNameLength).openapi({ description: 'Id of the workflow.' }),
            version: z
              .number()
              .int()
              .positive()
              .optional()
              .openapi({ description: 'The newest when absent.' }),
            input: jsonObject.optional().openapi({
              description: 'The first context of the run: one object. An empty one when absent.',
            }),
            runId: id.optional(),
          }),
        },
      },
    },
  },
  responses: {
    201: jsonAnswer(runResource, 'Started.'),
    200: jsonAnswer(runResource, 'Started before, under the same idempotency key.'),
    ...unconfirmedAnswer,
    ...problemAnswer,
  },
});

const listRoute = createRoute({
  method: 'get',
  path: root,
  tags,
  summary: 'Runs, newest first',
  request: {
    query: z.object({
      workflow: z.string().optional(),
      status: z.enum(runStatuses).optional(),
      root: z.string().optional().openapi({ description: 'Child runs below this root run only.' }),
      ...listQuery(50, 200),
    }),
  },
  responses: { 200: jsonAnswer(pageOf(runSummary), 'A page of runs.'), ...problemAnswer },
});

const getRoute = createRoute({
  method: 'get',
  path: `${root}/{runId}`,
  tags,
  summary: 'A run with the first of its steps',
  request: {
    params: runParam,
    query: z.object({
      limit: z.coerce
        .number()
        .int()
        .min(0)
        .max(maxStepCount)
        .default(defaultStepCount)
        .openapi({ description: 'Steps that come with it.' }),
    }),
  },
  responses: { 200: jsonAnswer(runResource, 'The run.'), ...problemAnswer },
});

const stepsRoute = createRoute({
  method: 'get',
  path: `${root}/{runId}/steps`,
  tags,
  summary: 'Steps of a run, in the order in which they began',
  request: { params: runParam, query: z.object(listQuery(defaultStepCount, maxStepCount)) },
  responses: { 200: jsonAnswer(pageOf(stepSummary), 'A page of steps.'), ...problemAnswer },
});

const stepRoute = createRoute({
  method: 'get',
  path: `${root}/{runId}/steps/{stepId}`,
  tags,
  summary: 'A step with its input and output',
  request: { params: runParam.extend({ stepId: z.string() }) },
  responses: { 200: jsonAnswer(stepResource, 'The step.'), ...problemAnswer },
});

const eventsRoute = createRoute({
  method: 'get',
  path: `${root}/{runId}/events`,
  tags,
  summary: 'Events of a run in order',
  request: {
    params: runParam,
    query: z.object({
      after: z.coerce.number().int().nonnegative().default(0).openapi({ description: 'A sequence.' }),
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
    }),
  },
  responses: {
    200: jsonAnswer(
      z.object({
        items: z.array(eventResource),
        nextAfter: z.number().int().nullable().openapi({ description: 'Null when there are no more now.' }),
      }),
      'A page of events.',
    ),
    ...problemAnswer,
  },
});

const streamRoute = createRoute({
  method: 'get',
  path: `${root}/{runId}/stream`,
  tags,
  summary: 'Events of a run as they happen (server-sent events), until its end',
  request: {
    params: runParam,
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,15}$/, { error: 'must be the id of an event' })
        .optional()
        .openapi({ description: 'Sequence of the last event that the client has.' }),
    }),
  },
  responses: {
    200: {
      description: 'The events.',
      content: { 'text/event-stream': { schema: { type: 'string' as const } } },
    },
    204: { description: 'The run has ended and the client has every event of it.' },
    ...problemAnswer,
  },
});

const reasonBody = {
  content: {
    'application/json': { schema: z.strictObject({ reason: z.string().max(maxReasonLength).optional() }) },
  },
} as const;

const steered = {
  200: jsonAnswer(runResource, 'The run as it is now.'),
  ...unconfirmedAnswer,
  ...problemAnswer,
};

const stopRoute = <N extends 'pause' | 'cancel'>(name: N, summary: string) =>
  createRoute({
    method: 'post',
    path: `${root}/{runId}/${name}` as const,
    tags,
    summary,
    request: { params: runParam, headers: actorHeaders, body: reasonBody },
    responses: steered,
  });

const resumeRoute = createRoute({
  method: 'post',
  path: `${root}/{runId}/resume`,
  tags,
  summary: 'Go on after a pause',
  request: { params: runParam, headers: actorHeaders },
  responses: steered,
});

const signalRoute = createRoute({
  method: 'post',
  path: `${root}/{runId}/signals/{name}`,
  tags,
  summary:
    'Send a signal to a run; sent again under its signalId it counts once, and another under that id is refused',
  request: {
    params: runParam.extend({ name: z.string().min(1).max(maxNameLength) }),
    headers: actorHeaders,
    body: {
      content: {
        'application/json': {
          schema: z.strictObject({
            payload: json.optional().openapi({ description: 'Null when absent.' }),
            signalId: id.optional(),
          }),
        },
      },
    },
  },
  responses: steered,
});

const requireRun = (api: ApiContext, runId: string, stepCount?: number): RunResource => {
  const run = api.readModel.findRun(runId, stepCount);
  if (run === undefined) throw noRun(api, runId);
  return toResource(run);
};

const toResource = ({ nextStep, ...run }: RunWithSteps): RunResource => ({
  ...run,
  nextCursor: formatCursor(nextStep),
});

const requireRunExists = (api: ApiContext, runId: string): void => {
  if (api.readModel.findRunHead(runId) === undefined) throw noRun(api, runId);
};

const locationOf = (runId: string): string => `${root}/${encodeURIComponent(runId)}`;

/** Sends a command to a run that is there already, and answers with the run; the same signal sent again is answered again. */
const steer = async (api: ApiContext, c: Context, command: RunCommand) => {
  const submission = await api.submit({ kind: 'run', command });
  const isRepeated = submission.kind === 'refused' && submission.refusal.code === 'SIGNAL_ALREADY_RECEIVED';
  const done = isRepeated ? submission : orProblem(submission);
  if (done.kind === 'unconfirmed') return unconfirmed(c, command.commandId, locationOf(command.runId));
  return c.json(requireRun(api, command.runId), 200);
};

export const runRoutes = (api: ApiContext) => {
  const router = createRouter();
  router.openapi(startRoute, async (c) => {
    const { workflow, version, input, runId } = c.req.valid('json');
    const idempotencyKey = c.req.valid('header')['idempotency-key'];
    if (idempotencyKey !== undefined && runId !== undefined)
      throw problem(
        'INVALID_REQUEST',
        'Give an Idempotency-Key or a runId, not both: the key already names the run',
      );
    const start = await startRun(api, commandBase(api.workspace, c), {
      workflow,
      version,
      input: (input ?? {}) as JsonValue,
      runId,
      idempotencyKey,
    });
    if (start.kind === 'unconfirmed') return unconfirmed(c, start.commandId, locationOf(start.runId));
    const location = locationOf(start.run.runId);
    return start.kind === 'started'
      ? c.json(toResource(start.run), 201, { location })
      : c.json(toResource(start.run), 200, { location });
  });
  router.openapi(listRoute, (c) => {
    const { workflow, status, root: rootRunId, limit, cursor } = c.req.valid('query');
    const page = api.readModel.listRuns({ workflow, status, root: rootRunId }, limit, parseCursor(cursor));
    return c.json({ items: page.items, nextCursor: formatCursor(page.next) }, 200);
  });
  router.openapi(getRoute, (c) => {
    const { runId } = c.req.valid('param');
    return api.turns.run(runId, () => c.json(requireRun(api, runId, c.req.valid('query').limit), 200));
  });
  addStepRoutes(router, api);
  addEventsRoute(router, api);
  addStreamRoute(router, api);
  addControlRoutes(router, api);
  return router;
};

type Router = ReturnType<typeof createRouter>;

const addStepRoutes = (router: Router, api: ApiContext): void => {
  router.openapi(stepsRoute, (c) => {
    const { runId } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    requireRunExists(api, runId);
    const after = parseCursor(cursor);
    return api.turns.run(runId, () => {
      const { items, next } = api.readModel.listSteps(runId, limit, after);
      return c.json({ items, nextCursor: formatCursor(next) }, 200);
    });
  });
  router.openapi(stepRoute, (c) => {
    const { runId, stepId } = c.req.valid('param');
    const found = api.readModel.findStep(runId, stepId);
    if (found === undefined) throw problem('STEP_NOT_FOUND', `Run "${runId}" has no step "${stepId}"`);
    const { step, ...input } = found;
    const output: unknown = api.readModel.stepOf(runId, stepId)?.output;
    return c.json({ ...step, ...input, ...(output === undefined ? {} : { output }) }, 200);
  });
};

const addEventsRoute = (router: Router, api: ApiContext): void => {
  router.openapi(eventsRoute, (c) => {
    const { runId } = c.req.valid('param');
    const { after, limit } = c.req.valid('query');
    requireRunExists(api, runId);
    return api.turns.run(runId, () => {
      const { items, hasMore } = api.readModel.listEvents(runId, after, limit);
      const nextAfter = hasMore ? (items.at(-1)?.sequence ?? null) : null;
      return c.json({ items, nextAfter }, 200);
    });
  });
};

const addStreamRoute = (router: Router, api: ApiContext): void => {
  const streams = createRunStreams(api);
  router.openapi(streamRoute, (c) => {
    const { runId } = c.req.valid('param');
    requireRunExists(api, runId);
    const after = Number(c.req.valid('header')['last-event-id'] ?? 0);
    return streams.open(runId, after) ?? c.body(null, 204);
  });
};

const addControlRoutes = (router: Router, api: ApiContext): void => {
  const commandOf = (c: Context, runId: string) => ({ ...commandBase(api.workspace, c), runId });
  router.openapi(stopRoute('pause', 'Schedule no new step; steps in flight finish'), (c) => {
    const { reason } = c.req.valid('json');
    return steer(api, c, {
      ...commandOf(c, c.req.valid('param').runId),
      type: 'pause',
      ...(reason === undefined ? {} : { reason }),
    });
  });
  router.openapi(resumeRoute, (c) =>
    steer(api, c, { ...commandOf(c, c.req.valid('param').runId), type: 'resume' }),
  );
  router.openapi(stopRoute('cancel', 'End the run: abort its steps, close its approvals'), (c) => {
    const { reason } = c.req.valid('json');
    return steer(api, c, {
      ...commandOf(c, c.req.valid('param').runId),
      type: 'cancel',
      ...(reason === undefined ? {} : { reason }),
    });
  });
  router.openapi(signalRoute, (c) => {
    const { runId, name } = c.req.valid('param');
    const { payload, signalId } = c.req.valid('json');
    requireFittingValue('The payload', payload ?? null);
    return steer(api, c, {
      ...commandOf(c, runId),
      type: 'signal',
      signal: name,
      signalId: signalId ?? createUuidV7(),
      payload: (payload ?? null) as JsonValue,
    });
  });
};
