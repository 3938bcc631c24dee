import { createLogger } from '@signalbox/telemetry';
import { expect, test } from 'vitest';
import type { Delivery } from './delivery.js';
import { ContractError, settleTask, TransientError } from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });

/** Notes what it is told; as the real one, it is settled once. */
const deliveryOf = (deliveryCount: number) => {
  const answers: string[] = [];
  const settle = (answer: string): void => {
    if (answers.length === 0) answers.push(answer);
  };
  const delivery: Delivery = {
    stream: 'WORKFLOW_TASKS',
    consumer: 'step-worker',
    subject: 'wf.task.step.default.r1.s1',
    headers: {},
    data: new Uint8Array(),
    deliveryCount,
    streamSequence: 7,
    storedAt: 1,
    pendingCount: 0,
    isCurrent: true,
    get isSettled() {
      return answers.length > 0;
    },
    ack: () => settle('ack'),
    nak: (delayMs) => settle(`nak ${delayMs ?? 0}`),
    term: () => settle('term'),
    working: () => undefined,
  };
  return { delivery, answers };
};

const outcomeOf = async (deliveryCount: number, work: () => Promise<void>, isStorable = true) => {
  const { delivery, answers } = deliveryOf(deliveryCount);
  const reported: string[] = [];
  await settleTask(delivery, work, {
    logger,
    deadLetters: {
      report: async (_delivery, code) => {
        if (!isStorable) throw new TransientError('no stream');
        reported.push(code);
      },
    },
  });
  return { answers, reported };
};

const failing = (error: Error) => async (): Promise<void> => {
  throw error;
};

test('work that resolves is acknowledged', async () => {
  expect(await outcomeOf(1, async () => undefined)).toEqual({ answers: ['ack'], reported: [] });
});

test('a message that does not keep the contract is terminated after its dead letter is stored', async () => {
  expect(await outcomeOf(1, failing(new ContractError('not JSON', '')))).toEqual({
    answers: ['term'],
    reported: ['CONTRACT'],
  });
});

test('a dead letter that cannot be stored leaves the message in the stream', async () => {
  expect(await outcomeOf(1, failing(new ContractError('not JSON', '')), false)).toEqual({
    answers: ['nak 1000'],
    reported: [],
  });
});

test('a transient error puts the task back with a delay that doubles up to 30 s', async () => {
  const answers: string[] = [];
  for (const count of [1, 2, 3, 4]) {
    answers.push(...(await outcomeOf(count, failing(new TransientError('busy')))).answers);
  }
  expect(answers).toEqual(['nak 1000', 'nak 2000', 'nak 4000', 'nak 8000']);
});

test('a transient error that says when to try again is believed', async () => {
  const busy = new TransientError('busy', { retryAfterMs: 123 });
  expect((await outcomeOf(1, failing(busy))).answers).toEqual(['nak 123']);
});

test('a transient error never uses a task up, however often it was delivered', async () => {
  expect(await outcomeOf(500, failing(new TransientError('busy')))).toEqual({
    answers: ['nak 30000'],
    reported: [],
  });
});

test('anything else is thrown on and the delivery stays unsettled', async () => {
  const { delivery, answers } = deliveryOf(1);
  const work = failing(new RangeError('a defect'));
  const settled = settleTask(delivery, work, { logger, deadLetters: { report: async () => undefined } });
  await expect(settled).rejects.toBeInstanceOf(RangeError);
  expect(answers).toEqual([]);
});
