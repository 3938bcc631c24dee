/**
 * How the text of a definition, an agent or a teams file is sent. One rule for all routes:
 *
 * 1. `application/json`: an object whose only member is `source`, a string, holds the text in it; any other JSON is
 *    itself the text (JSON is a definition's other form), byte for byte as it was sent.
 * 2. `text/*`, `application/yaml` and `application/x-yaml`: the body is the text.
 */
import { readUtf8 } from '@signalbox/dsl';
import type { Context } from 'hono';
import { z } from 'zod';
import { bodyBytes, isJson, malformedBody, mediaTypeOf } from './json-body.js';
import { readLooseJson } from './json-text.js';
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

/** @throws Problem `UNSUPPORTED_MEDIA_TYPE`, or `MALFORMED_BODY` where it is not UTF-8 */
export const readSource = async (c: Context): Promise<string> => {
  const mediaType = mediaTypeOf(c) ?? 'text/plain';
  const text = textOf(await bodyBytes(c));
  if (isJson(mediaType)) return unwrapped(text);
  if (mediaType.startsWith('text/') || /^application\/(x-)?yaml$/.test(mediaType)) return text;
  throw problem('UNSUPPORTED_MEDIA_TYPE', 'Send text/yaml, text/plain, application/yaml or application/json');
};

const textOf = (bytes: Uint8Array): string => {
  const read = readUtf8(bytes);
  if (read.ok) return read.text;
  throw malformedBody(read.fault);
};

/** Text that is not JSON is judged by whoever reads the definition, with line and column. */
const unwrapped = (text: string): string => {
  const parsed = wrapper.safeParse(readLooseJson(text));
  return parsed.success ? parsed.data.source : text;
};
