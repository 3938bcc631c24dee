import type { ResumeMessage } from '@signalbox/protocol';
import { expect, test } from 'vitest';
import { toResumption } from './command-codec.js';

const failure = (code: string): ResumeMessage => ({
  type: 'step.failed',
  workspace: 'default',
  runId: 'run-1',
  stepId: 'step-1',
  attempt: 1,
  claim: 'claim',
  startedAt: 1,
  finishedAt: 2,
  worker: 'stranger',
  error: { code, message: 'no tokens left', retryable: true },
});

test('a code that is none of ours is an error of the agent, which keeps it in its message', () => {
  expect(toResumption(failure('OUT_OF_TOKENS'))).toMatchObject({
    error: { code: 'AGENT_ERROR', message: 'OUT_OF_TOKENS: no tokens left', retryable: true },
  });
});

test('a code of ours is kept', () => {
  expect(toResumption(failure('TOOL_ERROR'))).toMatchObject({
    error: { code: 'TOOL_ERROR', message: 'no tokens left', retryable: true },
  });
});
