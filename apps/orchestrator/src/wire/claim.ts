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

/** Most results come soon after their task. */
const maxRememberedCount = 10_000;

export const createClaims = (key: Buffer): Claims => {
  /** By claim: what was claimed. */
  const made = new LruMap<string, string>(maxRememberedCount);
  const claimOf = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  return {
    make: (of) => {
      const text = textOf(of);
      const claim = claimOf(text);
      made.set(claim, text);
      made.trim();
      return claim;
    },
    isRight: (claim, of) => {
      const text = textOf(of);
      if (made.get(claim) === text) return true;
      const given = Buffer.from(claim);
      const right = Buffer.from(claimOf(text));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};

const textOf = ({ target, workspace, runId, stepId, attempt }: ClaimedAttempt): string =>
  `${target}|${workspace}|${runId}|${stepId}|${attempt}`;
