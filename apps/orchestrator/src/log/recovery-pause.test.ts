import { expect, test } from 'vitest';
import { RecoveryPause } from './recovery-pause.js';

test('a log that stays lost is published again after ever longer pauses, and at once when it was whole between', () => {
  const pause = new RecoveryPause();
  const begunAt: number[] = [];
  for (let now = 0; now <= 3_600_000; now += 1_000) {
    if (!pause.isOver(now)) continue;
    begunAt.push(now);
    pause.begin(now);
  }
  const pauses = begunAt.slice(1).map((at, index) => at - (begunAt[index] ?? 0));
  expect(pauses.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
  expect(Math.max(...pauses)).toBe(600_000);
  expect(begunAt.length).toBeLessThan(15);
  pause.end();
  expect(pause.isOver(3_600_001)).toBe(true);
  expect(pause.count).toBe(0);
});

test('a connection that breaks while the log is published again is no proof of a damaged store', () => {
  const pause = new RecoveryPause();
  for (const now of [0, 1_000, 2_000, 3_000]) pause.begin(now, true);
  expect(pause.count).toBe(1);
  pause.begin(20_000);
  expect(pause.count).toBe(2);
});
