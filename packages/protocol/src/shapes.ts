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

/** A subject token. */
export const token = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^.*>\s]+$/, { error: 'must not hold ".", "*", ">" or white space' });

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
