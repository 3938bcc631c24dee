import { describe, expect, test } from 'vitest';
import type { Delivery } from './delivery.js';
import { ContractError, type DeadLetter, settle, TransientError } from './index.js';

function recorded(deliveryCount = 1) {
  const answers: string[] = [];
  const delivery: Delivery = {
    stream: 'TASKS',
    consumer: 'worker',
    subject: 'task.a',
    headers: { key: 'value' },
    data: Uint8Array.of(1),
    deliveryCount,
    streamSequence: 7,
    storedAt: 1,
    pendingCount: 0,
    isSettled: false,
    ack: () => answers.push('ack'),
    nak: (delayMs) => answers.push(`nak ${delayMs}`),
    term: () => answers.push('term'),
    working: () => answers.push('working'),
  };
  return { delivery, answers };
}

const forbidden = { onDeadLetter: () => Promise.reject(new Error('not a dead letter')) };

describe('what became of a message decides the answer', () => {
  test('a value is acknowledged', async () => {
    const { delivery, answers } = recorded();
    expect(await settle(delivery, async () => 1, forbidden)).toBe('acked');
    expect(answers).toEqual(['ack']);
  });

  test.each([
    [1, undefined, 'nak 250'],
    [3, undefined, 'nak 1000'],
    [30, undefined, 'nak 30000'],
    [3, 70, 'nak 70'],
  ])(
    'a transient error at delivery %i with retry after %s is delivered again: %s',
    async (count, retryAfterMs, answer) => {
      const { delivery, answers } = recorded(count);
      const error = new TransientError('busy', retryAfterMs === undefined ? {} : { retryAfterMs });
      expect(await settle(delivery, () => Promise.reject(error), forbidden)).toBe('nakked');
      expect(answers).toEqual([answer]);
    },
  );

  test('a contract error is kept as a dead letter first and then terminated', async () => {
    const { delivery, answers } = recorded();
    const error = new ContractError('not JSON', '/');
    const kept: DeadLetter[] = [];
    const onDeadLetter = async (deadLetter: DeadLetter) => {
      expect(answers).toEqual([]);
      kept.push(deadLetter);
    };
    expect(await settle(delivery, () => Promise.reject(error), { onDeadLetter })).toBe('terminated');
    expect(answers).toEqual(['term']);
    expect(kept).toEqual([
      {
        stream: 'TASKS',
        consumer: 'worker',
        subject: 'task.a',
        streamSequence: 7,
        deliveryCount: 1,
        headers: { key: 'value' },
        data: Uint8Array.of(1),
        error,
      },
    ]);
  });

  test('a dead letter that cannot be kept now is delivered again', async () => {
    const { delivery, answers } = recorded();
    const onDeadLetter = () => Promise.reject(new TransientError('busy'));
    const work = () => Promise.reject(new ContractError('not JSON', '/'));
    expect(await settle(delivery, work, { onDeadLetter })).toBe('nakked');
    expect(answers).toEqual(['nak 250']);
  });

  test('anything else is thrown on without an answer', async () => {
    const { delivery, answers } = recorded();
    const error = new Error('unknown');
    await expect(settle(delivery, () => Promise.reject(error), forbidden)).rejects.toBe(error);
    expect(answers).toEqual([]);
  });
});
