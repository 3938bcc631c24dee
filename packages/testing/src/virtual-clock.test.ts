import { expect, test } from 'vitest';
import { VirtualClock } from './index.js';

test('timers run in order of their instants, also those set meanwhile, and see their own instant', () => {
  const clock = new VirtualClock(1_000);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name} ${clock.now()}`);
  clock.setTimer(1_300, note('late'));
  clock.setTimer(1_100, () => {
    note('first')();
    clock.setTimer(1_200, note('set meanwhile'));
  });
  const cancelled = clock.setTimer(1_150, note('never'));
  cancelled.cancel();
  clock.setTimer(1_301, note('beyond'));
  clock.advance(300);
  expect(seen).toEqual(['first 1100', 'set meanwhile 1200', 'late 1300']);
  expect([clock.now(), clock.nextDueAt]).toEqual([1_300, 1_301]);
});

test('a timer in the past runs at the next advance without turning time back', () => {
  const clock = new VirtualClock(1_000);
  const seen: number[] = [];
  clock.setTimer(500, () => seen.push(clock.now()));
  clock.advance(0);
  expect(seen).toEqual([1_000]);
});
