/** Pieces that several resources share. Instants are RFC 3339 in UTC with milliseconds. */
import { z } from '@hono/zod-openapi';

export const json = z.unknown().openapi({ description: 'Any JSON value.' });

/** Any keys, `__proto__` among them: `z.record` would drop that one without a word. */
export const jsonObject = z
  .custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    { error: 'must be an object' },
  )
  .openapi({ type: 'object', additionalProperties: { description: 'Any JSON value.' } });

export const instantText = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' });

export const issueResource = z
  .object({
    code: z.string(),
    path: z.string().openapi({ description: 'JSON pointer into the definition; empty for the whole.' }),
    line: z.number().openapi({ description: 'From 1.' }),
    column: z.number().openapi({ description: 'From 1.' }),
    message: z.string(),
    hint: z.string().optional(),
    expected: json.optional(),
    actual: json.optional(),
    counterexample: json.optional(),
  })
  .openapi('Issue');

export const errorResource = z
  .object({ code: z.string(), message: z.string(), retryable: z.boolean(), details: json.optional() })
  .openapi('StepError');

/** `line` and `column` where the body could not be read. */
const wrongField = z.object({
  path: z.string(),
  message: z.string(),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
});

export const problemResource = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().openapi({ description: 'Stable; match this.' }),
    errors: z.array(z.union([issueResource, wrongField])).optional(),
    warnings: z.array(issueResource).optional(),
  })
  .openapi('Problem');

/** The answer to a write that is durably queued, but whose event has not come back in time. */
export const unconfirmedResource = z
  .object({
    code: z.literal('NOT_CONFIRMED_YET'),
    detail: z.string(),
    commandId: z.string(),
    location: z.string().openapi({ description: 'Where the outcome will be seen.' }),
  })
  .openapi('Unconfirmed');
export type UnconfirmedResource = z.infer<typeof unconfirmedResource>;

/** RFC 3339 of an instant in milliseconds. */
export const toInstantText = (at: number): string => new Date(at).toISOString();

/** The same of a column that may be empty. */
export const toOptionalInstantText = (at: number | null): string | null =>
  at === null ? null : toInstantText(at);
