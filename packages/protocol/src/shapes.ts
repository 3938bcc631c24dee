/** Pieces that several messages share. */
import { z } from 'zod';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Any JSON value. What is parsed here came out of `JSON.parse`, so only its presence is checked. */
export const json = z.custom<JsonValue>((value) => value !== undefined, { error: 'is missing' });

/** An id or name that can be a token of a subject, a part of a key and of a URL without being mistaken for anything else. */
export const idPattern = /^[A-Za-z0-9_-]{1,128}$/;

export const id = z
  .string()
  .regex(idPattern, { error: 'must be 1 to 128 characters out of A-Z, a-z, 0-9, "_" and "-"' });

/** A caller's id, or ids that "/" joins: the effect that sends the command, such as `<runID>/<seq>/<index>`. */
export const commandId = z.string().regex(/^[A-Za-z0-9_-]{1,128}(\/[A-Za-z0-9_-]{1,128}){0,5}$/, {
  error: 'must be an id, or up to six joined by "/"',
});

export const actor = z
  .string()
  .min(1)
  .max(200)
  .regex(/^(user|service|system):\S+$/, { error: 'must look like user:alice or service:name' });

/** Milliseconds since the Unix epoch. */
export const instant = z.number().int().nonnegative();
export const attempt = z.number().int().positive();
export const path = z.array(z.union([z.string(), z.number().int().nonnegative()]));

export const stepError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  details: json.optional(),
});

export const warning = z.object({ code: z.string(), message: z.string() });

export const issue = z.object({
  code: z.string(),
  path: z.string(),
  line: z.number(),
  column: z.number(),
  message: z.string(),
  hint: z.string().optional(),
  expected: json.optional(),
  actual: json.optional(),
  counterexample: json.optional(),
});
export type IssueMessage = z.infer<typeof issue>;
