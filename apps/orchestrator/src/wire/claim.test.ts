import { describe, expect, it } from 'vitest';
import { type ClaimedAttempt, createClaims } from './claim.js';

const key = Buffer.alloc(32, 7);
const attempt: ClaimedAttempt = {
  target: 'worker',
  workspace: 'default',
  runId: 'run-1',
  stepId: 'step-1',
  attempt: 1,
};
const others: readonly ClaimedAttempt[] = [
  { ...attempt, target: 'agent' },
  { ...attempt, workspace: 'other' },
  { ...attempt, runId: 'run-2' },
  { ...attempt, stepId: 'step-2' },
  { ...attempt, attempt: 2 },
];

describe('a claim', () => {
  it('is right for its own attempt and for no other, as long as it is remembered', () => {
    const claims = createClaims(key);
    const claim = claims.make(attempt);
    for (const other of others) claims.make(other);
    expect(claims.isRight(claim, attempt)).toBe(true);
    for (const other of others) expect(claims.isRight(claim, other)).toBe(false);
  });

  it('is right, and wrong, for a process that has not made it, and when it is long forgotten', () => {
    const claim = createClaims(key).make(attempt);
    const later = createClaims(key);
    expect(later.isRight(claim, attempt)).toBe(true);
    for (const other of others) expect(later.isRight(claim, other)).toBe(false);
    for (let count = 0; count < 20_000; count += 1) later.make({ ...attempt, runId: `run-${count + 10}` });
    expect(later.isRight(claim, attempt)).toBe(true);
    expect(later.isRight(claim, others[0] ?? attempt)).toBe(false);
  });

  it('of another key, cut or empty, is wrong', () => {
    const claims = createClaims(key);
    const claim = claims.make(attempt);
    expect(claims.isRight(createClaims(Buffer.alloc(32, 8)).make(attempt), attempt)).toBe(false);
    expect(claims.isRight(claim.slice(0, -1), attempt)).toBe(false);
    expect(claims.isRight('', attempt)).toBe(false);
  });
});
