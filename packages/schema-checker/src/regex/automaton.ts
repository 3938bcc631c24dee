/**
 * A pattern as a finite automaton over code points, determinised step by step as it is used.
 *
 * 1. Matching takes time linear in the text: no input makes it backtrack.
 * 2. A pattern matches anywhere in the text unless anchored, as in JSON Schema.
 * 3. State 0 is the start. It is the only state in which `^` holds.
 */
import type { Fuel } from '../fuel.js';
import { type CharSet, containsCodePoint, EVERY_CHARACTER } from './char-set.js';
import type { RegexTree } from './parse-pattern.js';

/** A deterministic automaton whose states are made when first reached. */
export interface Automaton {
  /** The state after one more code point. */
  step(state: number, codePoint: number, fuel: Fuel): number;
  accepts(state: number): boolean;
  /** Code points at which the behaviour of a state may change, 0 first and in order. */
  cuts(state: number): readonly number[];
}

type Edge =
  | { kind: 'free'; to: number }
  | { kind: 'start'; to: number }
  | { kind: 'end'; to: number }
  | { kind: 'set'; set: CharSet; to: number };

const MAX_NODES = 4_000;
const MAX_CACHED_STEPS = 256;

class TooLarge extends Error {}

class NodeGraph {
  readonly edges: Edge[][] = [];

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
      case 'set': {
        const to = this.node();
        this.link(from, tree.kind === 'set' ? { kind: 'set', set: tree.set, to } : { kind: tree.kind, to });
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
  accepting: boolean;
  cuts: readonly number[] | undefined;
  next: Map<number, number>;
}

class LazyAutomaton implements Automaton {
  readonly #graph: NodeGraph;
  readonly #final: number;
  readonly #states: State[] = [];
  readonly #known = new Map<string, number>();

  constructor(graph: NodeGraph, start: number, final: number) {
    this.#graph = graph;
    this.#final = final;
    this.#states.push(this.#stateOf([start], true));
  }

  accepts(state: number): boolean {
    return this.#states[state]?.accepting === true;
  }

  cuts(state: number): readonly number[] {
    const known = this.#states[state];
    if (known === undefined) return [0];
    if (known.cuts === undefined) {
      const points = new Set<number>([0]);
      for (const edge of this.#edgesOf(known.nodes)) {
        if (edge.kind !== 'set') continue;
        edge.set.forEach((value, index) => {
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
    const targets: number[] = [];
    for (const edge of this.#edgesOf(known.nodes)) {
      if (edge.kind === 'set' && containsCodePoint(edge.set, codePoint)) targets.push(edge.to);
    }
    const next = this.#intern(targets);
    if (known.next.size < MAX_CACHED_STEPS) known.next.set(codePoint, next);
    return next;
  }

  *#edgesOf(nodes: readonly number[]): Iterable<Edge> {
    for (const node of nodes) yield* this.#graph.edges[node] ?? [];
  }

  #intern(targets: readonly number[]): number {
    const state = this.#stateOf(targets, false);
    const key = state.nodes.join(',');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#states.push(state);
    this.#known.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }

  #stateOf(targets: readonly number[], isStart: boolean): State {
    const nodes = this.#closure(targets, isStart, false);
    // The final node has no way out: once there, the rest of the text does not matter.
    const settled = nodes.includes(this.#final);
    const accepting = settled || this.#closure(targets, isStart, true).includes(this.#final);
    return { nodes: settled ? [this.#final] : nodes, accepting, cuts: undefined, next: new Map() };
  }

  #closure(targets: readonly number[], isStart: boolean, isEnd: boolean): number[] {
    const seen = new Set<number>(targets);
    const pending = [...targets];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      for (const edge of this.#graph.edges[node] ?? []) {
        const isOpen =
          edge.kind === 'free' || (edge.kind === 'start' && isStart) || (edge.kind === 'end' && isEnd);
        if (!isOpen || seen.has(edge.to)) continue;
        seen.add(edge.to);
        pending.push(edge.to);
      }
    }
    return [...seen].sort((a, b) => a - b);
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
    state = automaton.step(state, point.codePointAt(0) ?? 0, fuel);
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
