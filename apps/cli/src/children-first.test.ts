import { expect, test } from 'vitest';
import { childrenFirst } from './children-first.js';

const workflow = (id: string, ...children: string[]) => ({
  id,
  definition: { id, states: [{ iterator: { states: children.map((child) => ({ workflow: child })) } }] },
});

const idsOf = (...workflows: ReturnType<typeof workflow>[]): string[] =>
  childrenFirst(workflows).map(({ id }) => id);

test('a workflow comes after those that it runs, however deep they stand', () => {
  expect(idsOf(workflow('a', 'b', 'c'), workflow('b', 'c'), workflow('c'))).toEqual(['c', 'b', 'a']);
});

test('what depends on nothing keeps its place', () => {
  expect(idsOf(workflow('b'), workflow('a', 'elsewhere'), workflow('c'))).toEqual(['b', 'a', 'c']);
});

test('a circle ends, and nobody is left out or put twice', () => {
  expect(idsOf(workflow('a', 'b'), workflow('b', 'a'), workflow('c', 'c'))).toEqual(['b', 'a', 'c']);
});

test('a file that is no definition is put as it is', () => {
  expect(childrenFirst([{ id: 'a', definition: null }]).map(({ id }) => id)).toEqual(['a']);
});
