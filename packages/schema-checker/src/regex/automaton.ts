/**
 * A pattern as a finite automaton over code points, determinised step by step as it is used.
 *
 * 1. Matching takes time linear in the text: no input makes it backtrack.
 * 2. A pattern matches anywhere in the text unless anchored, as in JSON Schema.
 * 3. State 0 is the start. It is the only state in which `^` holds.
 * 4. The states kept are bounded: a long text forgets those behind it.
 */
import type { Fuel } from '../fuel.js';
import { type CharSet, containsCodePoint, EVERY_CHARACTER, WORD_CHARACTERS } from './char-set.js';
import type { RegexTree } from './parse-pattern.js';

/** A deterministic automaton whose states are made when first reached. */
export interface Automaton {
  /** The state after one more code point. */
  step(state: number, codePoint: number, fuel: Fuel): number;
  accepts(state: number): boolean;
  /** Code points at which the behaviour of a state may change, 0 first and in order. */
  cuts(state: number): readonly number[];
  /** A measure of what it took to make. */
  readonly size: number;
  /** Drops what it keeps when that has become much, and gives the number that `state` has from now on. */
  forget(state: number): number;
}

type Edge =
  | { kind: 'free'; to: number }
  | { kind: 'start'; to: number }
  | { kind: 'end'; to: number }
  | { kind: 'boundary'; holds: boolean; to: number }
  | { kind: 'set'; set: CharSet; to: number };

const MAX_NODES = 4_000;
const MAX_CACHED_STEPS = 256;
/** Of all states together, in nodes and steps. */
const MAX_KEPT = 300_000;

class TooLarge extends Error {}

class NodeGraph {
  readonly edges: Edge[][] = [];
  hasBoundaries = false;

  node(): number {
    if (this.edges.length >= MAX_NODES) throw new TooLarge();
    this.edges.push([]);
    return this.edges.length - 1;
  }

  link(from: number, edge: Edge): void {
    this.edges[from]?.push(edge);
  }

  /** Adds a tree behind `from`; returns the node in which it ends. */
  add(tree: RegexTree, from: number): number {
    switch (tree.kind) {
      case 'start':
      case 'end':
      case 'boundary':
      case 'set': {
        const to = this.node();
        if (tree.kind === 'boundary') this.hasBoundaries = true;
        this.link(from, { ...tree, to });
        return to;
      }
      case 'sequence':
        return tree.parts.reduce((node, part) => this.add(part, node), from);
      case 'choice': {
        const to = this.node();
        for (const part of tree.parts) this.link(this.add(part, from), { kind: 'free', to });
        return to;
      }
      case 'repeat':
        return this.#repeat(tree.part, tree.min, tree.max, from);
    }
  }

  #repeat(part: RegexTree, min: number, max: number, from: number): number {
    if (min > MAX_NODES || (Number.isFinite(max) && max > MAX_NODES)) throw new TooLarge();
    let node = from;
    for (let i = 0; i < min; i += 1) node = this.#copy(part, node);
    if (max === Number.POSITIVE_INFINITY) {
      const loop = this.node();
      this.link(node, { kind: 'free', to: loop });
      this.link(this.#copy(part, loop), { kind: 'free', to: loop });
      return loop;
    }
    const end = this.node();
    this.link(node, { kind: 'free', to: end });
    for (let i = min; i < max; i += 1) {
      node = this.#copy(part, node);
      this.link(node, { kind: 'free', to: end });
    }
    return end;
  }

  /** A copy takes at least one node, so that an empty part repeated a thousand times still counts towards the limit. */
  #copy(part: RegexTree, from: number): number {
    const entry = this.node();
    this.link(from, { kind: 'free', to: entry });
    return this.add(part, entry);
  }
}

interface State {
  nodes: readonly number[];
  isStart: boolean;
  /** Whether the last code point is one of a word; always false where no boundary is asked for. */
  isBehindWord: boolean;
  accepting: boolean;
  cuts: readonly number[] | undefined;
  next: Map<number, number>;
}

