/**
 * Finds a value that satisfies a set of literals, or proves that there is none.
 *
 * 1. "empty" is a proof: constraints are only ever left out, never added, on the way to it.
 * 2. A witness has been evaluated against every literal of its goal before it is handed on.
 * 3. A goal met again while it is being solved counts as empty there: a smallest witness never contains a value of its own goal.
 *    What was concluded from that is remembered only where the goal met again lies inside the goal concluded about.
 * 4. Depth and work are bounded; beyond, the outcome is "unknown".
 */
import {
  type Choice,
  type Constraint,
  EMPTY,
  type Literal,
  literal,
  literalKey,
  negated,
  type Outcome,
  type Prover,
  type Term,
  unknownBecause,
} from './constraint.js';
import { Evaluator } from './evaluate.js';
import { type Expansion, expand } from './expand.js';
import type { Fuel } from './fuel.js';
import { JSON_TYPES, type Json, type JsonType, objectOf } from './json.js';
import type { Pattern } from './schema-node.js';
import type { SchemaRegistry } from './schema-registry.js';
import { solveArray } from './solve-array.js';
import { solveNumber } from './solve-number.js';
import { solveObject } from './solve-object.js';
import { solveScalar } from './solve-scalar.js';
import { solveString } from './solve-string.js';

const MAX_DEPTH = 120;
/** With this many choices open at once, each is tried against the others before branching. */
const MIN_CHOICES_TO_PRUNE = 2;
/** Choices with more options than this are put off like those that describe nothing. */
const MAX_OPTIONS_WEIGHED = 1_000;

/** A conjunction being worked out for values of one type. */
class Branch {
  readonly seen: Set<number>;
  readonly constraints: Constraint[];
  choices: Choice[];

  constructor(seen: Set<number> = new Set(), constraints: Constraint[] = [], choices: Choice[] = []) {
    this.seen = seen;
    this.constraints = constraints;
    this.choices = choices;
  }

  get size(): number {
    return this.seen.size + this.constraints.length + this.choices.length;
  }

  copy(): Branch {
    return new Branch(new Set(this.seen), [...this.constraints], [...this.choices]);
  }
}

