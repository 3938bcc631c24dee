/** The whole HTTP interface: guards, routes, and one mapping of errors. */

import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { agentRoutes, teamRoutes } from './agent-routes.js';
import type { ApiContext } from './api-context.js';
import { approvalRoutes } from './approval-routes.js';
import { reading, refuseForeignOrigin, requireLoopbackHost } from './guards.js';
import { requirePlainBody, requireStrictJson } from './json-body.js';
import { problem, problemResponse, toProblem } from './problem.js';
import { quarantineRoutes } from './quarantine-routes.js';
import { createRouter } from './routing.js';
import { runRoutes } from './run-routes.js';
import { notReady, systemRoutes } from './system-routes.js';
import { workflowRoutes } from './workflow-routes.js';

/** More than anything that is taken needs, escaped in the worst way; what is inside has limits of its own. */
const maxBodyBytes = 2 * 1024 * 1024;

/** Answerable from nothing but the request, so also before the read model has caught up. */
const independentPaths = new Set(['/api/v1/openapi.json', '/api/v1/workflows/validate']);

const limitBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw problem('PAYLOAD_TOO_LARGE', {
      detail: `A body may have at most ${maxBodyBytes} bytes`,
      // What is left of it is not read, so nothing else can come on this connection.
      headers: { connection: 'close' },
    });
  },
});

/** That of a reading is never looked at; already to ask whether there is one costs an object with an abort signal. */
const ofBody =
  (check: MiddlewareHandler): MiddlewareHandler =>
  (c, next) =>
    reading.has(c.req.method) ? next() : check(c, next);

export const createApp = (api: ApiContext) => {
  const app = createRouter();
  app.use('*', requireLoopbackHost, refuseForeignOrigin, requirePlainBody);
  app.use('*', ofBody(limitBody));
  app.use('/api/v1/*', requireCaughtUp(api));
  app.use('/api/v1/*', requirePromisesKept(api));
  app.use('/api/v1/workflow-runs/*', ofBody(requireStrictJson));
  app.route('/', systemRoutes(api));
  app.route('/', workflowRoutes(api));
  app.route('/', agentRoutes(api));
  app.route('/', teamRoutes(api));
  app.route('/', runRoutes(api));
  app.route('/', approvalRoutes(api));
  app.route('/', quarantineRoutes(api));
  app.doc31('/api/v1/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Signalbox',
      version: '1',
      description:
        'Durable workflows. Every error is `application/problem+json` with a stable `code`. Instants are RFC 3339 in UTC.',
    },
  });
  const methodsOf = createMethodTable(app.routes);
  app.notFound((c) => answerUnknown(c, methodsOf(c.req.path)));
  app.onError((error, c) => {
    const answer = hasLeft(error, c)
      ? problem('MALFORMED_REQUEST', 'The client went away before the end of its body')
      : toProblem(error);
    if (answer.status === 500) api.onInternalError(error, c.req.path);
    return problemResponse(answer, c.req.path);
  });
  return app;
};

/** Reading the body has failed because nobody sends the rest; whatever is answered, nobody reads it either. */
const hasLeft = (error: unknown, c: Context): boolean => {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>;
  return incoming !== undefined && !incoming.complete && incoming.errored === error;
};

const requireCaughtUp =
  (api: ApiContext): MiddlewareHandler =>
  async (c, next) => {
    if (!api.readModel.isCaughtUp && !independentPaths.has(c.req.path))
      throw notReady('The read model has not caught up with the event stream yet');
    await next();
  };

/** What somebody was told of a moment ago is read by everybody. */
const requirePromisesKept =
  (api: ApiContext): MiddlewareHandler =>
  async (c, next) => {
    const isRead = reading.has(c.req.method) && !independentPaths.has(c.req.path);
    if (isRead && !(await api.readModel.arePromisesKept()))
      throw notReady('The read model is behind the event stream');
    await next();
  };

const answerUnknown = (c: Context, methods: readonly string[]): Response => {
  const answer =
    methods.length === 0
      ? problem('ROUTE_NOT_FOUND', `There is nothing at ${c.req.path}`)
      : problem('METHOD_NOT_ALLOWED', {
          detail: `${c.req.path} takes ${methods.join(', ')}`,
          headers: { allow: methods.join(', ') },
        });
  return problemResponse(answer, c.req.path);
};

/** Which methods there are for a path: the router itself knows only the match of a method and a path together. */
const createMethodTable = (routes: readonly { readonly method: string; readonly path: string }[]) => {
  const table = routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({ method, parts: path.split('/') }));
  return (path: string): readonly string[] => {
    const parts = path.split('/');
    const methods = table
      .filter((route) => route.parts.length === parts.length && route.parts.every(matches(parts)))
      .map((route) => route.method);
    return [...new Set(methods)].sort();
  };
};

const matches =
  (parts: readonly string[]) =>
  (part: string, index: number): boolean =>
    part.startsWith(':') ? parts[index] !== '' : part === parts[index];
