import { createLogger } from '@signalbox/telemetry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tellWaits } from './tell-waits.js';

const said: string[] = [];
const write = (line: string): void => void said.push((JSON.parse(line) as { msg: string }).msg);
const waitFor = tellWaits(createLogger({ service: 'test', level: 'info', write }));

beforeEach(() => {
  said.length = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test('what takes long is named, with how long already, at first and then now and then; until it is over', async () => {
  let end: (answer: number) => void = () => undefined;
  let read = 0;
  const work = new Promise<number>((resolve) => {
    end = resolve;
  });
  const waited = waitFor(() => `the log (${read} read)`, work);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(said).toEqual([]);
  read = 7;
  await vi.advanceTimersByTimeAsync(11_000);
  end(1);
  expect(await waited).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toEqual([
    'still waiting for the log (7 read) (3 s)',
    'still waiting for the log (7 read) (13 s)',
  ]);
});

test('what is quick is not spoken of, and neither is what fails', async () => {
  await expect(waitFor('nothing', Promise.reject(new Error('no')))).rejects.toThrow('no');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toEqual([]);
});
