/**
 * The text as a tree of values that know where they stand. Everything after the reader works on this tree.
 *
 * 1. Aliases of YAML are written out: a node has one parent and one pointer.
 * 2. Keys are texts, each once in its map; `__proto__` is not among them.
 * 3. `key` may be an author's older spelling put right; `sourceKey` is always what the text says, and pointers are made of it.
 */
import type { Json } from '@signalbox/engine';

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded' | 'raw';

interface NodeBase {
  /** Offsets into the text, in UTF-16 units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly parent?: { readonly node: MapNode | ListNode; readonly key: string | number };
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly style: ScalarStyle;
  /** A plain scalar as it was written: `1.0` for the number 1. */
  readonly written: string;
}

export interface MapEntry {
  key: string;
  readonly sourceKey: string;
  readonly keyStart: number;
  readonly value: SourceNode;
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  entries: MapEntry[];
}

export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly items: SourceNode[];
}

export type SourceNode = ScalarNode | MapNode | ListNode;

/** Where an issue stands. */
export interface Place {
  readonly offset: number;
  readonly pointer: string;
}

const escapeToken = (key: string | number): string => String(key).replaceAll('~', '~0').replaceAll('/', '~1');

export const pointerOf = (node: SourceNode): string => {
  const tokens: string[] = [];
  let current: SourceNode = node;
  while (current.parent !== undefined) {
    tokens.push(escapeToken(current.parent.key));
    current = current.parent.node;
  }
  return tokens.reverse().reduce((pointer, token) => `${pointer}/${token}`, '');
};

export const placeOf = (node: SourceNode): Place => ({ offset: node.start, pointer: pointerOf(node) });

/** The place of an entry's key. */
export const placeOfKey = (entry: MapEntry): Place => ({
  offset: entry.keyStart,
  pointer: pointerOf(entry.value),
});

export const entryOf = (node: SourceNode | undefined, key: string): MapEntry | undefined =>
  node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;

export const childOf = (node: SourceNode | undefined, key: string): SourceNode | undefined =>
  entryOf(node, key)?.value;

export const itemsOf = (node: SourceNode | undefined): readonly SourceNode[] =>
  node?.kind === 'list' ? node.items : [];

/** The value where it is a text, otherwise undefined. */
export const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;

/** Own properties only, whatever the keys are called. */
export const jsonOf = (node: SourceNode): Json => {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(jsonOf);
  return Object.fromEntries(node.entries.map((entry) => [entry.key, jsonOf(entry.value)]));
};

const typeName = (node: SourceNode): string => {
  if (node.kind === 'map') return 'an object';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'string') return 'text';
  return typeof node.value === 'boolean' ? 'a boolean' : 'a number';
};

const longestShown = 60;

/** What an author sees of a value in a message: its type, and the value itself where it is short. */
export const describeNode = (node: SourceNode): string => {
  if (node.kind !== 'scalar' || node.value === null) return typeName(node);
  const shown = JSON.stringify(node.value);
  return shown.length > longestShown ? `${typeName(node)} (${shown.slice(0, longestShown)}…)` : shown;
};
