/**
 * Why values of A fail under B, as reasons an author can act on.
 *
 * Schema B is taken apart into its single demands ("`error_rate` is a number"). Each demand is checked on its own against A,
 * and each that some value of A breaks is a reason, told with that value.
 * 1. A reason other than "undecided" is backed by a value that was evaluated.
 * 2. Explaining shares the check's fuel; when it runs out the reasons found so far are given, and always at least one.
 */
import { literal } from './constraint.js';
import { type Demand, demandsOf, type PathStep } from './demands.js';
import { FuelExhausted } from './fuel.js';
import { isJsonObject, type Json, objectOf, ownKeys, pointerOf } from './json.js';
import { messageOf, type Reason, reasonKindOf } from './reason.js';
import { memberAt } from './schema-at-path.js';
import type { SchemaNode } from './schema-node.js';
import type { SchemaDocument } from './schema-registry.js';
import type { Solver } from './solver.js';

export interface Explained {
  readonly from: SchemaDocument;
  readonly to: SchemaDocument;
  readonly solver: Solver;
  readonly counterexample: Json;
  readonly maxReasons: number;
}

type Path = (string | number)[];

class Explainer {
  readonly reasons: Reason[] = [];
  readonly #subject: Explained;
  readonly #told = new Set<string>();
  readonly #active = new Set<number>();

  constructor(subject: Explained) {
    this.#subject = subject;
  }

  /** `wrap` says of a schema for the value at `steps` the same of the whole value. */
  visit(node: SchemaNode, steps: readonly PathStep[], wrap: (schema: Json) => Json): void {
    this.#active.add(node.id);
    this.#visitDemands(node, steps, wrap);
    this.#active.delete(node.id);
  }

  #visitDemands(node: SchemaNode, steps: readonly PathStep[], wrap: (schema: Json) => Json): void {
    for (const demand of demandsOf(node, this.#subject.to.dialect)) {
      if (this.reasons.length >= this.#subject.maxReasons) return;
      const whole = this.#subject.to.node(wrap(demand.schema));
      const outcome = this.#subject.solver.solve([
        literal(this.#subject.from.root, true),
        literal(whole, false),
      ]);
      if (outcome.kind !== 'witness') continue;
      if (demand.inner === undefined) {
        this.#tell(demand, steps, outcome.value);
        continue;
      }
      const { node: inner, step, around } = demand.inner;
      // What a recursive schema says one level down has been told at the level above.
      if (this.#active.has(inner.id)) continue;
      const countBefore = this.reasons.length;
      const innerSteps = step === undefined ? steps : [...steps, step];
      if (innerSteps.length <= MAX_STEPS) this.visit(inner, innerSteps, (schema) => wrap(around(schema)));
      if (this.reasons.length === countBefore) this.#tell(demand, steps, outcome.value);
    }
  }

  #tell(demand: Demand, steps: readonly PathStep[], whole: Json): void {
    const path = this.#locate(demand, steps, whole);
    const actual = valueAt(whole, path);
    const at = demand.keyword === 'required' ? [...path, String(demand.expected)] : path;
    const isDeclared =
      demand.keyword === 'required' && memberAt(this.#subject.from, this.#subject.solver.fuel, at).isDeclared;
    const extraKey = demand.keyword === 'additionalProperties' ? this.#extraKey(demand, actual) : undefined;
    const reason: Reason = {
      kind: reasonKindOf(demand.keyword, isDeclared),
      path: pointerOf(extraKey === undefined ? path : [...path, extraKey]),
      message: messageOf(demand, actual, isDeclared, extraKey),
      ...(demand.expected === undefined ? {} : { expected: demand.expected }),
      ...(demand.keyword === 'required' || actual === undefined ? {} : { actual }),
    };
    const key = `${reason.path} ${reason.message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.reasons.push(reason);
  }

  /** The place in the value where the demand is broken: for items, the first that breaks it. */
  #locate(demand: Demand, steps: readonly PathStep[], whole: Json): Path {
    const path: Path = [];
    const node = this.#subject.to.node(demand.schema);
    const isBroken = (value: Json, depth: number): boolean => {
      const step = steps[depth];
      if (step === undefined) return this.#breaks(node, value);
      if (step.kind === 'property') {
        const member = isJsonObject(value) && Object.hasOwn(value, step.key) ? value[step.key] : undefined;
        path[depth] = step.key;
        return member !== undefined && isBroken(member, depth + 1);
      }
      if (!Array.isArray(value)) return false;
      return value.some((item, index) => {
        if (index < step.from || (step.isExact && index !== step.from)) return false;
        path[depth] = index;
        return isBroken(item, depth + 1);
      });
    };
    isBroken(whole, 0);
    return path.slice(0, steps.length);
  }

  #breaks(node: SchemaNode, value: Json): boolean {
    return this.#subject.solver.satisfies([literal(node, false)], value) === true;
  }

  #extraKey(demand: Demand, value: Json | undefined): string | undefined {
    if (value === undefined || !isJsonObject(value)) return undefined;
    const node = this.#subject.to.node(demand.schema);
    return ownKeys(value).find((key) => this.#breaks(node, objectOf([[key, value[key] ?? null]])));
  }
}

const MAX_STEPS = 8;

function valueAt(value: Json, path: Path): Json | undefined {
  let at: Json | undefined = value;
  for (const token of path) {
    if (Array.isArray(at)) at = at[Number(token)];
    else at = at !== undefined && isJsonObject(at) && Object.hasOwn(at, token) ? at[token] : undefined;
  }
  return at;
}

/** At least one reason why the schemas are incompatible. */
export function explain(subject: Explained): Reason[] {
  const explainer = new Explainer(subject);
  try {
    explainer.visit(subject.to.root, [], (schema) => schema);
  } catch (error) {
    if (!(error instanceof FuelExhausted || error instanceof RangeError)) throw error;
  }
  if (explainer.reasons.length > 0) return explainer.reasons;
  const whole: Demand = { keyword: 'schema', schema: true, expected: undefined, inner: undefined };
  return [
    {
      kind: 'schema',
      path: '',
      message: messageOf(whole, subject.counterexample, false, undefined),
      actual: subject.counterexample,
    },
  ];
}
