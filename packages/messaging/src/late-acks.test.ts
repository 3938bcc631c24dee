import type { Msg } from '@nats-io/nats-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LateAcks } from './late-acks.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const delivered = () => {
  const answers: string[] = [];
  const message = { respond: (data: Uint8Array) => answers.push(Buffer.from(data).toString()) > 0 };
  return { answers, message: message as unknown as Msg };
};

test('an acknowledgement goes out with what is sent next, and once', () => {
  const acks = new LateAcks();
  const { answers, message } = delivered();
  acks.add(message);
  expect(answers).toEqual([]);
  acks.send();
  vi.runAllTimers();
  acks.send();
  expect(answers).toEqual(['+ACK']);
});

test('where nothing is sent it goes out by itself', () => {
  const acks = new LateAcks();
  const [first, second] = [delivered(), delivered()];
  acks.add(first.message);
  vi.runAllTimers();
  acks.add(second.message);
  vi.runAllTimers();
  expect([first.answers, second.answers]).toEqual([['+ACK'], ['+ACK']]);
});

test('none goes out on another connection than its delivery came on', () => {
  const acks = new LateAcks();
  const { answers, message } = delivered();
  acks.add(message);
  acks.forget();
  vi.runAllTimers();
  acks.send();
  expect(answers).toEqual([]);
});
