/**
 * The JSON bodies of requests, read strictly before any route sees them: what `JSON.parse` would change in silence
 * (lost digits, a key that stands twice, bad UTF-8) is refused with its place.
 */
import { type JsonFault, readJson } from '@signalbox/dsl';
import type { Context, MiddlewareHandler } from 'hono';
import { type Problem, problem } from './problem.js';

/** For routes that take JSON and nothing else. */
export const requireStrictJson: MiddlewareHandler = async (c, next) => {
  const bytes = await bodyBytes(c);
  if (bytes.length > 0) {
    if (!isJson(mediaTypeOf(c) ?? ''))
      throw problem('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json');
    const read = readJson(bytes);
    if (!read.ok) throw malformedBody(read.fault);
  }
  await next();
};

/** What is said of a body is heeded, or refused: it is never read as something else than it is. */
export const requirePlainBody: MiddlewareHandler = async (c, next) => {
  const encoding = c.req.header('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    throw problem('UNSUPPORTED_MEDIA_TYPE', {
      detail: 'Send the body without a Content-Encoding',
      headers: { 'accept-encoding': 'identity' },
    });
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(c.req.header('content-type') ?? '')?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw problem('UNSUPPORTED_MEDIA_TYPE', 'Send the body in UTF-8');
  await next();
};

/** The bytes stay with the request: who asks for its text or JSON afterwards has them. */
export const bodyBytes = async (c: Context): Promise<Uint8Array> => new Uint8Array(await c.req.arrayBuffer());

/** In lower case and without parameters; undefined without a header. */
export const mediaTypeOf = (c: Context): string | undefined =>
  c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();

export const isJson = (mediaType: string): boolean =>
  mediaType === 'application/json' || /^application\/[^/]+\+json$/.test(mediaType);

export const malformedBody = ({ message, path, line, column }: JsonFault): Problem =>
  problem('MALFORMED_BODY', {
    detail: `Line ${line}, column ${column} of the body${path === '' ? '' : `, at ${path}`}: ${message}`,
    errors: [{ path, line, column, message }],
  });
