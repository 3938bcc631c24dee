import { describe, expect, test } from 'vitest';
import { eventAttributes, readEventAttributes } from '../src/event-attributes.js';
import { parseValue } from '../src/incoming-text.js';
import { wireSamples } from './wire-samples.js';

const subject = 'wf.event.run.acme.r';

const good: Record<string, unknown> = {
  specversion: '1.0',
  id: 'acme/r/7',
  source: 'signalbox/acme',
  type: 'signalbox.run.paused',
  subject: 'runs/r',
  time: '2026-05-04T10:20:30.123Z',
  datacontenttype: 'application/json',
  runid: 'r',
  sequence: 7,
  causationid: 'c',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data: { actor: 'user:alice' },
};

const absent = Symbol('absent');

/** As JSON may have them. */
const odd: readonly unknown[] = [
  absent,
  ...[null, true, false, 0, -0, -1, 1.5, 7, 2 ** 53 - 1, 2 ** 53, 1e308, '', ' ', '0', '1.0', '1.1', 'x'],
  ...[
    'signalbox',
    'signalbox.',
    'signalbox/',
    'Signalbox.run',
    'signalbox.x',
    'signalbox/x',
    'application/json',
  ],
  ...[
    'application/JSON',
    'a b',
    'a.b',
    'a/b',
    'ä',
    'a\n',
    'a'.repeat(128),
    'a'.repeat(129),
    '-',
    '_',
    '\u0000',
  ],
  ...['2026-05-04T10:20:30Z', '2026-05-04T10:20Z', '2026-05-04T10:20:30.1234567Z', '2026-05-04 10:20:30Z'],
  ...['2026-02-30T10:20:30Z', '2024-02-29T10:20:30Z', '2026-05-04T24:00:00Z', '2026-05-04T10:20:60Z'],
  ...['2026-05-04T10:20:30+00:00', '2026-05-04T10:20:30', '2026-05-04t10:20:30z', '2026-05-04T10:20:30Z\n'],
  ...[[], ['a'], {}, { a: 1 }, { type: 'x' }, [{}], { constructor: 'x' }, { constructor: { prototype: {} } }],
  JSON.parse('{"__proto__":{"a":1}}'),
  JSON.parse('{"hasOwnProperty":1,"toString":2}'),
];

const withValue = (event: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> => {
  const changed = { ...event };
  if (value === absent) delete changed[name];
  else changed[name] = value;
  return changed;
};

const told = (read: () => Record<string, unknown>): string => {
  try {
    const attributes = read();
    const { data, ...rest } = Object.fromEntries(
      Object.keys(eventAttributes.shape).map((name) => [name, attributes[name]]),
    );
    // A key of this name means nothing in any data, and the schema leaves it out.
    const { ['__proto__']: _, ...kept } = data as Record<string, unknown>;
    return JSON.stringify({ ...rest, data: kept });
  } catch (error) {
    return String(error);
  }
};

const bySchema = (value: unknown) => told(() => parseValue(eventAttributes, value, subject));
const byHand = (value: unknown) => told(() => readEventAttributes(value, subject));

const names = [...Object.keys(good), 'unknown', 'constructor'];
const few = odd.filter((_, index) => index % 9 === 0);

describe('the attributes of an event are judged by hand as by their schema, and refused with the same words:', () => {
  test('each odd value of each, alone and beside another that is odd', () => {
    let [taken, refused] = [0, 0];
    for (const name of names) {
      for (const value of odd) {
        const once = withValue(good, name, value);
        const others = names.flatMap((other) => few.map((second) => withValue(once, other, second)));
        for (const event of [once, ...(few.includes(value) ? others : [])]) {
          const expected = bySchema(event);
          if (expected.startsWith('{')) taken += 1;
          else refused += 1;
          if (byHand(event) !== expected) expect(byHand(event), JSON.stringify(event)).toBe(expected);
        }
      }
    }
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1_000);
  });

  test('what is no object', () => {
    for (const value of odd) expect(byHand(value)).toBe(bySchema(value));
  });

  test('every event that is written here', () => {
    const events = wireSamples.filter(({ written }) => written.subject.startsWith('wf.event.'));
    expect(events.length).toBeGreaterThan(3);
    for (const { written } of events) {
      const value = JSON.parse(String(written.data)) as unknown;
      expect(bySchema(value)).toMatch(/^{/);
      expect(byHand(value)).toBe(bySchema(value));
    }
  });
});
