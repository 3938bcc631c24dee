/** The table of schema pairs: what a sender declares against what a receiver asks for. */
import type { Json } from '@signalbox/engine';
import { describe, expect, test } from 'vitest';
import { definition, fields, findings, run, type Schemas, type State } from '../../test/agents.js';

const text: Json = { type: 'string' };
const whole: Json = { type: 'integer' };

/** `sender` answers, `receiver` is given it: the whole answer, or as variables. */
const pair = (output: Json | undefined, input: Json | undefined, given: State = {}) => {
  const sender: Schemas = output === undefined ? {} : { output };
  const receiver: Schemas = input === undefined ? {} : { input };
  const states = [
    run('first', 'sender', { task: 'Go' }, { next: 'second' }),
    run('second', 'receiver', given),
  ];
  return findings(definition(states), { agents: { sender, receiver } });
};
const codes = (issues: ReturnType<typeof pair>) => issues.map(({ code }) => code);
const read = (path: string): State => ({ variables: { count: `{{ steps.first.${path} }}` } });

describe('handed over whole', () => {
  test('exact: nothing is said', () => {
    expect(pair(fields({ count: whole }), fields({ count: whole }))).toEqual([]);
  });

  test('superset: nothing is said', () => {
    expect(pair(fields({ count: whole, more: text }), fields({ count: whole }))).toEqual([]);
  });

  test('missing required: an error that names both states, the way and a counterexample', () => {
    const [issue, ...others] = pair(fields({ other: text }), fields({ count: whole }));
    expect(others).toEqual([]);
    expect(issue).toMatchObject({
      code: 'SCHEMA_COMPATIBILITY',
      severity: 'error',
      path: '/states/1/input',
      message:
        'the agent "sender" of "first" may give the agent "receiver" of "second" what it refuses: "count" is required, ' +
        'but not declared by the sender, on the way first → second',
      counterexample: { other: '' },
    });
    expect(issue?.hint).toContain('output schema of the agent "sender"');
  });

  test('missing optional warns', () => {
    const issues = pair(fields({ count: whole }, []), fields({ count: whole }));
    expect(issues).toMatchObject([
      { code: 'SCHEMA_OPTIONAL_FIELD', severity: 'warning', message: expect.stringContaining('"count"') },
    ]);
  });

  test('"10" against integer: an error with such a value', () => {
    expect(pair(fields({ count: text }), fields({ count: whole }))).toMatchObject([
      { code: 'SCHEMA_COMPATIBILITY', expected: 'integer', counterexample: { count: expect.any(String) } },
    ]);
  });

  test('nested object: the field is named with its path', () => {
    const issues = pair(
      fields({ site: fields({ count: text }) }),
      fields({ site: fields({ count: whole }) }),
    );
    expect(issues).toMatchObject([
      { code: 'SCHEMA_COMPATIBILITY', message: expect.stringContaining('"site.count" may be a string') },
    ]);
    expect(
      pair(fields({ site: fields({ count: whole }) }), fields({ site: fields({ count: whole }) })),
    ).toEqual([]);
  });

  test('array items: each item is held against the schema of items', () => {
    const list = (items: Json): Json => fields({ hosts: { type: 'array', items } });
    expect(pair(list(text), list(text))).toEqual([]);
    expect(pair(list({ anyOf: [text, whole] }), list(text))).toMatchObject([
      { code: 'SCHEMA_COMPATIBILITY', message: expect.stringContaining('"hosts') },
    ]);
  });

  test('none: nothing is said', () => {
    expect(pair(undefined, undefined)).toEqual([]);
  });

  test('only output: nothing is said', () => {
    expect(pair(fields({ count: whole }), undefined)).toEqual([]);
  });

  test('only input warns', () => {
    expect(pair(undefined, fields({ count: whole }))).toMatchObject([
      {
        code: 'SCHEMA_UNKNOWN',
        severity: 'warning',
        path: '/states/1/input',
        message: expect.stringContaining('the agent "sender" has no output schema'),
        hint: 'declare it in the output schema of the agent "sender"',
      },
    ]);
  });
});

