/**
 * The claim that goes out with a step task and must come back with its result: HMAC-SHA256 over run, step and
 * attempt. Who never held the task cannot answer it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Claims {
  make(runId: string, stepId: string, attempt: number): string;
  isRight(claim: string, runId: string, stepId: string, attempt: number): boolean;
}

export const createClaims = (key: Buffer): Claims => {
  const make = (runId: string, stepId: string, attempt: number): string =>
    createHmac('sha256', key).update(`${runId}|${stepId}|${attempt}`).digest('base64url');
  return {
    make,
    isRight: (claim, runId, stepId, attempt) => {
      const given = Buffer.from(claim);
      const right = Buffer.from(make(runId, stepId, attempt));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
