/**
 * The claim that goes out with a step task and must come back with its result: HMAC-SHA256 over run, step and
 * attempt. Who never held the task cannot answer it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LruMap } from '../lru-map.js';

export interface Claims {
  make(runId: string, stepId: string, attempt: number): string;
  isRight(claim: string, runId: string, stepId: string, attempt: number): boolean;
}

/** A claim is made twice, for the task and for the check of its result: what is in flight is remembered. */
const maxRememberedCount = 20_000;

export const createClaims = (key: Buffer): Claims => {
  const made = new LruMap<string, string>(maxRememberedCount);
  const make = (runId: string, stepId: string, attempt: number): string => {
    const text = `${runId}|${stepId}|${attempt}`;
    const known = made.get(text);
    if (known !== undefined) return known;
    const claim = createHmac('sha256', key).update(text).digest('base64url');
    made.set(text, claim);
    made.trim();
    return claim;
  };
  return {
    make,
    isRight: (claim, runId, stepId, attempt) => {
      const given = Buffer.from(claim);
      const right = Buffer.from(make(runId, stepId, attempt));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
