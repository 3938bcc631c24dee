import { describe, expect, test } from 'vitest';
import { readSource } from '../source/read-source.js';
import { circlesOf, pathsMeet, reachableStates, WaySearch } from './flow-graph.js';
import { buildModel } from './scope-model.js';

/** `a>b,c b! c>a`: a goes to b or c, b ends, c goes to a. */
const scopeOf = (sketch: string) => {
  const states = sketch.split(' ').map((part) => {
    const [name = '', targets = ''] = part.replace('!', '').split('>');
    if (part.endsWith('!')) return { name, type: 'inject', data: 1, end: true };
    const [next, ...others] = targets.split(',');
    if (others.length === 0) return { name, type: 'inject', data: 1, next };
    return {
      name,
      type: 'switch',
      conditions: others.map((to) => ({ if: 'x', next: to })),
      defaultNext: next,
    };
  });
  const { root } = readSource(JSON.stringify({ states }), 'the text');
  if (root?.kind !== 'map') throw new Error('a definition is an object');
  return buildModel(root).root;
};
const names = (states: Iterable<{ readonly name: string }>): string =>
  [...states].map(({ name }) => name).join('');

describe('reachable states', () => {
  test.each([
    ['a>b b>c c! d!', 'abc'],
    ['a>b,c b! c>a', 'abc'],
    ['a>x', 'a'],
  ])('%s: %s', (sketch, expected) => {
    expect([...names(reachableStates(scopeOf(sketch)))].toSorted().join('')).toBe(expected);
  });
});

describe('circles', () => {
  test.each([
    ['a>b b>c c!', []],
    ['a>b b>a', ['ab']],
    ['a>a', ['a']],
    ['a>b,c b>a c>d d>c', ['ab', 'cd']],
    ['a! b>c c>b', ['bc']],
  ])('%s: %j', (sketch, expected) => {
    expect(circlesOf(scopeOf(sketch)).map(names).toSorted()).toEqual(expected);
  });

  test('a circle of a thousand states is found without recursion', () => {
    const sketch = Array.from({ length: 1000 }, (_, i) => `s${i}>s${(i + 1) % 1000}`).join(' ');
    expect(circlesOf(scopeOf(sketch)).map(({ length }) => length)).toEqual([1000]);
  });
});

describe('ways on which nothing is written', () => {
  const wayIn = (sketch: string, path: string[], target: string | null) => {
    const scope = scopeOf(sketch);
    const to = target === null ? null : (scope.byName.get(target) ?? null);
    const way = new WaySearch(scope, { transitionsLeft: 1000 }).unwrittenWay(to, path);
    return way === undefined ? undefined : names(way);
  };

  test('there is none past a state that writes it', () => {
    expect(wayIn('a>b b>c c!', ['steps', 'b'], 'c')).toBeUndefined();
    expect(wayIn('a>b b>c c!', ['steps', 'c'], 'c')).toBe('abc');
  });

  test('the shortest way around the writer is shown', () => {
    expect(wayIn('a>b,c,d b>e c>b d>e e!', ['steps', 'b'], 'e')).toBe('ade');
  });

  test('the end of the scope is a place like others', () => {
    expect(wayIn('a>b,c b! c!', ['steps', 'b'], null)).toBe('ac');
    expect(wayIn('a>b b!', ['steps', 'b'], null)).toBeUndefined();
  });
});

test('paths meet when one begins with the other', () => {
  expect(pathsMeet(['a'], ['a', 'b'])).toBe(true);
  expect(pathsMeet(['a', 'b'], ['a'])).toBe(true);
  expect(pathsMeet(['a', 'b'], ['a', 'c'])).toBe(false);
  expect(pathsMeet(['a', 0], ['a', '0'])).toBe(true);
});