export class Solver implements Prover {
  readonly #fuel: Fuel;
  readonly #registry: SchemaRegistry;
  readonly #strict: Evaluator;
  readonly #lenient: Evaluator;
  readonly #known = new Map<string, Outcome>();
  readonly #open = new Map<string, number>();
  readonly #expansions = new Map<string, Expansion>();
  readonly #equalities = new Map<string | number | boolean | null, Literal>();
  #depth = 0;
  /** The outermost open goal that was assumed empty since this was last reset. */
  #assumed = Number.POSITIVE_INFINITY;

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
    this.#fuel = registry.fuel;
    this.#strict = new Evaluator(registry.fuel, 'undecided');
    this.#lenient = new Evaluator(registry.fuel, 'ignored');
  }

  get fuel(): Fuel {
    return this.#fuel;
  }

  spend(amount = 1): void {
    this.#fuel.spend(amount);
  }

  synthetic(schema: Json, holds: boolean): Literal {
    return literal(this.#registry.synthetic(schema), holds);
  }

  equals(value: Json, holds: boolean): Literal {
    if (typeof value === 'object' && value !== null) {
      return this.synthetic(objectOf([['const', value]]), holds);
    }
    let known = this.#equalities.get(value);
    if (known === undefined) {
      known = this.synthetic(objectOf([['const', value]]), true);
      this.#equalities.set(value, known);
    }
    return holds ? known : negated(known);
  }

  matches(pattern: Pattern, text: string): boolean | undefined {
    return this.#strict.matches(pattern, text);
  }

  satisfies(literals: readonly Literal[], value: Json): boolean | undefined {
    let result: boolean | undefined = true;
    for (const item of literals) {
      const strict = this.#strict.evaluate(item.node, value);
      if (strict === (item.holds ? 'invalid' : 'valid')) return false;
      if (strict !== 'unknown') continue;
      // A validator ignores formats it does not know; only a literal that is to hold may count on that.
      if (!item.holds || this.#lenient.evaluate(item.node, value) !== 'valid') result = undefined;
    }
    return result;
  }

  solve(literals: readonly Literal[]): Outcome {
    const goal = new Map<number, Literal>();
    for (const item of literals) {
      const key = literalKey(item);
      if (goal.has(-key)) return EMPTY;
      goal.set(key, item);
    }
    const key = [...goal.keys()].sort((a, b) => a - b).join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const open = this.#open.get(key);
    if (open !== undefined) {
      this.#assumed = Math.min(this.#assumed, open);
      return EMPTY;
    }
    return this.#solveNew(key, [...goal.values()]);
  }

  #solveNew(key: string, goal: readonly Literal[]): Outcome {
    this.spend(10);
    if (this.#depth >= MAX_DEPTH) return unknownBecause('the schemas are nested too deeply');
    const position = this.#open.size;
    const assumedBefore = this.#assumed;
    this.#assumed = Number.POSITIVE_INFINITY;
    this.#open.set(key, position);
    this.#depth += 1;
    const outcome = this.#solveTypes(goal);
    this.#depth -= 1;
    this.#open.delete(key);
    if (outcome.kind === 'witness' || this.#assumed >= position) {
      this.#known.set(key, outcome);
      this.#assumed = assumedBefore;
    } else {
      this.#assumed = Math.min(this.#assumed, assumedBefore);
    }
    return outcome;
  }

  #solveTypes(goal: readonly Literal[]): Outcome {
    let result: Outcome = EMPTY;
    // Terms are taken from the end: what must hold rules out most types at once, so it stands last.
    const terms = [...goal].sort((left, right) => Number(left.holds) - Number(right.holds));
    for (const type of JSON_TYPES) {
      const branch = new Branch();
      if (!this.#assert(branch, terms, type)) continue;
      const outcome = this.#solveBranch(branch, type, goal);
      if (outcome.kind === 'witness') return outcome;
      if (outcome.kind === 'unknown') result = outcome;
    }
    return result;
  }

  /** Adds terms and all that follows from them at once; false when they contradict each other. */
  #assert(branch: Branch, terms: readonly Term[], type: JsonType): boolean {
    const pending: Term[] = [...terms];
    for (let term = pending.pop(); term !== undefined; term = pending.pop()) {
      this.spend();
      if (term.kind === 'choice') {
        if (term.options.length === 0) return false;
        branch.choices.push(term);
      } else if (term.kind === 'literal') {
        const key = literalKey(term);
        if (branch.seen.has(-key)) return false;
        if (branch.seen.has(key)) continue;
        branch.seen.add(key);
        const expansion = this.#expand(term, type);
        if (expansion === undefined) return false;
        pending.push(...expansion);
      } else {
        branch.constraints.push(term);
      }
    }
    return true;
  }

  #expand(item: Literal, type: JsonType): Expansion {
    const key = `${literalKey(item)}${type}`;
    if (this.#expansions.has(key)) return this.#expansions.get(key);
    const expansion = expand(item, type, (value, holds) => this.equals(value, holds));
    this.spend(expansion?.length ?? 0);
    this.#expansions.set(key, expansion);
    return expansion;
  }

  #solveBranch(branch: Branch, type: JsonType, goal: readonly Literal[]): Outcome {
    this.spend(5);
    if (this.#depth >= MAX_DEPTH) return unknownBecause('the schemas are nested too deeply');
    this.#depth += 1;
    const outcome = this.#solveOpenBranch(branch, type, goal);
    this.#depth -= 1;
    return outcome;
  }

  #solveOpenBranch(branch: Branch, type: JsonType, goal: readonly Literal[]): Outcome {
    const finite = branch.constraints.find((constraint) => constraint.kind === 'values');
    if (finite?.kind === 'values') return this.#tryEach(finite.values, goal);
    if (branch.choices.length === 0) return this.#solveLeaf(branch.constraints, type, goal);
    // Alternatives that say what the value is come first: before one is chosen, ways to fail cannot be ruled out.
    const isReady =
      branch.choices.length >= MIN_CHOICES_TO_PRUNE && branch.choices.filter(isDescriptive).length !== 1;
    if (isReady && !this.#prune(branch, type)) return EMPTY;
    const weight = (choice: Choice) =>
      choice.options.length + (isDescriptive(choice) ? 0 : MAX_OPTIONS_WEIGHED);
    const [first, ...others] = branch.choices.sort((left, right) => weight(left) - weight(right));
    if (first === undefined) return this.#solveBranch(branch, type, goal);
    let result: Outcome = EMPTY;
    for (const option of first.options) {
      this.spend(branch.size >> 3);
      const next = branch.copy();
      next.choices = [...others];
      if (!this.#assert(next, option, type)) continue;
      const outcome = this.#solveBranch(next, type, goal);
      if (outcome.kind === 'witness') return outcome;
      if (outcome.kind === 'unknown') result = outcome;
    }
    return result;
  }

  #tryEach(values: readonly Json[], goal: readonly Literal[]): Outcome {
    let result: Outcome = EMPTY;
    for (const value of values) {
      this.spend();
      const isMember = this.satisfies(goal, value);
      if (isMember === true) return { kind: 'witness', value };
      if (isMember === undefined) result = unknownBecause('a listed value could not be checked');
    }
    return result;
  }

  /**
   * Removes options that contradict what holds already, drops choices one of whose options holds already, and takes
   * choices of one option. False when some choice has no option left.
   */
  #prune(branch: Branch, type: JsonType): boolean {
    if (this.#isContradiction(branch.constraints, type)) return false;
    // A choice without any option ends the branch; looking for one first spares the others their full treatment.
    if (
      branch.choices.some(
        (choice) => !choice.options.some((option) => this.#isPossible(branch, option, type)),
      )
    ) {
      return false;
    }
    for (let isChanged = true; isChanged; ) {
      isChanged = false;
      const waiting = branch.choices;
      branch.choices = [];
      for (const choice of waiting) {
        const options = choice.options.filter((option) => this.#isPossible(branch, option, type));
        if (options.some((option) => this.#isImplied(branch, option, type))) continue;
        const [only] = options;
        if (only === undefined) return false;
        if (options.length > 1) {
          branch.choices.push({ kind: 'choice', options });
          continue;
        }
        if (!this.#assert(branch, only, type)) return false;
        isChanged = true;
      }
    }
    return true;
  }

  #isPossible(branch: Branch, option: readonly Term[], type: JsonType): boolean {
    this.spend(1 + (branch.size >> 3));
    const trial = branch.copy();
    trial.choices = [];
    return this.#assert(trial, option, type) && !this.#isContradiction(trial.constraints, type);
  }

  #isImplied(branch: Branch, option: readonly Term[], type: JsonType): boolean {
    return option.every((term) => {
      if (term.kind === 'choice') return false;
      if (term.kind === 'literal' && branch.seen.has(literalKey(term))) return true;
      const opposite = oppositeOf(term, branch.constraints);
      return opposite !== undefined && !this.#isPossible(branch, [opposite], type);
    });
  }

  #isContradiction(constraints: readonly Constraint[], type: JsonType): boolean {
    const known = constraints.filter((item) => item.kind !== 'opaque' && item.kind !== 'values');
    return this.#solveConstraints(known, type).kind === 'empty';
  }

  #solveLeaf(constraints: readonly Constraint[], type: JsonType, goal: readonly Literal[]): Outcome {
    const opaque = constraints.filter((item) => item.kind === 'opaque');
    const known = constraints.filter((item) => item.kind !== 'opaque');
    const outcome = this.#solveConstraints(known, type);
    if (outcome.kind === 'empty') return EMPTY;
    if (outcome.kind === 'witness' && this.satisfies(goal, outcome.value) === true) return outcome;
    const hints = opaque.flatMap((item) => (item.kind === 'opaque' ? item.hint : []));
    if (hints.length > 0) {
      const guess = this.#solveConstraints([...known, ...hints], type);
      if (guess.kind === 'witness' && this.satisfies(goal, guess.value) === true) return guess;
    }
    if (outcome.kind === 'unknown') return outcome;
    const [first] = opaque;
    return unknownBecause(first?.kind === 'opaque' ? first.why : 'a candidate could not be confirmed');
  }

  #solveConstraints(constraints: readonly Constraint[], type: JsonType): Outcome {
    switch (type) {
      case 'null':
      case 'boolean':
        return solveScalar(type, constraints);
      case 'number':
        return solveNumber(constraints, this);
      case 'string':
        return solveString(constraints, this, this.#fuel);
      case 'array':
        return solveArray(constraints, this);
      case 'object':
        return solveObject(constraints, this);
    }
  }
}

/** Whether some option says that a schema holds, rather than only how one fails. */
function isDescriptive(choice: Choice): boolean {
  return choice.options.some((option) => option.some((term) => term.kind === 'literal' && term.holds));
}

/** A term that holds exactly where the given one does not, given the constraints; undefined where there is no single one. */
function oppositeOf(
  term: Literal | Constraint,
  constraints: readonly Constraint[],
): Literal | Constraint | undefined {
  switch (term.kind) {
    case 'literal':
      return negated(term);
    case 'low':
      return { kind: 'high', value: term.value, isStrict: !term.isStrict };
    case 'high':
      return { kind: 'low', value: term.value, isStrict: !term.isStrict };
    case 'minItems':
      return { kind: 'maxItems', value: term.value - 1 };
    case 'maxItems':
      return { kind: 'minItems', value: term.value + 1 };
    case 'minLength':
      return { kind: 'maxLength', value: term.value - 1 };
    case 'maxLength':
      return { kind: 'minLength', value: term.value + 1 };
    case 'present':
      return { kind: 'absent', key: term.key };
    case 'absent':
      return { kind: 'present', key: term.key };
    case 'member': {
      const isPresent = constraints.some(
        (other) => (other.kind === 'present' || other.kind === 'member') && other.key === term.key,
      );
      return isPresent ? { kind: 'member', key: term.key, literal: negated(term.literal) } : undefined;
    }
    default:
      return undefined;
  }
}
