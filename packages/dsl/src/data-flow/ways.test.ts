/** Schemas follow the data along every way, whatever kind of state wrote it. */
import type { Json } from '@signalbox/engine';
import { describe, expect, test } from 'vitest';
import { closed, definition, fields, findings, run, type Schemas, type State } from '../../test/agents.js';

const text: Json = { type: 'string' };
const whole: Json = { type: 'integer' };
const agents: { readonly [name: string]: Schemas } = {
  counts: { output: closed({ n: whole }) },
  words: { output: closed({ n: text }) },
  silent: {},
  lists: { output: closed({ hosts: { type: 'array', items: closed({ name: text, size: whole }) } }) },
  takes: { input: fields({ n: whole }) },
  takesText: { input: fields({ n: text }) },
};

const next = (name: string): State => ({ next: name });
const task = { task: 'Go' };
const take = (expression: string, agent = 'takes', rest?: State) =>
  run('take', agent, { variables: { n: `{{ ${expression} }}` } }, rest);
const short = (
  states: readonly State[],
  rest: State = {},
  workflows?: ReadonlyMap<string, { inputSchema?: Json; outputSchema?: Json }>,
) =>
  findings(definition(states, rest), { agents, ...(workflows === undefined ? {} : { workflows }) })
    .filter(({ code }) => code !== 'CIRCULAR_TRANSITION')
    .map(({ code, message }) => `${code} ${message}`);
const error = (text: string) => expect.stringMatching(new RegExp(`^SCHEMA_COMPATIBILITY .*${text}`));
const unknown = (text: string) => expect.stringMatching(new RegExp(`^SCHEMA_UNKNOWN .*${text}`));

const decide = (to: string, otherwise: string): State => ({
  name: 'decide',
  type: 'switch',
  conditions: [{ if: 'run.attempt > 1', next: to }],
  defaultNext: otherwise,
});

describe('through switches', () => {
  const both = (second: string) => [
    decide('a', 'b'),
    run('a', 'counts', task, { ...next('take'), resultPath: 'found' }),
    run('b', second, task, { ...next('take'), resultPath: 'found' }),
    take('found.n'),
  ];

  test('each writer of the same path is judged', () => {
    expect(short(both('counts'))).toEqual([]);
    expect(short(both('words'))).toEqual([error('"words" of "b" .* on the way b → take')]);
    expect(short(both('silent'))).toEqual([unknown('"silent" has no output schema, on the way b → take')]);
  });

  test('an unknown way does not hide the error of another', () => {
    const states = both('silent').map((state) =>
      state.name === 'a' ? run('a', 'words', task, { ...next('take'), resultPath: 'found' }) : state,
    );
    expect(short(states)).toEqual([unknown('"silent"'), error('"words"')].toReversed());
  });

  test('the last writer on a way counts, and no earlier one', () => {
    const chain = [
      run('a', 'words', task, { ...next('b'), resultPath: 'found' }),
      run('b', 'counts', task, { ...next('take'), resultPath: 'found' }),
      take('found.n'),
    ];
    expect(short(chain)).toEqual([]);
  });

  test('the way is shown through the states between', () => {
    const chain = [
      run('a', 'words', task, next('decide')),
      decide('pause', 'take'),
      { name: 'pause', type: 'wait', seconds: 1, ...next('take') },
      take('steps.a.n'),
    ];
    expect(short(chain)).toEqual([error('on the way a → decide → take$')]);
  });
});

describe('through states that may not write', () => {
  test('an optional step may leave what was there before', () => {
    const chain = (first: string, second: string) => [
      run('a', first, task, { ...next('b'), resultPath: 'found' }),
      run('b', second, task, { ...next('take'), resultPath: 'found', optional: true }),
      take('found.n'),
    ];
    expect(short(chain('counts', 'counts'))).toEqual([]);
    expect(short(chain('words', 'counts'))).toEqual([error('"words" of "a"')]);
    expect(short(chain('counts', 'words'))).toEqual([error('"words" of "b"')]);
  });

  test('a caught error is written in place of the result', () => {
    const chain = (path: string) => [
      run('a', 'counts', task, {
        ...next('take'),
        catch: [{ errors: ['*'], next: 'take', resultPath: 'steps.a' }],
      }),
      take(path),
    ];
    expect(short(chain('steps.a.n'))).toEqual([
      expect.stringMatching(/^NAME_MAY_BE_ABSENT .*the error caught at "a" gives, has no field "n"/),
    ]);
    const caught = [
      run('a', 'counts', task, {
        ...next('end'),
        catch: [{ errors: ['*'], next: 'take', resultPath: 'failure' }],
      }),
      take('failure.code'),
      { name: 'end', type: 'inject', data: 1, end: true },
    ];
    expect(short(caught)).toEqual([error('the error caught at "a"')]);
    expect(
      short(caught.map((state) => (state.name === 'take' ? take('failure.message', 'takesText') : state))),
    ).toEqual([]);
  });

  test('in a loop, what the loop itself wrote comes back', () => {
    const loop = (agent: string) => [
      run('a', 'counts', task, { ...next('take'), resultPath: 'found' }),
      take('found.n', 'takes', { next: 'again' }),
      run('again', agent, task, { ...next('decide'), resultPath: 'found' }),
      decide('take', 'end'),
      { name: 'end', type: 'inject', data: 1, end: true },
    ];
    expect(short(loop('counts'))).toEqual([]);
    expect(short(loop('words'))).toEqual([error('"words" of "again" .*on the way again → decide → take')]);
  });
});

