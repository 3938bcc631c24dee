/**
 * Solves goals about objects: which keys must be there, which may not, and what their values are.
 *
 * 1. A key is "known" when some constraint names it. All other keys fall into classes by the patterns they match; keys of one
 *    class are alike, so one fresh key stands for its class.
 * 2. "empty" is concluded only when every key and class that could meet a demand has been tried; where more than one demand
 *    competes for a limited number of properties, failing is "unknown".
 */
import {
  type Constraint,
  EMPTY,
  type KeyClass,
  type Literal,
  literal,
  type Outcome,
  type Prover,
  unknownBecause,
} from './constraint.js';
import { type Json, objectOf } from './json.js';
import type { ObjectKeywords, Pattern, SchemaNode } from './schema-node.js';

const MAX_PATTERNS = 6;
const MAX_PROPERTIES = 2_000;

interface SomeMember {
  keys: KeyClass;
  literals: readonly Literal[];
}

interface ObjectGoal {
  members: ObjectKeywords[];
  names: SchemaNode[];
  absent: Set<string>;
  /** Keys that must be there, with what their values must satisfy beyond `members`. */
  present: Map<string, Literal[]>;
  demands: SomeMember[];
  min: number;
  max: number;
  known: Set<string>;
}

function goalOf(constraints: readonly Constraint[]): ObjectGoal {
  const goal: ObjectGoal = {
    members: [],
    names: [],
    absent: new Set(),
    present: new Map(),
    demands: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    known: new Set(),
  };
  for (const item of constraints) addConstraint(goal, item);
  for (const key of [...goal.present.keys(), ...goal.absent]) goal.known.add(key);
  for (const members of goal.members) for (const key of members.properties.keys()) goal.known.add(key);
  for (const { keys } of goal.demands) for (const key of keys.except) goal.known.add(key);
  return goal;
}

function addConstraint(goal: ObjectGoal, item: Constraint): void {
  switch (item.kind) {
    case 'members':
      goal.members.push(item.keywords);
      break;
    case 'names':
      goal.names.push(item.node);
      break;
    case 'absent':
      goal.absent.add(item.key);
      break;
    case 'present':
      goal.present.set(item.key, goal.present.get(item.key) ?? []);
      break;
    case 'member':
      goal.present.set(item.key, [...(goal.present.get(item.key) ?? []), item.literal]);
      break;
    case 'someMember':
      goal.demands.push(item);
      break;
    case 'minProperties':
      goal.min = Math.max(goal.min, item.value);
      break;
    case 'maxProperties':
      goal.max = Math.min(goal.max, item.value);
      break;
    default:
  }
}

export function solveObject(constraints: readonly Constraint[], prover: Prover): Outcome {
  const goal = goalOf(constraints);
  if (goal.min > goal.max || goal.present.size > goal.max) return EMPTY;
  for (const key of goal.present.keys()) if (goal.absent.has(key)) return EMPTY;
  return new ObjectSearch(goal, prover).run();
}

class ObjectSearch {
  readonly #goal: ObjectGoal;
  readonly #prover: Prover;
  readonly #patterns: readonly Pattern[];
  #unknown: Outcome | undefined;

  constructor(goal: ObjectGoal, prover: Prover) {
    this.#goal = goal;
    this.#prover = prover;
    const patterns = new Set<Pattern>();
    for (const { patterns: entries } of goal.members)
      for (const { pattern } of entries) patterns.add(pattern);
    for (const { keys } of goal.demands)
      for (const pattern of [...keys.matching, ...keys.avoiding]) patterns.add(pattern);
    this.#patterns = [...patterns];
  }

  run(): Outcome {
    const chosen = new Map<string, readonly Literal[]>();
    for (const [key, extra] of this.#goal.present) {
      const literals = this.#memberGoal(key, extra);
      if (literals === undefined) return EMPTY;
      const outcome = this.#prover.solve(literals);
      if (outcome.kind === 'empty') return EMPTY;
      if (outcome.kind === 'unknown') this.#unknown = outcome;
      chosen.set(key, literals);
    }
    return this.#meet(0, chosen) ?? this.#unknown ?? EMPTY;
  }

