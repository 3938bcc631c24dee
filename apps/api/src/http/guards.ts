/**
 * What keeps a web page in the user's browser away from an api without authentication.
 *
 * 1. The `Host` names this machine: a foreign name that was rebound to 127.0.0.1 is refused.
 * 2. A request that changes something and says where it comes from (`Origin`) comes from this very host and port.
 *    Reads need no such check: without CORS headers the browser hands no answer to a foreign page.
 */
import type { MiddlewareHandler } from 'hono';
import { hostName, isLoopbackHost } from './loopback.js';
import { problem } from './problem.js';

export const reading = new Set(['GET', 'HEAD', 'OPTIONS']);

export const requireLoopbackHost: MiddlewareHandler = async (c, next) => {
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  const name = hostName(host);
  if (name === undefined || !isLoopbackHost(name)) {
    throw problem(
      'FORBIDDEN_HOST',
      'The Host header must name a loopback address, such as 127.0.0.1 or localhost',
    );
  }
  await next();
};

export const refuseForeignOrigin: MiddlewareHandler = async (c, next) => {
  const origin = c.req.header('origin');
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  if (
    !reading.has(c.req.method) &&
    origin !== undefined &&
    origin.toLowerCase() !== `http://${host}`.toLowerCase()
  ) {
    throw problem(
      'FORBIDDEN_ORIGIN',
      'A request that changes something must come from the origin of the api itself',
    );
  }
  await next();
};