describe('through parallel and foreach', () => {
  const fork = (join: State, branch: State, rest: State = {}): State => ({
    name: 'fork',
    type: 'parallel',
    ...(join.mode === undefined ? {} : { join }),
    branches: [
      { name: 'left', states: [branch], ...rest },
      { name: 'right', states: [run('r', 'counts', task)] },
    ],
    next: 'take',
  });

  test('a branch hands over what its states wrote, and the state within it is named', () => {
    expect(short([fork({}, run('l', 'counts', task)), take('steps.fork.left.steps.l.n')])).toEqual([]);
    expect(short([fork({}, run('l', 'words', task)), take('steps.fork.left.steps.l.n')])).toEqual([
      error('"words" of "l" .*on the way l → fork → take'),
    ]);
  });

  test('a branch with an output hands over that', () => {
    const output = { output: { m: '{{ steps.l.n }}' } };
    expect(short([fork({}, run('l', 'counts', task), output), take('steps.fork.left.m')])).toEqual([]);
    expect(short([fork({}, run('l', 'words', task), output), take('steps.fork.left.m')])).toEqual([
      error('"words"'),
    ]);
  });

  test('join any: a branch may be missing', () => {
    const states = [fork({ mode: 'any' }, run('l', 'counts', task)), take('steps.fork.left.steps.l.n')];
    expect(short(states)).toEqual([expect.stringMatching(/^SCHEMA_OPTIONAL_FIELD .*"fork" may leave out/)]);
  });

  test('join settled: a branch is { status, output } or { status, error }', () => {
    const join = { mode: 'settled' };
    const branch = run('l', 'counts', task);
    expect(short([fork(join, branch), take('steps.fork.left.output.steps.l.n')])).toEqual([
      expect.stringMatching(/^SCHEMA_OPTIONAL_FIELD/),
    ]);
    expect(short([fork(join, branch), take('steps.fork.left.status', 'takesText')])).toEqual([]);
  });

  test('within a branch, the values from before the fork are there', () => {
    const states = [run('a', 'words', task, next('fork')), { ...fork({}, take('steps.a.n')), end: true }].map(
      ({ next: following, ...state }) =>
        state.name === 'fork' ? state : { ...state, next: following ?? 'fork' },
    );
    expect(short(states as State[])).toEqual([error('"words" of "a" .*on the way a → fork → take')]);
  });

  const each = (iterator: State, rest: State = {}): State => ({
    name: 'each',
    type: 'foreach',
    itemsPath: 'steps.a.hosts',
    iterator,
    next: 'last',
    ...rest,
  });
  const last: State = { name: 'last', type: 'inject', data: 1, end: true };

  test('an item is what the list holds', () => {
    const list = run('a', 'lists', task, next('each'));
    expect(short([list, each({ states: [take('item.size')] }), last])).toEqual([]);
    expect(short([list, each({ states: [take('item.name')] }), last])).toEqual([
      error('"lists" of "a" .*a → each → take'),
    ]);
    expect(short([list, each({ states: [take('host.size')] }, { itemName: 'host' }), last])).toEqual([]);
    expect(short([list, each({ states: [take('index')] }), last])).toEqual([]);
  });

  test('the result is a list of what each iteration gave, with null where failures are tolerated', () => {
    const collect = (rest: State, items: Json) => {
      const receiver = { input: fields({ list: { type: 'array', items } }) };
      const states = [
        run('a', 'lists', task, next('each')),
        each({ states: [run('b', 'counts', task)], output: '{{ steps.b.n }}' }, { ...rest, next: 'collect' }),
        run('collect', 'receiver', { variables: { list: '{{ steps.each }}' } }),
      ];
      return findings(definition(states), { agents: { ...agents, receiver } }).map(({ code }) => code);
    };
    expect(collect({}, whole)).toEqual([]);
    expect(collect({}, text)).toEqual(['SCHEMA_COMPATIBILITY']);
    expect(collect({ toleratedFailures: 1 }, whole)).toEqual(['SCHEMA_COMPATIBILITY']);
    expect(collect({ toleratedFailures: 1 }, { type: ['integer', 'null'] })).toEqual([]);
  });
});

