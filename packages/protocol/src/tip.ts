/**
 * How far the log goes, as the orchestrator says it to whoever reads it. Kept nowhere, and nothing depends on it but how
 * soon and how cheaply is read.
 */
import { z } from 'zod';
import { type IncomingText, parseJson } from './incoming-text.js';

const tip = z.object({
  /** Of the last message that is stored. */
  sequence: z.number().int().positive(),
  /** What has been stored since the last word: each message's number and id. */
  stored: z.array(z.tuple([z.number().int().positive(), z.string()])).optional(),
});

export type Tip = z.infer<typeof tip>;

export const encodeTip = (said: Tip): string => JSON.stringify(said);

/** @throws ContractError */
export const decodeTip = ({ subject, text }: IncomingText): Tip => parseJson(tip, text, subject);
