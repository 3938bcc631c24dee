/**
 * How the text of a definition, an agent or a teams file is sent. One rule for all routes:
 *
 * 1. `application/json`: an object whose only member is `source`, a string, holds the text in it; any other JSON is
 *    itself the text (JSON is a definition's other form), byte for byte as it was sent.
 * 2. `text/*`, `application/yaml` and `application/x-yaml`: the body is the text.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { readJson } from './json-text.js';
import { problem } from './problem.js';

/** The part of a route's declaration that says so. */
export const sourceBody = {
  required: true,
  content: {
    'text/yaml': { schema: { type: 'string' as const } },
    'text/plain': { schema: { type: 'string' as const } },
    'application/json': {
      schema: {
        type: 'object' as const,
        description: 'The definition itself, or `{ "source": "<text>" }`.',
      },
    },
  },
};

const wrapper = z.strictObject({ source: z.string() });

const mediaTypeOf = (c: Context): string =>
  (c.req.header('content-type') ?? 'text/plain').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/** @throws Problem `UNSUPPORTED_MEDIA_TYPE` */
export const readSource = async (c: Context): Promise<string> => {
  const mediaType = mediaTypeOf(c);
  const text = await c.req.text();
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return unwrapped(text);
  if (mediaType.startsWith('text/') || /^application\/(x-)?yaml$/.test(mediaType)) return text;
  throw problem('UNSUPPORTED_MEDIA_TYPE', 'Send text/yaml, text/plain, application/yaml or application/json');
};

/** Text that is not JSON is judged by whoever reads the definition, with line and column. */
const unwrapped = (text: string): string => {
  const parsed = wrapper.safeParse(readJson(text));
  return parsed.success ? parsed.data.source : text;
};