describe('other states that write', () => {
  const after = (state: State, expression: string, agent?: string) =>
    short([{ ...state, next: 'take' }, take(expression, agent)]);

  test('inject: its data, and what its templates read', () => {
    expect(after({ name: 'a', type: 'inject', data: { n: 3 } }, 'steps.a.n')).toEqual([]);
    expect(after({ name: 'a', type: 'inject', data: { n: '3' } }, 'steps.a.n')).toEqual([
      error('"a" may give .*"n" may be a string'),
    ]);
    const through = [
      run('a', 'words', task, next('b')),
      { name: 'b', type: 'inject', data: { m: '{{ steps.a.n }}' }, next: 'take' },
      take('steps.b.m'),
    ];
    expect(short(through)).toEqual([error('"words" of "a" .*on the way a → b → take')]);
  });

  test('transform: unknown', () => {
    expect(after({ name: 'a', type: 'transform', expression: '{"n": 1}' }, 'steps.a.n')).toEqual([
      unknown('made by a transform'),
    ]);
  });

  test('signal: its schema, if it has one', () => {
    const signal = { name: 'a', type: 'signal', signal: 'go', timeoutSeconds: 5 };
    expect(after({ ...signal, schema: fields({ n: whole }) }, 'steps.a.n')).toEqual([]);
    expect(after({ ...signal, schema: fields({ n: text }) }, 'steps.a.n')).toEqual([error('"a" may give')]);
    expect(after(signal, 'steps.a.n')).toEqual([unknown('the signal has no schema')]);
  });

  test('human.approval: its own shape', () => {
    const approval = {
      name: 'a',
      type: 'operation',
      action: 'human.approval',
      input: { message: 'Go?' },
      timeoutSeconds: 5,
    };
    expect(after(approval, 'steps.a.decidedBy', 'takesText')).toEqual([]);
    expect(after(approval, 'steps.a.comment', 'takesText')).toEqual([error('"n" may be null')]);
  });

  test('a child workflow: its outputSchema; and its input is held against its inputSchema', () => {
    const child = (input: State) => ({ name: 'a', type: 'workflow', workflow: 'child', input });
    const known = new Map([
      ['child', { inputSchema: fields({ m: whole }), outputSchema: closed({ n: text }) }],
    ]);
    const of = (input: State, expression: string, agent?: string) =>
      short([{ ...child(input), next: 'take' }, take(expression, agent)], {}, known);
    expect(of({ m: 1 }, 'steps.a.n', 'takesText')).toEqual([]);
    expect(of({ m: 1 }, 'steps.a.n')).toEqual([error('"a" may give')]);
    expect(of({ m: 'x' }, 'steps.a.n', 'takesText')).toEqual([error('the workflow "child" of "a"')]);
    expect(of({}, 'steps.a.n', 'takesText')).toEqual([error('it requires "m", which is not given')]);
  });

  test('the run’s input: its inputSchema', () => {
    const withInput = (properties: State, required?: readonly string[]) =>
      short([take('input.n')], { inputSchema: fields(properties, required) });
    expect(withInput({ n: whole })).toEqual([]);
    expect(withInput({ n: text })).toEqual([error("the run's input may give")]);
    expect(withInput({ n: whole }, [])).toEqual([
      expect.stringMatching(/^SCHEMA_OPTIONAL_FIELD .*the run's input may leave out/),
    ]);
    expect(short([take('n')], { inputSchema: fields({ n: text }) })).toEqual([error("the run's input")]);
    expect(short([take('input.n')])).toEqual([unknown('the workflow has no inputSchema')]);
  });
});

describe('without task and variables, the previous output', () => {
  const taking = run('take', 'takes', {});

  test('of the state before', () => {
    expect(short([run('a', 'counts', task, next('take')), taking])).toEqual([]);
    expect(short([run('a', 'words', task, next('take')), taking])).toEqual([error('"words" of "a"')]);
  });

  test('of an earlier state, where what is between has no output', () => {
    const between = (first: string) => [
      run('a', first, task, next('pause')),
      { name: 'pause', type: 'wait', seconds: 1, next: 'take' },
      taking,
    ];
    expect(short(between('counts'))).toEqual([]);
    expect(short(between('words'))).toEqual([error('on the way a → pause → take')]);
  });

  test('of the run’s input at the beginning', () => {
    expect(short([taking], { inputSchema: fields({ n: whole }) })).toEqual([]);
    expect(short([taking], { inputSchema: fields({ n: text }) })).toEqual([error("the run's input")]);
  });

  test('in a branch, of the state before the fork', () => {
    const fork = { name: 'fork', type: 'parallel', branches: [{ name: 'b', states: [taking] }], end: true };
    expect(short([run('a', 'counts', task, next('fork')), fork])).toEqual([]);
    expect(short([run('a', 'words', task, next('fork')), fork])).toEqual([error('a → fork → take')]);
  });

  test('a result that is no object becomes { value }', () => {
    const receiver = { input: fields({ value: whole }) };
    const states = [{ name: 'a', type: 'inject', data: 7, next: 'take' }, run('take', 'receiver', {})];
    expect(findings(definition(states), { agents: { receiver } })).toEqual([]);
  });
});
