/**
 * The claim that goes out with a step task and must come back with its result: HMAC-SHA256 over who executes it,
 * workspace, run, step and attempt. Who never held the task cannot answer it, and what was given to a worker cannot
 * be answered as an agent.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StepReporter } from '@signalbox/protocol';

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

export const createClaims = (key: Buffer): Claims => {
  // Made anew for the check of a result: that costs less than to remember it.
  const make = ({ target, workspace, runId, stepId, attempt }: ClaimedAttempt): string =>
    createHmac('sha256', key)
      .update(`${target}|${workspace}|${runId}|${stepId}|${attempt}`)
      .digest('base64url');
  return {
    make,
    isRight: (claim, of) => {
      const given = Buffer.from(claim);
      const right = Buffer.from(make(of));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