  /** What the value at a key must satisfy; undefined where the key itself is not allowed. */
  #memberGoal(key: string, extra: readonly Literal[]): Literal[] | undefined {
    this.#prover.spend();
    const names = this.#goal.names.map((node) => literal(node, true));
    if (names.length > 0) {
      const isAllowed = this.#prover.satisfies(names, key);
      if (isAllowed === false) return undefined;
      if (isAllowed === undefined) this.#unknown = unknownBecause('a property name could not be checked');
    }
    const literals = [...extra];
    for (const keywords of this.#goal.members) literals.push(...this.#memberLiterals(keywords, key));
    return literals;
  }

  #memberLiterals(keywords: ObjectKeywords, key: string): Literal[] {
    const literals: Literal[] = [];
    const named = keywords.properties.get(key);
    if (named !== undefined) literals.push(literal(named, true));
    let isCovered = named !== undefined;
    for (const { pattern, node } of keywords.patterns) {
      const matches = this.#prover.matches(pattern, key);
      if (matches === undefined)
        this.#unknown = unknownBecause('a property pattern is outside what can be decided');
      if (matches === true) literals.push(literal(node, true));
      if (matches !== false) isCovered = true;
    }
    if (!isCovered && keywords.additional !== undefined) literals.push(literal(keywords.additional, true));
    return literals;
  }

  /** Meets the demands for some member one after the other, at a known key or at a fresh one. */
  #meet(index: number, chosen: ReadonlyMap<string, readonly Literal[]>): Outcome | undefined {
    this.#prover.spend();
    const demand = this.#goal.demands[index];
    if (demand === undefined) return this.#complete(chosen);
    for (const key of new Set([...chosen.keys(), ...this.#goal.known])) {
      if (this.#goal.absent.has(key) || !this.#isInClass(demand.keys, key)) continue;
      const before = chosen.get(key) ?? this.#memberGoal(key, []);
      if (before === undefined) continue;
      const found = this.#tryMember(index, chosen, key, [...before, ...demand.literals]);
      if (found !== undefined) return found;
    }
    for (const { key, literals } of this.#freshKeys(chosen, demand.keys)) {
      const found = this.#tryMember(index, chosen, key, [...literals, ...demand.literals]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #tryMember(
    index: number,
    chosen: ReadonlyMap<string, readonly Literal[]>,
    key: string,
    literals: readonly Literal[],
  ): Outcome | undefined {
    const outcome = this.#prover.solve(literals);
    if (outcome.kind === 'unknown') this.#unknown = outcome;
    if (outcome.kind !== 'witness') return undefined;
    const next = new Map(chosen).set(key, literals);
    if (next.size > this.#goal.max) {
      if (this.#goal.demands.length > 1)
        this.#unknown = unknownBecause('too few properties are allowed to tell');
      return undefined;
    }
    return this.#meet(index + 1, next);
  }

  #isInClass(keys: KeyClass, key: string): boolean {
    if (keys.except.has(key)) return false;
    const matching = keys.matching.map((pattern) => this.#prover.matches(pattern, key));
    const avoiding = keys.avoiding.map((pattern) => this.#prover.matches(pattern, key));
    if (matching.includes(false) || avoiding.includes(true)) return false;
    const satisfied = this.#prover.satisfies(keys.literals, key);
    if (satisfied === false) return false;
    if (satisfied === undefined || matching.includes(undefined) || avoiding.includes(undefined)) {
      this.#unknown = unknownBecause('a property name could not be checked');
      return false;
    }
    return true;
  }

  /** One key for each class of keys that nothing names, with what its value must satisfy. */
  *#freshKeys(
    chosen: ReadonlyMap<string, unknown>,
    wanted: KeyClass | undefined,
  ): Iterable<{ key: string; literals: Literal[] }> {
    if (this.#patterns.length > MAX_PATTERNS) {
      this.#unknown = unknownBecause('there are too many property patterns');
      return;
    }
    const used: string[] = [...new Set([...this.#goal.known, ...chosen.keys()])];
    for (let signs = 0; signs < 2 ** this.#patterns.length; signs += 1) {
      this.#prover.spend();
      const matched = new Set(this.#patterns.filter((_, i) => (signs >> i) % 2 === 1));
      if (wanted !== undefined && !isClassOf(wanted, matched)) continue;
      const outcome = this.#solveKey(this.#keyGoal(used, matched, wanted), used.length);
      if (outcome.kind === 'unknown') this.#unknown = outcome;
      if (outcome.kind !== 'witness' || typeof outcome.value !== 'string') continue;
      const literals = this.#goal.members.flatMap((keywords) => freshMemberLiterals(keywords, matched));
      yield { key: outcome.value, literals };
    }
  }

  /** A name that reads well where it fits, else whatever does. */
  #solveKey(literals: readonly Literal[], usedCount: number): Outcome {
    const readable = usedCount === 0 ? 'extra' : `extra${usedCount}`;
    for (const name of ['extra', readable]) {
      if (this.#prover.satisfies(literals, name) === true) return { kind: 'witness', value: name };
    }
    return this.#prover.solve(literals);
  }

  #keyGoal(used: string[], matched: ReadonlySet<Pattern>, wanted: KeyClass | undefined): Literal[] {
    const literals = this.#goal.names.map((node) => literal(node, true));
    literals.push(this.#prover.synthetic({ type: 'string' }, true), ...(wanted?.literals ?? []));
    if (used.length > 0) literals.push(this.#prover.synthetic({ enum: used }, false));
    for (const pattern of this.#patterns) {
      literals.push(
        this.#prover.synthetic({ type: 'string', pattern: pattern.source }, matched.has(pattern)),
      );
    }
    return literals;
  }

  /** Adds properties until there are enough, then writes the object. */
  #complete(chosen: ReadonlyMap<string, readonly Literal[]>): Outcome | undefined {
    const members = new Map(chosen);
    if (this.#goal.min > MAX_PROPERTIES) {
      this.#unknown = unknownBecause('the object would need too many properties');
      return undefined;
    }
    if (members.size < this.#goal.min) this.#addKnown(members);
    while (members.size < this.#goal.min) {
      if (!this.#addFresh(members)) {
        if (this.#goal.demands.length > 0)
          this.#unknown = unknownBecause('too few properties are possible to tell');
        return undefined;
      }
    }
    const entries: [string, Json][] = [];
    for (const [key, literals] of members) {
      const outcome = this.#prover.solve(literals);
      if (outcome.kind !== 'witness') return undefined;
      entries.push([key, outcome.value]);
    }
    return { kind: 'witness', value: objectOf(entries) };
  }

  #addKnown(members: Map<string, readonly Literal[]>): void {
    for (const key of this.#goal.known) {
      if (members.size >= this.#goal.min) return;
      if (members.has(key) || this.#goal.absent.has(key)) continue;
      const literals = this.#memberGoal(key, []);
      if (literals !== undefined && this.#isPossible(literals)) members.set(key, literals);
    }
  }

  #addFresh(members: Map<string, readonly Literal[]>): boolean {
    for (const { key, literals } of this.#freshKeys(members, undefined)) {
      if (!this.#isPossible(literals)) continue;
      members.set(key, literals);
      return true;
    }
    return false;
  }

  #isPossible(literals: readonly Literal[]): boolean {
    const outcome = this.#prover.solve(literals);
    if (outcome.kind === 'unknown') this.#unknown = outcome;
    return outcome.kind === 'witness';
  }
}

function isClassOf(wanted: KeyClass, matched: ReadonlySet<Pattern>): boolean {
  return (
    wanted.matching.every((pattern) => matched.has(pattern)) &&
    !wanted.avoiding.some((pattern) => matched.has(pattern))
  );
}

function freshMemberLiterals(keywords: ObjectKeywords, matched: ReadonlySet<Pattern>): Literal[] {
  const applying = keywords.patterns.filter(({ pattern }) => matched.has(pattern));
  if (applying.length > 0) return applying.map(({ node }) => literal(node, true));
  return keywords.additional === undefined ? [] : [literal(keywords.additional, true)];
}
