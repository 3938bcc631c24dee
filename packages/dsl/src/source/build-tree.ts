/** The YAML library's nodes as a tree of our own: see `source-node.ts` for what then holds. */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import type { Diagnostics } from '../diagnostics.js';
import { limits } from '../limits.js';
import type { ListNode, MapEntry, MapNode, ScalarNode, ScalarStyle, SourceNode } from './source-node.js';
import { pointerOf } from './source-node.js';

type Parent = NonNullable<SourceNode['parent']>;

const styles: { readonly [type: string]: ScalarStyle } = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

const coreTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((t) => `tag:yaml.org,2002:${t}`),
);

const loneSurrogate = /\p{Surrogate}/u;

const asNode = (value: unknown): Node | null =>
  isAlias(value) || isScalar(value) || isMap(value) || isSeq(value) ? value : null;

/** Each alias with the node it stands for: the last one before it in the text that carries the anchor. */
const aliasTargets = (root: Node | null): { targets: Map<Node, Node | undefined>; count: number } => {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node | undefined>();
  const visit = (node: Node | null): void => {
    if (node === null) return;
    if (isAlias(node)) {
      targets.set(node, anchors.get(node.source));
      return;
    }
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isMap(node)) {
      for (const pair of node.items) {
        visit(asNode(pair.key));
        visit(asNode(pair.value));
      }
    } else if (isSeq(node)) {
      for (const item of node.items) visit(asNode(item));
    }
  };
  visit(root);
  return { targets, count: targets.size };
};

class TreeBuilder {
  readonly #diagnostics: Diagnostics;
  readonly #targets: ReadonlyMap<Node, Node | undefined>;
  readonly #open = new Set<Node>();
  #length = 0;
  #nodeCount = 0;
  #isOverLimit = false;

  constructor(diagnostics: Diagnostics, targets: ReadonlyMap<Node, Node | undefined>) {
    this.#diagnostics = diagnostics;
    this.#targets = targets;
  }

  get isOverLimit(): boolean {
    return this.#isOverLimit;
  }

