/**
 * The claim that goes out with a step task and must come back with its result: HMAC-SHA256 over who executes it,
 * workspace, run, step and attempt. Who never held the task cannot answer it, and what was given to a worker cannot
 * be answered as an agent.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StepReporter } from '@signalbox/protocol';
import { LruMap } from '../lru-map.js';

export interface ClaimedAttempt {
  /** Who will report it. */
  readonly target: StepReporter;
  readonly workspace: string;
  readonly runId: string;
  readonly stepId: string;
  readonly attempt: number;
}

export interface Claims {
  make(of: ClaimedAttempt): string;
  isRight(claim: string, of: ClaimedAttempt): boolean;
}

/** A claim is made twice, for the task and for the check of its result: what is in flight is remembered. */
const maxRememberedCount = 20_000;

export const createClaims = (key: Buffer): Claims => {
  const made = new LruMap<string, string>(maxRememberedCount);
  const make = ({ target, workspace, runId, stepId, attempt }: ClaimedAttempt): string => {
    const text = `${target}|${workspace}|${runId}|${stepId}|${attempt}`;
    const known = made.get(text);
    if (known !== undefined) return known;
    const claim = createHmac('sha256', key).update(text).digest('base64url');
    made.set(text, claim);
    made.trim();
    return claim;
  };
  return {
    make,
    isRight: (claim, of) => {
      const given = Buffer.from(claim);
      const right = Buffer.from(make(of));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