/** What holds where the text is read: which edges besides the free ones may be taken. */
interface Place {
  isStart: boolean;
  isEnd: boolean;
  /** Undefined: neither a boundary nor its absence is known. */
  isBoundary: boolean | undefined;
}

const isWordCharacter = (codePoint: number): boolean => containsCodePoint(WORD_CHARACTERS, codePoint);

class LazyAutomaton implements Automaton {
  readonly #graph: NodeGraph;
  readonly #start: number;
  readonly #final: number;
  #states: State[] = [];
  #known = new Map<string, number>();
  #keptCount = 0;

  constructor(graph: NodeGraph, start: number, final: number) {
    this.#graph = graph;
    this.#start = start;
    this.#final = final;
    this.#states.push(this.#stateOf([start], true, false));
  }

  get size(): number {
    return this.#graph.edges.length;
  }

  accepts(state: number): boolean {
    return this.#states[state]?.accepting === true;
  }

  cuts(state: number): readonly number[] {
    const known = this.#states[state];
    if (known === undefined) return [0];
    if (known.cuts === undefined) {
      const points = new Set<number>([0]);
      const { isStart } = known;
      const ends = [true, false].map((isBoundary) =>
        this.#closure(known.nodes, { isStart, isEnd: false, isBoundary }),
      );
      const sets = [...this.#edgesOf(ends.flat())].map((edge) => (edge.kind === 'set' ? edge.set : []));
      if (this.#graph.hasBoundaries) sets.push(WORD_CHARACTERS);
      for (const set of sets) {
        set.forEach((value, index) => {
          const cut = index % 2 === 0 ? value : value + 1;
          if (cut <= 0x10ffff) points.add(cut);
        });
      }
      known.cuts = [...points].sort((a, b) => a - b);
    }
    return known.cuts;
  }

  step(state: number, codePoint: number, fuel: Fuel): number {
    const known = this.#states[state];
    if (known === undefined) return state;
    // Spent whether cached or not: a verdict must not depend on what was checked before.
    fuel.spend(1 + known.nodes.length);
    const cached = known.next.get(codePoint);
    if (cached !== undefined) return cached;
    const isBehindWord = this.#graph.hasBoundaries && isWordCharacter(codePoint);
    const targets: number[] = [];
    for (const edge of this.#edgesOf(this.#nodesBefore(known, isBehindWord))) {
      if (edge.kind === 'set' && containsCodePoint(edge.set, codePoint)) targets.push(edge.to);
    }
    const next = this.#intern(this.#stateOf(targets, false, isBehindWord));
    if (known.next.size < MAX_CACHED_STEPS) {
      known.next.set(codePoint, next);
      this.#keptCount += 1;
    }
    return next;
  }

  forget(state: number): number {
    const kept = this.#states[state];
    if (this.#keptCount <= MAX_KEPT || kept === undefined) return state;
    this.#states = [];
    this.#known = new Map();
    this.#keptCount = 0;
    this.#states.push(this.#stateOf([this.#start], true, false));
    return kept.isStart ? 0 : this.#intern({ ...kept, next: new Map() });
  }

  /** The nodes from which the next code point is read. */
  #nodesBefore({ nodes, isStart, isBehindWord }: State, isWordNext: boolean): readonly number[] {
    if (!this.#graph.hasBoundaries) return nodes;
    return this.#closure(nodes, { isStart, isEnd: false, isBoundary: isBehindWord !== isWordNext });
  }

  *#edgesOf(nodes: readonly number[]): Iterable<Edge> {
    for (const node of nodes) yield* this.#graph.edges[node] ?? [];
  }

  #intern(state: State): number {
    const key = `${state.isBehindWord ? 'w' : ''}${state.nodes.join(',')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#states.push(state);
    this.#keptCount += 1 + state.nodes.length;
    this.#known.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }

  #stateOf(targets: readonly number[], isStart: boolean, isBehindWord: boolean): State {
    const nodes = this.#closure(targets, { isStart, isEnd: false, isBoundary: undefined });
    // The final node has no way out: once there, the rest of the text does not matter.
    const settled = nodes.includes(this.#final);
    const atEnd = { isStart, isEnd: true, isBoundary: isBehindWord };
    const accepting = settled || this.#closure(targets, atEnd).includes(this.#final);
    return {
      nodes: settled ? [this.#final] : nodes,
      isStart,
      isBehindWord: isBehindWord && !settled,
      accepting,
      cuts: undefined,
      next: new Map(),
    };
  }

  #closure(targets: readonly number[], place: Place): number[] {
    const seen = new Set<number>(targets);
    const pending = [...targets];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      for (const edge of this.#graph.edges[node] ?? []) {
        if (!isOpen(edge, place) || seen.has(edge.to)) continue;
        seen.add(edge.to);
        pending.push(edge.to);
      }
    }
    return [...seen].sort((a, b) => a - b);
  }
}

function isOpen(edge: Edge, { isStart, isEnd, isBoundary }: Place): boolean {
  switch (edge.kind) {
    case 'free':
      return true;
    case 'start':
      return isStart;
    case 'end':
      return isEnd;
    case 'boundary':
      return isBoundary === edge.holds;
    case 'set':
      return false;
  }
}

/** The automaton that accepts every text in which the tree finds a match; undefined when it would be too large. */
export function automatonOf(tree: RegexTree): Automaton | undefined {
  const graph = new NodeGraph();
  try {
    const start = graph.node();
    graph.link(start, { kind: 'set', set: EVERY_CHARACTER, to: start });
    const entry = graph.node();
    graph.link(start, { kind: 'free', to: entry });
    const final = graph.add(tree, entry);
    graph.link(final, { kind: 'set', set: EVERY_CHARACTER, to: final });
    return new LazyAutomaton(graph, start, final);
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

export function automatonMatches(automaton: Automaton, text: string, fuel: Fuel): boolean {
  let state = 0;
  for (const point of text) {
    fuel.spend();
    state = automaton.forget(automaton.step(state, point.codePointAt(0) ?? 0, fuel));
  }
  return automaton.accepts(state);
}

class WordTree implements Automaton {
  static readonly #DEAD = -1;
  readonly #children: Map<number, number>[] = [new Map()];
  readonly #ends = new Set<number>();

  constructor(words: Iterable<string>, fuel: Fuel) {
    for (const word of words) {
      let node = 0;
      for (const point of word) {
        fuel.spend();
        const codePoint = point.codePointAt(0) ?? 0;
        let next = this.#children[node]?.get(codePoint);
        if (next === undefined) {
          next = this.#children.push(new Map()) - 1;
          this.#children[node]?.set(codePoint, next);
        }
        node = next;
      }
      this.#ends.add(node);
    }
  }

  get size(): number {
    return this.#children.length;
  }

  /** It makes nothing after its words are read. */
  forget(state: number): number {
    return state;
  }

  step(state: number, codePoint: number): number {
    return this.#children[state]?.get(codePoint) ?? WordTree.#DEAD;
  }

  accepts(state: number): boolean {
    return this.#ends.has(state);
  }

  cuts(state: number): readonly number[] {
    const points = new Set<number>([0]);
    for (const codePoint of this.#children[state]?.keys() ?? []) {
      points.add(codePoint);
      if (codePoint < 0x10ffff) points.add(codePoint + 1);
    }
    return [...points].sort((a, b) => a - b);
  }
}

/** The automaton that accepts exactly the given words. */
export function wordAutomaton(words: Iterable<string>, fuel: Fuel): Automaton {
  return new WordTree(words, fuel);
}