  #report(offset: number, parent: Parent | undefined, message: string, hint?: string): void {
    const pointer = parent === undefined ? '' : pointerOf(scalarAt(offset, offset, parent));
    this.#diagnostics.report('INVALID_YAML', { offset, pointer }, message, { hint });
  }

  build(node: Node | null, fallbackOffset: number, parent: Parent | undefined): SourceNode {
    const start = node?.range?.[0] ?? fallbackOffset;
    const end = node?.range?.[1] ?? start;
    this.#nodeCount++;
    if (node !== null && isScalar(node)) this.#length += node.source?.length ?? 0;
    if (this.#length > limits.maxWrittenOutLength) this.#isOverLimit = true;
    if (this.#nodeCount > limits.maxNodes || this.#open.size > limits.maxYamlDepth) {
      this.#isOverLimit = true;
    }
    if (node === null || this.#isOverLimit) return scalarAt(start, end, parent);
    if (isAlias(node)) return this.#buildAlias(node, start, parent);
    if (this.#open.has(node)) {
      this.#report(start, parent, 'the anchor is used within itself');
      return scalarAt(start, end, parent);
    }
    this.#checkTag(node, start, parent);
    if (isScalar(node)) return this.#buildScalar(node, start, end, parent);
    this.#open.add(node);
    const built = isMap(node)
      ? this.#buildMap(node.items, start, end, parent)
      : this.#buildList(node.items, start, end, parent);
    this.#open.delete(node);
    return built;
  }

  #buildAlias(node: Node & { source: string }, start: number, parent: Parent | undefined): SourceNode {
    const target = this.#targets.get(node);
    if (target !== undefined) return this.build(target, start, parent);
    this.#report(start, parent, `no anchor &${node.source} stands before the alias *${node.source}`);
    return scalarAt(start, start, parent);
  }

  #checkTag(node: Exclude<Node, { source: string; anchor?: never }>, start: number, parent?: Parent): void {
    const tag = node.tag;
    if (tag === undefined || tag === '!' || coreTags.has(tag)) return;
    this.#report(start, parent, `the YAML tag ${tag} is not supported`, 'leave the tag out');
  }

  #buildScalar(node: Scalar, start: number, end: number, parent: Parent | undefined): ScalarNode {
    const style = styles[node.type ?? 'PLAIN'] ?? 'plain';
    const written = node.source ?? '';
    const value = this.#scalarValue(node, written, start, parent);
    return { kind: 'scalar', value, style, written, start, end, ...(parent === undefined ? {} : { parent }) };
  }

  #scalarValue(node: Scalar, written: string, start: number, parent?: Parent): ScalarNode['value'] {
    const value: unknown = node.value;
    if (typeof value === 'string') {
      if (loneSurrogate.test(value)) this.#report(start, parent, 'the text holds half of a surrogate pair');
      return value;
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) {
        this.#report(start, parent, `${written} is not a number of JSON`, 'put it in quotes if it is a text');
      } else if (/^[-+]?\d+$/.test(written) && BigInt(written.replace('+', '')) !== BigInt(value)) {
        const hint = 'put it in quotes if it is an identifier';
        this.#report(start, parent, `${written} is too large a number to be kept exactly`, hint);
      }
      return value;
    }
    return typeof value === 'boolean' ? value : null;
  }

  #buildList(items: readonly unknown[], start: number, end: number, parent: Parent | undefined): ListNode {
    const list: ListNode = {
      kind: 'list',
      items: [],
      start,
      end,
      ...(parent === undefined ? {} : { parent }),
    };
    for (const [index, item] of items.entries()) {
      // A pair in a list (`[a: 1]`) is a map of one entry.
      const at = { node: list, key: index };
      list.items.push(
        isPair(item)
          ? this.#buildMap([item], offsetOf(item.key) ?? start, end, at)
          : this.build(asNode(item), start, at),
      );
      if (this.#isOverLimit) break;
    }
    return list;
  }

  #buildMap(
    pairs: readonly { key: unknown; value: unknown }[],
    start: number,
    end: number,
    parent: Parent | undefined,
  ): MapNode {
    const map: MapNode = {
      kind: 'map',
      entries: [],
      start,
      end,
      ...(parent === undefined ? {} : { parent }),
    };
    const seen = new Set<string>();
    for (const pair of pairs) {
      const keyStart = offsetOf(pair.key) ?? start;
      const key = this.#keyOf(pair.key, keyStart, map);
      if (key === undefined) continue;
      const at = { node: map, key };
      if (seen.has(key)) {
        this.#report(keyStart, at, `the key "${key}" occurs twice in one object`, 'keep one of them');
        continue;
      }
      seen.add(key);
      const keyEnd = asNode(pair.key)?.range?.[1] ?? keyStart;
      const entry: MapEntry = {
        key,
        sourceKey: key,
        keyStart,
        value: this.build(asNode(pair.value), keyEnd, at),
      };
      map.entries.push(entry);
      if (this.#isOverLimit) break;
    }
    return map;
  }

  #keyOf(key: unknown, offset: number, map: MapNode): string | undefined {
    const node = isAlias(key) ? this.#targets.get(key) : key;
    if (!isScalar(node)) {
      const isTemplate = isMap(node);
      const hint = isTemplate ? 'put a text that begins with {{ in quotes: "{{ … }}"' : undefined;
      this.#reportKey(offset, map, 'a key must be a text', hint);
      return undefined;
    }
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
    if (text === '__proto__') {
      this.#reportKey(offset, map, 'the key "__proto__" is refused');
      return undefined;
    }
    if (text === '<<' && node.type === 'PLAIN') {
      this.#reportKey(offset, map, 'merge keys (<<) are not supported', 'write the fields out');
      return undefined;
    }
    if (node.value === null || loneSurrogate.test(text)) {
      this.#reportKey(offset, map, 'a key must be a text');
      return undefined;
    }
    return text;
  }

  #reportKey(offset: number, map: MapNode, message: string, hint?: string): void {
    this.#diagnostics.report('INVALID_YAML', { offset, pointer: pointerOf(map) }, message, { hint });
  }
}

const offsetOf = (value: unknown): number | undefined => asNode(value)?.range?.[0];

const scalarAt = (start: number, end: number, parent: Parent | undefined): ScalarNode => ({
  kind: 'scalar',
  value: null,
  style: 'plain',
  written: '',
  start,
  end,
  ...(parent === undefined ? {} : { parent }),
});

/** Undefined when a limit was met; the diagnostics then say which. */
export const buildTree = (root: Node | null, diagnostics: Diagnostics): SourceNode | undefined => {
  const { targets, count } = aliasTargets(root);
  const start = { offset: root?.range?.[0] ?? 0, pointer: '' };
  if (count > limits.maxAliases) {
    diagnostics.report('LIMIT_EXCEEDED', start, `the text has more than ${limits.maxAliases} YAML aliases`);
    return undefined;
  }
  const builder = new TreeBuilder(diagnostics, targets);
  const tree = builder.build(root, 0, undefined);
  if (builder.isOverLimit) {
    const message = `the text has more than ${limits.maxNodes} values, or aliases that nest too deep or are too long written out`;
    diagnostics.report('LIMIT_EXCEEDED', start, message);
    return undefined;
  }
  return tree;
};
