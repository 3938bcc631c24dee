/** `wf.task.deadletter.<workspace>`: a message that nobody could handle, kept so that an operator can see it. */
import { z } from 'zod';
import { cutText, id, instant } from './shapes.js';

/** How long the texts of a report may be. Whoever makes one cuts what it says to them. */
export const deadLetterLimits = {
  id: 1_000,
  stream: 128,
  subject: 1_000,
  consumer: 128,
  reason: 4_000,
} as const;

/** It counts within its workspace: `<stream>/<stream sequence>`, or `unsent/<message id>`. */
export const deadLetterId = z.string().min(1).max(deadLetterLimits.id);

export const maxDeadLetterPayloadBytes = 64 * 1024;

export const deadLetterReport = z.object({
  /** The same message is recorded once. */
  id: deadLetterId,
  workspace: id,
  stream: z.string().max(deadLetterLimits.stream),
  subject: z.string().max(deadLetterLimits.subject),
  consumer: z.string().max(deadLetterLimits.consumer),
  deliveryCount: z.number().int().nonnegative(),
  /** `CONTRACT` (does not parse), `POISON_MESSAGE` (delivered too often) or `UNSENDABLE` (no server takes it). */
  code: z.enum(['CONTRACT', 'POISON_MESSAGE', 'UNSENDABLE']),
  reason: cutText(deadLetterLimits.reason),
  /** Who gave up. */
  reportedBy: z.string().regex(/^[A-Za-z0-9._@+-]{1,128}$/),
  at: instant,
  /** The first 64 KiB, base64. */
  payload: z.base64().max(Math.ceil(maxDeadLetterPayloadBytes / 3) * 4),
  payloadBytes: z.number().int().nonnegative(),
});
export type DeadLetterReport = z.infer<typeof deadLetterReport>;
