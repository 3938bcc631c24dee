import { expect, test } from 'vitest';
import { LiveTail } from './live-tail.js';

const message = (id: string, size = 1) => ({
  subject: `event.${id}`,
  headers: { 'Nats-Msg-Id': id },
  data: new Uint8Array(size),
});
const idsOf = (taken: readonly { headers: Readonly<Record<string, string>> }[]) =>
  taken.map(({ headers }) => headers['Nats-Msg-Id']);

test('what is heard counts only where somebody has said its number, up to the first gap', () => {
  const tail = new LiveTail();
  for (const id of ['a', 'b', 'c', 'd']) tail.hear(message(id));
  expect(tail.take(1, 10)).toEqual([]);
  tail.number([
    [2, 'b'],
    [1, 'a'],
    [4, 'd'],
  ]);
  expect(idsOf(tail.take(1, 1))).toEqual(['a']);
  expect(idsOf(tail.take(2, 10))).toEqual(['b']);
  tail.number([[3, 'c']]);
  expect(idsOf(tail.take(3, 10))).toEqual(['c', 'd']);
});

test('who is told of numbers is told at once, of what was heard, in the order in which they are said', () => {
  const tail = new LiveTail();
  for (const id of ['a', 'b']) tail.hear(message(id));
  const told: [number, string][] = [];
  const stored = [
    [2, 'b'],
    [3, 'unheard'],
    [1, 'a'],
  ] as const;
  tail.number(stored, ({ subject }, sequence) => told.push([sequence, subject]));
  tail.number(stored, () => expect.fail('told twice'));
  expect(told).toEqual([
    [2, 'event.b'],
    [1, 'event.a'],
  ]);
});

test('a message that was not heard is a gap, also when its number is said', () => {
  const tail = new LiveTail();
  tail.hear(message('b'));
  tail.number([
    [1, 'a'],
    [2, 'b'],
  ]);
  expect(tail.take(1, 10)).toEqual([]);
  expect(idsOf(tail.take(2, 10))).toEqual(['b']);
});

test('what is heard again, or has no id, changes nothing', () => {
  const tail = new LiveTail();
  tail.hear(message('a'));
  tail.hear({ ...message('a'), subject: 'event.other' });
  tail.hear({ ...message('b'), headers: {} });
  tail.number([
    [1, 'a'],
    [2, 'b'],
  ]);
  expect(tail.take(1, 10).map(({ subject }) => subject)).toEqual(['event.a']);
});

test('what nobody takes is kept within bounds', () => {
  const tail = new LiveTail();
  const large = 1_048_576;
  for (let index = 1; index <= 40; index += 1) {
    tail.hear(message(`m${index}`, large));
    tail.number([[index, `m${index}`]]);
  }
  const kept = Array.from({ length: 40 }, (_, index) => tail.take(index + 1, 1).length);
  expect(kept.filter((count) => count > 0).length).toBeLessThanOrEqual(16);
  expect(kept.at(-1)).toBe(1);
});
