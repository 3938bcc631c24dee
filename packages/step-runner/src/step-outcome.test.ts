import type { EventData } from '@signalbox/protocol';
import { describe, expect, test } from 'vitest';
import { isAttemptOver } from './step-outcome.js';

const error = { code: 'AGENT_ERROR', message: 'm', retryable: true };
const stepId = 's1';
const scheduled = (attempt: number): EventData => ({
  type: 'step.scheduled',
  stepId,
  scope: '',
  state: 'a',
  visit: 1,
  attempt,
  action: 'agent.run',
  target: 'worker',
  input: {},
  outputValidation: 'warn',
  resultPath: ['steps', 'a'],
  next: null,
});

describe('attempt 2 is over', () => {
  test.each<[string, EventData]>([
    ['it has succeeded', { type: 'step.succeeded', stepId, attempt: 2, output: null }],
    ['it has failed', { type: 'step.failed', stepId, attempt: 2, error }],
    ['its retries are exhausted', { type: 'step.exhausted', stepId, attempt: 2, error }],
    ['a later attempt has failed', { type: 'step.failed', stepId, attempt: 3, error }],
    ['a later attempt is due', { type: 'step.retry_scheduled', stepId, attempt: 3, dueAt: 1 }],
    ['a later attempt is scheduled', scheduled(3)],
    [
      'a later attempt has started',
      { type: 'step.started', stepId, attempt: 3, beginning: 'b', startedAt: 1, worker: 'w' },
    ],
    [
      'a later attempt was given back',
      { type: 'step.given_back', stepId, attempt: 3, beginning: 'b', worker: 'w' },
    ],
    ['the step was skipped', { type: 'step.skipped', stepId, error, next: null }],
    ['the step was cancelled', { type: 'step.cancelled', stepId }],
  ])('when %s', (_why, fact) => {
    expect(isAttemptOver(fact, 2)).toBe(true);
  });
});

describe('attempt 2 is not over', () => {
  test.each<[string, EventData]>([
    ['it is scheduled', scheduled(2)],
    [
      'it has started',
      { type: 'step.started', stepId, attempt: 2, beginning: 'b', startedAt: 1, worker: 'w' },
    ],
    ['it was given back', { type: 'step.given_back', stepId, attempt: 2, beginning: 'b', worker: 'w' }],
    ['it is due', { type: 'step.retry_scheduled', stepId, attempt: 2, dueAt: 1 }],
    ['the attempt before has failed', { type: 'step.failed', stepId, attempt: 1, error }],
    ['something else happened in the run', { type: 'run.paused', actor: 'user:a' }],
  ])('when %s', (_why, fact) => {
    expect(isAttemptOver(fact, 2)).toBe(false);
  });
});
