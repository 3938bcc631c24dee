/** What a lost store excuses, and what it does not. */
import { expect, test } from 'vitest';
import type { Fault } from './faults.js';
import { isLostWithTheStore } from './lost-with-store.js';

const fault = (kind: Fault['kind'], label: string, at: number, until: number): Fault => ({
  kind,
  label,
  pid: 1,
  at,
  struckAt: at + 10,
  until,
});
const down = fault('kill', 'orchestrator', 10_000, 14_000);
const wipe = fault('wipe', 'nats-server', 12_000, 13_000);
const asked = (sentAt: number, answeredAt: number, status = 202) =>
  isLostWithTheStore({ status, sentAt, answeredAt }, [down, wipe], 3_000);

test('what is answered after the loss was lost if it was sent before it', () => {
  expect(asked(11_000, 16_000)).toBe(true);
  expect(asked(11_000, 11_500)).toBe(true);
});

test('what is sent after the loss is not lost', () => {
  expect(asked(12_500, 17_500)).toBe(false);
});

test('what lay in the stream for long enough while nothing struck has been taken in', () => {
  expect(asked(5_000, 6_500)).toBe(false);
  expect(asked(7_000, 7_500)).toBe(true);
});

test('a fault before the loss puts the taking in off', () => {
  const earlier = fault('kill', 'orchestrator', 4_000, 9_000);
  expect(
    isLostWithTheStore({ status: 202, sentAt: 3_000, answeredAt: 3_900 }, [down, wipe, earlier], 3_000),
  ).toBe(true);
});

test('what was confirmed is not lost', () => {
  expect(asked(11_000, 11_500, 201)).toBe(false);
});
