import { type StepTask, type WireMessage, wireMessage } from '@signalbox/protocol';
import { describe, expect, it } from 'vitest';
import { Attempts } from './attempts.js';

const taskOf = (number: number): StepTask => ({
  runId: `run-${number}`,
  stepId: 'step-1',
  attempt: 1,
  claim: 'claim',
  workspace: 'default',
  workflow: { id: 'workflow', version: 1 },
  scope: '',
  state: 'first',
  action: 'agent.run',
  input: {},
  outputValidation: 'warn',
  scheduledAt: 0,
  idempotencyKey: `default:run-${number}:step-1:1`,
});
const resultOf = (number: number, bytes = 2): WireMessage =>
  wireMessage(`wf.task.resume.step.default.run-${number}.step-1`, `${number}`, 'x'.repeat(bytes));

const finished = (count: number, bytes?: number): Attempts => {
  const attempts = new Attempts();
  for (let number = 0; number < count; number += 1)
    attempts.keep(taskOf(number), resultOf(number, bytes), number);
  return attempts;
};
const isKept = (attempts: Attempts, number: number): boolean =>
  attempts.resultOf(taskOf(number).idempotencyKey) !== undefined;

describe('what a worker has finished', () => {
  it('is remembered for the last five thousand attempts at least, and for ten thousand at most', () => {
    const attempts = finished(32_000);
    expect(isKept(attempts, 31_999)).toBe(true);
    expect(isKept(attempts, 27_000)).toBe(true);
    expect(isKept(attempts, 21_999)).toBe(false);
    expect(attempts.finishedSince(-1).length).toBeLessThanOrEqual(10_000);
  });

  it('is remembered up to 16 MiB of results', () => {
    const attempts = finished(100, 512 * 1024);
    const kept = attempts.finishedSince(-1);
    expect(kept.length).toBeGreaterThanOrEqual(16);
    expect(kept.length).toBeLessThanOrEqual(32);
    expect(isKept(attempts, 99)).toBe(true);
  });

  it('is what was kept last of an attempt, and each attempt is told of once', () => {
    const attempts = finished(5_000);
    attempts.keep(taskOf(3), resultOf(7), 6_000);
    expect(attempts.resultOf(taskOf(3).idempotencyKey)).toEqual(resultOf(7));
    expect(attempts.finishedSince(4_998).map(({ at }) => at)).toEqual([6_000, 4_999]);
  });
});