describe('handed over field by field', () => {
  test('exact: nothing is said', () => {
    expect(pair(fields({ count: whole }), fields({ count: whole }), read('count'))).toEqual([]);
  });

  test('integer is within number, and not the other way round', () => {
    const asNumber = { type: 'number' };
    expect(pair(fields({ count: whole }), fields({ count: asNumber }), read('count'))).toEqual([]);
    expect(pair(fields({ count: asNumber }), fields({ count: whole }), read('count'))).toMatchObject([
      { code: 'SCHEMA_COMPATIBILITY', counterexample: expect.any(Number) },
    ]);
  });

  test('missing required: a field that nothing gives is told at the variables', () => {
    expect(pair(undefined, fields({ count: whole }), { variables: {} })).toMatchObject([
      {
        code: 'SCHEMA_COMPATIBILITY',
        path: '/states/1/input/variables',
        message:
          'the agent "receiver" of "second" refuses its input: it requires "count", which is not given',
        counterexample: {},
      },
    ]);
  });

  test('missing optional warns at the variable that reads it', () => {
    expect(pair(fields({ count: whole }, []), fields({ count: whole }), read('count'))).toMatchObject([
      { code: 'SCHEMA_OPTIONAL_FIELD', path: '/states/1/input/variables/count' },
    ]);
  });

  test('a literal that contradicts the schema is an error: "10" against integer', () => {
    expect(pair(undefined, fields({ count: whole }), { variables: { count: '10' } })).toMatchObject([
      { code: 'SCHEMA_COMPATIBILITY', path: '/states/1/input/variables/count', counterexample: '10' },
    ]);
    expect(pair(undefined, fields({ count: whole }), { variables: { count: 10 } })).toEqual([]);
  });

  test('nested object: what is read of it is what is checked', () => {
    const output = fields({ site: fields({ count: text }) });
    expect(codes(pair(output, fields({ count: whole }), read('site.count')))).toEqual([
      'SCHEMA_COMPATIBILITY',
    ]);
    expect(pair(output, fields({ count: text }), read('site.count'))).toEqual([]);
    expect(pair(output, fields({ count: text }), read('site["count"]'))).toEqual([]);
  });

  test('array items: an item by its index', () => {
    const output = fields({ hosts: { type: 'array', items: text } });
    expect(pair(output, fields({ count: text }), read('hosts[0]'))).toEqual([]);
    expect(codes(pair(output, fields({ count: whole }), read('hosts[0]')))).toEqual(['SCHEMA_COMPATIBILITY']);
  });

  test('only input warns, at the variable', () => {
    expect(pair(undefined, fields({ count: whole }), read('count'))).toMatchObject([
      { code: 'SCHEMA_UNKNOWN', path: '/states/1/input/variables/count' },
    ]);
  });

  test('a receiver that says nothing of the field takes anything', () => {
    expect(pair(undefined, fields({ other: text }, []), read('count'))).toEqual([]);
    expect(pair(undefined, fields({ count: {} }), read('count'))).toEqual([]);
  });

  test('a field that the receiver does not have is an error when it takes no others', () => {
    const input: Json = { type: 'object', properties: { other: text }, additionalProperties: false };
    expect(codes(pair(fields({ count: whole }), input, read('count')))).toEqual(['SCHEMA_COMPATIBILITY']);
  });

  test('of a schema that names the field and one of another agent that does not, each is judged', () => {
    expect(codes(pair(fields({ count: {} }), fields({ count: whole }), read('count')))).toEqual([
      'SCHEMA_UNKNOWN',
    ]);
  });
});

describe('what the executor makes of the variables', () => {
  test('the task is part of the input only where the schema names it', () => {
    const withTask = fields({ task: { type: 'string', minLength: 3 } });
    expect(pair(undefined, withTask, { task: 'Restart' })).toEqual([]);
    expect(codes(pair(undefined, withTask, { task: 'Go' }))).toEqual(['SCHEMA_COMPATIBILITY']);
    const others: Json = { type: 'object', properties: {}, additionalProperties: false };
    expect(pair(undefined, others, { task: 'Go' })).toEqual([]);
  });

  test('the text of a task with templates is not judged by its content', () => {
    const withTask = fields({ task: { type: 'string', pattern: '^Restart' } });
    expect(pair(fields({ count: whole }), withTask, { task: 'Restart {{ steps.first.count }}' })).toEqual([]);
    const number = fields({ task: whole });
    expect(
      codes(pair(fields({ count: whole }), number, { task: 'Restart {{ steps.first.count }}' })),
    ).toEqual(['SCHEMA_COMPATIBILITY']);
  });

  test('variables that are no object become { value }', () => {
    const given = { variables: '{{ steps.first.count }}' };
    expect(pair(fields({ count: whole }), fields({ value: whole }), given)).toEqual([]);
    expect(codes(pair(fields({ count: whole }), fields({ value: text }), given))).toEqual([
      'SCHEMA_COMPATIBILITY',
    ]);
    const either = { type: ['integer', 'null'] };
    expect(codes(pair(fields({ count: either }), fields({ value: whole }), given))).toEqual([
      'SCHEMA_OPTIONAL_FIELD',
    ]);
  });

  test('an expression that is not followed is neither error nor warning', () => {
    const given = { variables: { count: '{{ len(steps.first.hosts) + 1 }}' } };
    expect(pair(fields({ hosts: { type: 'array' } }), fields({ count: whole }), given)).toEqual([]);
  });
});
