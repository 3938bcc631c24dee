// cspell:ignore errror nmae
/** What is read of an agent's answer is held against what the agent declares. */
import type { Json } from '@signalbox/engine';
import { describe, expect, test } from 'vitest';
import { closed, definition, fields, findings, run, type State } from '../../test/agents.js';

const number: Json = { type: 'number' };
const properties: State = { error_rate: number, window: { type: 'string' } };
const agents = {
  strict: { output: closed(properties) },
  open: { output: fields(properties) },
  map: { output: { type: 'object', additionalProperties: number } },
  silent: {},
};
const last: State = { name: 'last', type: 'inject', data: 1, end: true };
const short = (text: string) =>
  findings(text, { agents }).map(({ code, message, hint }) => [code, message, hint]);

describe('in templates and paths', () => {
  const reading = (agent: string, expression: string) =>
    short(
      definition([
        run('a', agent, { task: 'Go' }, { next: 'say' }),
        { name: 'say', type: 'inject', data: `It is {{ ${expression} }}`, end: true },
      ]),
    );

  test.each(['strict', 'open', 'map', 'silent'])(
    'what the agent (%s) declares, or may have, is no finding',
    (agent) => {
      expect(reading(agent, 'steps.a.error_rate')).toEqual([]);
      expect(reading(agent, 'hasattr(steps.a, "x") and steps.a.x')).toEqual([]);
    },
  );

  test('a field that a closed schema does not have is an error', () => {
    expect(reading('strict', 'steps.a.errror_rate')).toEqual([
      [
        'UNDEFINED_NAME',
        'steps.a, which the agent "strict" of "a" gives, has no field "errror_rate", on the way a → say',
        'did you mean "error_rate"?',
      ],
    ]);
    expect(reading('strict', 'steps.a.window.length')).toMatchObject([
      ['UNDEFINED_NAME', expect.stringContaining('steps.a.window, which'), expect.any(String)],
    ]);
  });

  test('a field that an open schema does not declare is a warning', () => {
    expect(reading('open', 'steps.a.rate')).toEqual([
      [
        'NAME_MAY_BE_ABSENT',
        'steps.a, which the agent "open" of "a" gives, declares no field "rate", on the way a → say',
        'its fields are error_rate, window',
      ],
    ]);
  });

  test('a schema without names of fields, or none at all, says nothing of them', () => {
    expect(reading('map', 'steps.a.rate')).toEqual([]);
    expect(reading('silent', 'steps.a.rate')).toEqual([]);
  });

  test('missing on one way only is a warning', () => {
    const states = [
      {
        name: 'decide',
        type: 'switch',
        conditions: [{ if: 'run.attempt > 1', next: 'a' }],
        defaultNext: 'b',
      },
      run('a', 'strict', { task: 'Go' }, { resultPath: 'found', next: 'say' }),
      run('b', 'map', { task: 'Go' }, { resultPath: 'found', next: 'say' }),
      { name: 'say', type: 'inject', data: '{{ found.rate }}', end: true },
    ];
    expect(short(definition(states))).toMatchObject([
      ['NAME_MAY_BE_ABSENT', expect.stringContaining('"strict" of "a"'), expect.any(String)],
    ]);
  });

  test('a path is read like a template', () => {
    const states = [
      run('a', 'strict', { task: 'Go' }, { next: 'each' }),
      {
        name: 'each',
        type: 'foreach',
        itemsPath: 'steps.a.windows',
        iterator: { states: [last] },
        end: true,
      },
    ];
    expect(findings(definition(states), { agents })).toMatchObject([
      { code: 'UNDEFINED_NAME', path: '/states/1/itemsPath', hint: 'did you mean "window"?' },
    ]);
  });

  test('nested fields of the input', () => {
    const inputSchema = fields({ user: closed({ name: { type: 'string' } }) });
    const states = [{ name: 'say', type: 'inject', data: '{{ input.user.nmae }}', end: true }];
    expect(short(definition(states, { inputSchema }))).toMatchObject([
      ['UNDEFINED_NAME', expect.stringContaining("the run's input"), 'did you mean "name"?'],
    ]);
  });
});

describe('in conditions with a dataPath', () => {
  const deciding = (
    agent: string,
    condition: string,
    rest: State = { inputSchema: fields({ limit: number }) },
  ) =>
    short(
      definition(
        [
          run('a', agent, { task: 'Go' }, { next: 'decide' }),
          {
            name: 'decide',
            type: 'switch',
            dataPath: 'steps.a',
            conditions: [{ if: condition, next: 'last' }],
            defaultNext: 'last',
          },
          last,
        ],
        rest,
      ),
    );

  test('bare names are fields of the value, then names like others', () => {
    expect(deciding('strict', 'error_rate > limit')).toEqual([]);
    expect(deciding('open', 'error_rate > limit and result.window == "5m"')).toEqual([]);
    expect(deciding('silent', 'anything > limit')).toEqual([]);
  });

  test('a name that is neither is an error when the schema is closed', () => {
    expect(deciding('strict', 'errror_rate > limit')).toEqual([
      [
        'UNDEFINED_NAME',
        expect.stringContaining('nothing is called "errror_rate" here'),
        'did you mean "error_rate"?',
      ],
    ]);
    expect(deciding('strict', 'result.errror_rate > limit')).toMatchObject([
      ['UNDEFINED_NAME', expect.any(String), expect.any(String)],
    ]);
  });

  test('and a warning when it is open, or when the input could hold it', () => {
    expect(deciding('open', 'errror_rate > limit')).toMatchObject([
      ['NAME_MAY_BE_ABSENT', expect.any(String), 'did you mean "error_rate"?'],
    ]);
    expect(deciding('strict', 'errror_rate > 1', {})).toMatchObject([
      ['NAME_MAY_BE_ABSENT', expect.any(String), 'did you mean "error_rate"?'],
    ]);
    expect(deciding('strict', 'something_else > 1', {})).toEqual([]);
  });
});
