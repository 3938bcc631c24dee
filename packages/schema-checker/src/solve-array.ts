/**
 * Solves goals about arrays: which positions must hold what, and how long the array may be.
 *
 * 1. Positions from the longest prefix on are all alike, so demands for "some item" need only be tried at the prefix positions and
 *    at as many later positions as there are demands.
 * 2. "empty" is concluded from item goals that are empty, from lengths, and for unique items from there being too few values;
 *    anything else that fails is "unknown".
 */
import {
  type Constraint,
  EMPTY,
  type Literal,
  literal,
  type Outcome,
  type Prover,
  unknownBecause,
} from './constraint.js';
import type { Json } from './json.js';
import type { SchemaNode } from './schema-node.js';

const MAX_LENGTH = 5_000;
const MAX_UNIQUE = 200;
const MAX_COPIES = 30;

/** An item that must exist: at `from` exactly, or at `from` or later. */
interface Demand {
  from: number;
  isExact: boolean;
  literal: Literal | undefined;
  /** Demands of the same group must be met by different items. */
  group: number | undefined;
}

interface ArrayGoal {
  lists: { prefix: readonly SchemaNode[]; rest: SchemaNode | undefined }[];
  min: number;
  max: number;
  isUnique: boolean;
  hasDuplicate: boolean;
  demands: Demand[];
  /** At most `count` items satisfy the node; 0 is expressed by `forbidden`. */
  limits: { node: SchemaNode; count: number }[];
  forbidden: Literal[];
  /** Copies were left out because there are too many of them. */
  isPartial: boolean;
  prefixLength: number;
}

function goalOf(constraints: readonly Constraint[]): ArrayGoal {
  const goal: ArrayGoal = {
    lists: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    isUnique: false,
    hasDuplicate: false,
    demands: [],
    limits: [],
    forbidden: [],
    isPartial: false,
    prefixLength: 0,
  };
  for (const item of constraints) addConstraint(goal, item);
  for (const { prefix } of goal.lists) goal.prefixLength = Math.max(goal.prefixLength, prefix.length);
  for (const { from, isExact } of goal.demands) {
    goal.prefixLength = Math.max(goal.prefixLength, isExact ? from + 1 : from);
  }
  return goal;
}

function addConstraint(goal: ArrayGoal, item: Constraint): void {
  switch (item.kind) {
    case 'minItems':
      goal.min = Math.max(goal.min, item.value);
      break;
    case 'maxItems':
      goal.max = Math.min(goal.max, item.value);
      break;
    case 'items':
      goal.lists.push(item);
      break;
    case 'unique':
      goal.isUnique = true;
      break;
    case 'duplicate':
      goal.hasDuplicate = true;
      break;
    case 'atLeast':
      addCopies(goal, literal(item.node, true), item.count);
      break;
    case 'atMost':
      if (item.count <= 0) goal.forbidden.push(literal(item.node, false));
      else goal.limits.push(item);
      if (item.count < 0) goal.max = -1;
      break;
    case 'item':
      goal.demands.push({ from: item.index, isExact: !item.isFrom, literal: item.literal, group: undefined });
      break;
    default:
  }
}

function addCopies(goal: ArrayGoal, wanted: Literal, count: number): void {
  goal.min = Math.max(goal.min, count);
  if (count > MAX_COPIES) goal.isPartial = true;
  const group = goal.demands.length;
  for (let i = 0; i < Math.min(count, MAX_COPIES); i += 1) {
    goal.demands.push({ from: 0, isExact: false, literal: wanted, group });
  }
}

export function solveArray(constraints: readonly Constraint[], prover: Prover): Outcome {
  const goal = goalOf(constraints);
  if (goal.isUnique && goal.hasDuplicate) return EMPTY;
  if (goal.min > goal.max) return EMPTY;
  return new ArraySearch(goal, prover).run();
}

class ArraySearch {
  readonly #goal: ArrayGoal;
  readonly #prover: Prover;
  #unknown: Outcome | undefined;
  #max: number;

  constructor(goal: ArrayGoal, prover: Prover) {
    this.#goal = goal;
    this.#prover = prover;
    this.#max = goal.max;
    if (goal.isPartial) this.#unknown = unknownBecause('`minContains` asks for too many items');
  }

