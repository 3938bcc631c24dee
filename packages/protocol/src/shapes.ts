/** Pieces that several messages share. */
import { z } from 'zod';
import { shortened } from './cut.js';
import {
  maxCommentLength,
  maxNameLength,
  maxNameOfWorkerLength,
  maxNesting,
  maxReasonLength,
} from './limits.js';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Any JSON value. What is parsed here came out of `JSON.parse`, so only its presence is checked. */
export const json = z.custom<JsonValue>((value) => value !== undefined, { error: 'is missing' });

const nestsDeeper = (value: unknown, depth: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => nestsDeeper(item, depth - 1));
};

/** A value that a caller chose. How large it may be is a rule of `decide`; so deep that none can be made is refused here. */
export const callerJson = json.refine((value) => !nestsDeeper(value, maxNesting), {
  error: `is nested more than ${maxNesting} deep`,
});

/** Of a workflow, an agent or a signal; what else it must be is a rule of the language. */
export const name = z.string().min(1).max(maxNameLength);
export const reason = z.string().max(maxReasonLength);
export const comment = z.string().max(maxCommentLength);

/** An id or name that can be a token of a subject, a part of a key and of a URL without being mistaken for anything else. */
export const idPattern = /^[A-Za-z0-9_-]{1,128}$/;

export const id = z
  .string()
  .regex(idPattern, { error: 'must be 1 to 128 characters out of A-Z, a-z, 0-9, "_" and "-"' });

/** A caller's id, or ids that "/" joins: the effect that sends the command, such as `<workspace>/<runID>/<seq>/<index>`. */
export const commandId = z.string().regex(/^[A-Za-z0-9_-]{1,128}(\/[A-Za-z0-9_-]{1,128}){0,5}$/, {
  error: 'must be an id, or up to six joined by "/"',
});

/** The last instant that a date can hold. */
const maxInstant = 8_640_000_000_000_000;

/** Milliseconds since the Unix epoch. */
export const instant = z.number().int().nonnegative().max(maxInstant);
export const isInstant = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= maxInstant;

export const durationMs = z.number().int().nonnegative();

/** An instant as a worker's clock has it: any number, also an impossible one, which whoever receives it corrects. */
export const claimedInstant = z.custom<number>((value) => typeof value === 'number', {
  error: 'must be a number',
});

/** A text of somebody else's making: what is longer is cut, not refused, because a result must count. */
export const cutText = (maxLength: number) => z.string().transform((text) => shortened(text, maxLength));

/** The one form of a worker's name: it is shown to people, and may hold nothing that moves, hides or turns around. */
export const canonicalWorkerName = (name: string): string =>
  name.replaceAll(/[^\w.:@/-]/g, '_').slice(0, maxNameOfWorkerLength);
export const workerName = z.string().transform(canonicalWorkerName);
export const attempt = z.number().int().positive();
/** Of a child run: the root run, and how many runs stand above the child. */
export const rootOfChild = z.object({ runId: id, depth: z.number().int().positive() });
export const path = z.array(z.union([z.string(), z.number().int().nonnegative()]));

export const stepError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  details: json.optional(),
});

export const warning = z.object({ code: z.string(), message: z.string() });

/** The same from a worker: bounded. */
export const reportedError = z.object({
  code: cutText(100),
  message: cutText(8_000),
  retryable: z.boolean(),
  details: json.optional(),
});
export const reportedWarnings = z
  .array(z.object({ code: cutText(100), message: cutText(2_000) }))
  .transform((warnings) => warnings.slice(0, 100));

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
