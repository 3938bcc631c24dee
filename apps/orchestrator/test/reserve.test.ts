/** Who has to pause so that others find the thread free. */
import { beforeEach, expect, test } from 'vitest';
import { Reserve, type Usage, unused } from '../src/reserve.js';

let reserve: Reserve;
let nowMs: number;

beforeEach(() => {
  reserve = new Reserve();
  nowMs = 0;
});

const serve = (usage: Usage, ms: number): void => {
  nowMs += ms;
  reserve.served(usage, ms, nowMs);
};

/** As a queue does it: whoever wants all there is waits where it has to. Returns how long it took. */
const greedy = (usage: Usage, totalMs: number, each: () => void = () => undefined): number => {
  const from = nowMs;
  for (let hadMs = 0; hadMs < totalMs; hadMs += 4) {
    nowMs = Math.max(nowMs, reserve.freeAt(usage, nowMs));
    serve(usage, 4);
    each();
  }
  return nowMs - from;
};

test('who wants all there is gets a quarter of it while others are served', () => {
  const [large, small] = [unused(), unused()];
  const tookMs = greedy(large, 1_000, () => serve(small, 0.1));
  expect(tookMs).toBeGreaterThan(3_500);
  expect(tookMs).toBeLessThan(4_500);
});

test('all who want much share that quarter', () => {
  const [one, two, small] = [unused(), unused(), unused()];
  const tookMs = greedy(one, 500, () => {
    nowMs = Math.max(nowMs, reserve.freeAt(two, nowMs));
    serve(two, 4);
    serve(small, 0.1);
  });
  expect(tookMs).toBeGreaterThan(3_500);
});

test('who is alone never pauses, whatever was stored or run shortly before', () => {
  const [large, before, catalog] = [unused(), unused(), unused()];
  greedy(before, 1_000);
  serve(catalog, 1);
  expect(greedy(large, 1_000)).toBe(1_000);
});

test('many who want little each never pause, however much they want together', () => {
  const runs = Array.from({ length: 100 }, unused);
  for (let index = 0; index < 1_000; index += 1) {
    const run = runs[index % 100] as Usage;
    expect(reserve.freeAt(run, nowMs)).toBeLessThanOrEqual(nowMs);
    serve(run, 1);
  }
  expect(reserve.isKept(nowMs)).toBe(false);
});

test('no pause is long, whatever was had before anybody else came', () => {
  const [large, small] = [unused(), unused()];
  greedy(large, 10_000);
  serve(small, 0.1);
  serve(small, 0.1);
  const pauseMs = reserve.freeAt(large, nowMs) - nowMs;
  expect(pauseMs).toBeGreaterThan(0);
  expect(pauseMs).toBeLessThanOrEqual(100);
});

test('what was had is forgotten after some seconds', () => {
  const [large, small] = [unused(), unused()];
  greedy(large, 200);
  nowMs += 10_000;
  serve(small, 0.1);
  serve(small, 0.1);
  expect(reserve.freeAt(large, nowMs)).toBeLessThanOrEqual(nowMs);
});