  run(): Outcome {
    this.#shorten();
    if (this.#goal.min > this.#max) return EMPTY;
    if (this.#goal.isUnique && this.#tooFewValues()) return EMPTY;
    const assigned = new Map<number, Literal[]>();
    const found = this.#goal.hasDuplicate
      ? this.#assignDuplicate(assigned)
      : this.#assign(0, assigned, undefined);
    return found ?? this.#unknown ?? EMPTY;
  }

  /** What every item at this position must satisfy, apart from demands. */
  #baseAt(position: number): Literal[] {
    const literals = [...this.#goal.forbidden];
    for (const { prefix, rest } of this.#goal.lists) {
      const node = prefix[position] ?? rest;
      if (node !== undefined) literals.push(literal(node, true));
    }
    return literals;
  }

  /** An array cannot reach beyond a position that no value fits. */
  #shorten(): void {
    const last = Math.min(this.#goal.prefixLength, this.#max - 1);
    for (let position = 0; position <= last; position += 1) {
      this.#prover.spend();
      if (this.#prover.solve(this.#baseAt(position)).kind === 'empty') {
        this.#max = position;
        return;
      }
    }
  }

  /** Positions that are all alike take different values only as long as there are some. */
  #tooFewValues(): boolean {
    const { min, prefixLength } = this.#goal;
    if (prefixLength > 0 || min < 2 || min > MAX_UNIQUE) return false;
    return this.#distinctValues(this.#baseAt(0), min).kind === 'empty';
  }

  #distinctValues(literals: readonly Literal[], count: number): Outcome {
    const values: Json[] = [];
    const exclusions: Literal[] = [];
    while (values.length < count) {
      const outcome = this.#prover.solve([...literals, ...exclusions]);
      if (outcome.kind !== 'witness') return outcome;
      values.push(outcome.value);
      exclusions.push(this.#prover.equals(outcome.value, false));
    }
    return { kind: 'witness', value: values };
  }

  /** Tries each pair of positions for the two equal items. */
  #assignDuplicate(assigned: Map<number, Literal[]>): Outcome | undefined {
    const last = Math.min(this.#goal.prefixLength + this.#goal.demands.length + 1, this.#max - 1);
    for (let second = 1; second <= last; second += 1) {
      for (let first = 0; first < second; first += 1) {
        this.#prover.spend();
        const shared = [...this.#baseAt(first), ...this.#baseAt(second)];
        if (this.#check(shared)) {
          const found = this.#assign(0, assigned, [first, second]);
          if (found !== undefined) return found;
        }
      }
    }
    return undefined;
  }

  #check(literals: readonly Literal[]): boolean {
    const outcome = this.#prover.solve(literals);
    if (outcome.kind === 'unknown') this.#unknown = outcome;
    return outcome.kind === 'witness';
  }

  /** Gives each demand a position, one after the other; the first arrangement that can be filled wins. */
  #assign(
    index: number,
    assigned: Map<number, Literal[]>,
    pair: readonly [number, number] | undefined,
  ): Outcome | undefined {
    const demand = this.#goal.demands[index];
    if (demand === undefined) return this.#fill(assigned, pair);
    const last = demand.isExact ? demand.from : this.#goal.prefixLength + index + (pair?.[1] ?? 0);
    for (let position = demand.from; position <= Math.min(last, this.#max - 1); position += 1) {
      this.#prover.spend();
      if (this.#isTaken(demand, index, position, assigned)) continue;
      const before = assigned.get(position) ?? [];
      const wanted = demand.literal === undefined ? before : [...before, demand.literal];
      if (!this.#check([...this.#itemGoal(position, pair), ...wanted])) continue;
      assigned.set(position, wanted);
      this.#places[index] = position;
      const found = this.#assign(index + 1, assigned, pair);
      if (found !== undefined) return found;
      assigned.set(position, before);
    }
    return undefined;
  }

  readonly #places: number[] = [];

  #isTaken(
    demand: Demand,
    index: number,
    position: number,
    assigned: ReadonlyMap<number, Literal[]>,
  ): boolean {
    if (demand.group === undefined || !assigned.has(position)) return false;
    return this.#goal.demands.some(
      (other, i) => i < index && other.group === demand.group && this.#places[i] === position,
    );
  }

  #itemGoal(position: number, pair: readonly [number, number] | undefined): Literal[] {
    if (pair === undefined || !pair.includes(position)) return this.#baseAt(position);
    return [...this.#baseAt(pair[0]), ...this.#baseAt(pair[1])];
  }

  #fill(
    assigned: ReadonlyMap<number, readonly Literal[]>,
    pair: readonly [number, number] | undefined,
  ): Outcome | undefined {
    const used = [...assigned].filter(([, literals]) => literals.length > 0).map(([position]) => position);
    const length = Math.max(
      this.#goal.min,
      ...used.map((position) => position + 1),
      pair === undefined ? 0 : pair[1] + 1,
    );
    if (length > this.#max) return undefined;
    if (length > (this.#goal.isUnique ? MAX_UNIQUE : MAX_LENGTH))
      return this.#giveUp('the array would be too long');
    const values: Json[] = [];
    const exclusions: Literal[] = [];
    for (let position = 0; position < length; position += 1) {
      this.#prover.spend();
      const demands = pair?.includes(position)
        ? pair.flatMap((at) => assigned.get(at) ?? [])
        : (assigned.get(position) ?? []);
      const literals = [...this.#itemGoal(position, pair), ...demands];
      const isPairEnd = pair !== undefined && position === pair[1];
      const value = isPairEnd ? values[pair[0]] : this.#choose(literals, exclusions, demands.length === 0);
      if (value === undefined) return undefined;
      values.push(value);
      if (this.#goal.isUnique) exclusions.push(this.#prover.equals(value, false));
    }
    return this.#confirm(values);
  }

  /** Prefers values that do not count towards a limit on how many items match. */
  #choose(literals: readonly Literal[], exclusions: readonly Literal[], isFiller: boolean): Json | undefined {
    const wanted = [...literals, ...exclusions];
    if (isFiller && this.#goal.limits.length > 0) {
      const sparing = [...wanted, ...this.#goal.limits.map(({ node }) => literal(node, false))];
      const outcome = this.#prover.solve(sparing);
      if (outcome.kind === 'witness') return outcome.value;
    }
    const outcome = this.#prover.solve(wanted);
    if (outcome.kind === 'witness') return outcome.value;
    if (outcome.kind === 'unknown') this.#unknown = outcome;
    // Another choice for earlier items might have left a value for this one.
    if (exclusions.length > 0) this.#giveUp('unique items were not found');
    return undefined;
  }

  #confirm(values: Json[]): Outcome | undefined {
    for (const { node, count } of this.#goal.limits) {
      const matching = values.filter(
        (value) => this.#prover.satisfies([literal(node, true)], value) !== false,
      );
      if (matching.length > count) return this.#giveUp('`maxContains` could not be kept');
    }
    return { kind: 'witness', value: values };
  }

  #giveUp(why: string): undefined {
    this.#unknown = unknownBecause(why);
    return undefined;
  }
}
