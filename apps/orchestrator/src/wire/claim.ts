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

/** Of attempts that are not answered yet; what is forgotten is made anew. */
const maxRememberedCount = 20_000;

export const createClaims = (key: Buffer): Claims => {
  const given = new LruMap<string, string>(maxRememberedCount);
  const make = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  const isEqual = (claim: string, text: string): boolean => {
    const one = Buffer.from(claim);
    const right = Buffer.from(make(text));
    return one.length === right.length && timingSafeEqual(one, right);
  };
  return {
    make: (of) => {
      const text = textOf(of);
      const claim = make(text);
      given.set(claim, text);
      given.trim();
      return claim;
    },
    isRight: (claim, of) => {
      const text = textOf(of);
      return given.get(claim) === text || isEqual(claim, text);
    },
  };
};

const textOf = ({ target, workspace, runId, stepId, attempt }: ClaimedAttempt): string =>
  `${target}|${workspace}|${runId}|${stepId}|${attempt}`;
