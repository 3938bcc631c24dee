/** A wrong type in a condition is found before the run. */
import type { Json } from '@signalbox/engine';
import { describe, expect, test } from 'vitest';
import { closed, definition, fields, findings, run, type State } from '../../test/agents.js';

const properties: State = {
  rate: { type: 'number' },
  count: { type: 'integer' },
  status: { type: 'string' },
  healthy: { type: 'boolean' },
  either: { type: ['string', 'number'] },
  part: fields({ n: { type: 'integer' } }),
};
const agents = { checks: { output: closed(properties) }, silent: {} };
const inputSchema: Json = fields({ limit: { type: 'number' }, name: { type: 'string' } });

const messages = (condition: string, rest: State = { dataPath: 'steps.a' }, agent = 'checks') => {
  const states: State[] = [
    run('a', agent, { task: 'Go' }, { next: 'decide' }),
    {
      name: 'decide',
      type: 'switch',
      ...rest,
      conditions: [{ if: condition, next: 'last' }],
      defaultNext: 'last',
    },
    { name: 'last', type: 'inject', data: 1, end: true },
  ];
  return findings(definition(states, { inputSchema }), { agents }).map(
    ({ code, message }) => `${code} ${message}`,
  );
};

describe('what is right, or cannot be known, is no finding', () => {
  test.each([
    'rate > limit',
    'rate > 0.5 and count >= 1',
    'status == "ok"',
    'status in ["ok", "fine"]',
    'healthy',
    'not healthy',
    'healthy == true',
    'rate != null',
    'either > 1',
    'result.part.n > count',
    'name < status',
    'str(rate) == "1"',
    'len(status) > 1 or rate > 1',
    'status == "a or b" or rate > 1',
  ])('%s', (condition) => {
    expect(messages(condition)).toEqual([]);
  });

  test('of an agent without a schema nothing is known', () => {
    expect(messages('rate > "high"', { dataPath: 'steps.a' }, 'silent')).toEqual([]);
  });
});

describe('what fails, or never holds, is an error', () => {
  test.each([
    ['rate > "0.5"', 'rate > "0.5" compares a number with text: they cannot be ordered'],
    ['status > 1', 'status > 1 compares text with a number: they cannot be ordered'],
    ['rate > name', 'rate > name compares a number with text: they cannot be ordered'],
    ['count == "10"', 'count == "10" compares a number with text: they are never equal'],
    ['rate > 1 and healthy == "yes"', 'healthy == "yes" compares a boolean with text: they are never equal'],
    ['part > part', 'part > part compares an object with an object: they cannot be ordered'],
    ['rate > null', 'rate > null compares a number with null: they cannot be ordered'],
    ['rate', 'a condition must be true or false, but rate is a number'],
    ['"yes"', 'a condition must be true or false, but "yes" is text'],
  ])('%s', (condition, message) => {
    expect(messages(condition)).toEqual([`INVALID_VALUE ${message}`]);
  });

  test('with paths from the root, at its own place', () => {
    expect(messages('limit > 0 and steps.a.status > limit', {})).toEqual([
      'INVALID_VALUE steps.a.status > limit compares text with a number: they cannot be ordered',
    ]);
  });
});
