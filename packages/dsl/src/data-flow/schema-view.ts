/** Looking into schemas, with what was found kept: the same schemas are asked for the same paths again and again. */
import { isJsonObject, type Json, type Path } from '@signalbox/engine';
import { checkSubset, type Reason, type StepBudget, schemaAtPath } from '@signalbox/schema-checker';
import { eitherOf, holdsReference, reasonOf, saysNothing, unknownBecause } from './make-schema.js';
import { fitsPlainly, plainFieldOf } from './plain-schema.js';

type CheckerJson = Parameters<typeof checkSubset>[0];

/** The checker changes nothing; its type of JSON only says less. */
const forChecker = (schema: Json): CheckerJson => schema as CheckerJson;

export type Containment =
  | { readonly verdict: 'compatible' }
  | { readonly verdict: 'incompatible'; readonly reasons: readonly Reason[]; readonly counterexample: Json }
  | { readonly verdict: 'unknown'; readonly why: string };

export interface Seen {
  /** `false`: nothing can be there. */
  readonly schema: Json;
  readonly mayBeAbsent: boolean;
  readonly isDeclared: boolean;
}

const maxStepsOfOne = 50_000;
const maxStepsOfCheck = 250_000;
/** Items are told apart by their place up to here. */
const maxTuple = 64;

const keysOf = (schema: Json): string =>
  typeof schema === 'boolean' ? String(schema) : JSON.stringify(schema);

/** The longest list anywhere in the schema: beyond it all items of a list have the same schema. */
const longestList = (schema: Json): number => {
  if (Array.isArray(schema))
    return schema.reduce<number>((most, item: Json) => Math.max(most, longestList(item)), schema.length);
  if (!isJsonObject(schema)) return 0;
  return Object.values(schema).reduce<number>((most, value) => Math.max(most, longestList(value)), 0);
};

/** What says nothing says why. */
const told = (seen: Seen): Seen => {
  if (!saysNothing(seen.schema) || reasonOf(seen.schema) !== undefined) return seen;
  const why = seen.isDeclared ? 'its schema allows anything there' : 'its schema does not declare it';
  return { ...seen, schema: unknownBecause(why) };
};

const plainlyAt = (schema: Json, path: Path): Seen | undefined => {
  let seen: Seen = { schema, mayBeAbsent: false, isDeclared: true };
  for (const key of path) {
    const field = typeof key === 'string' ? plainFieldOf(seen.schema, key) : undefined;
    if (field === undefined) return undefined;
    const { isRequired, isDeclared } = field;
    seen = { schema: field.schema, mayBeAbsent: seen.mayBeAbsent || !isRequired, isDeclared };
  }
  return seen;
};

export class SchemaView {
  readonly #budget: StepBudget;
  readonly #byObject = new WeakMap<object, Map<string, Seen>>();
  readonly #items = new Map<string, Json>();
  readonly #containments = new Map<string, Containment>();

  constructor(budget: StepBudget) {
    this.#budget = budget;
  }

  /** What stands at the path in the values that the schema describes. Of what is unknown, every part is unknown. */
  at(schema: Json, path: Path): Seen {
    if (path.length === 0 || saysNothing(schema)) {
      const inner =
        path.length === 0 ? schema : unknownBecause(reasonOf(schema) ?? 'its schema does not say');
      return { schema: inner, mayBeAbsent: false, isDeclared: true };
    }
    if (!isJsonObject(schema)) return { schema: false, mayBeAbsent: true, isDeclared: false };
    const known = this.#byObject.get(schema) ?? new Map<string, Seen>();
    this.#byObject.set(schema, known);
    const key = JSON.stringify(path);
    const seen = known.get(key) ?? this.#look(schema, path);
    known.set(key, seen);
    return seen;
  }

  #look(schema: Json, path: Path): Seen {
    const plain = holdsReference(schema) ? undefined : plainlyAt(schema, path);
    if (plain !== undefined) return told(plain);
    const found = schemaAtPath(forChecker(schema), path, { maxSteps: maxStepsOfOne, budget: this.#budget });
    if (!found.known) return { schema: unknownBecause(found.why), mayBeAbsent: false, isDeclared: true };
    // Whether a list has so many items is seldom said in a schema; only fields that may be left out are told.
    const mayBeAbsent = found.mayBeAbsent && !path.some((part) => typeof part === 'number');
    return told({ schema: found.schema, mayBeAbsent, isDeclared: found.isDeclared });
  }

  /** What an item of the list may be, wherever it stands. */
  itemOf(schema: Json): Json {
    if (saysNothing(schema)) return unknownBecause(reasonOf(schema) ?? 'its schema does not say');
    if (isJsonObject(schema) && Array.isArray(schema.const))
      return schema.const.length > 500
        ? unknownBecause('the list is too long')
        : eitherOf(schema.const.map((value: Json) => ({ const: value })));
    const key = keysOf(schema);
    const known = this.#items.get(key) ?? this.#eachItem(schema);
    this.#items.set(key, known);
    return known;
  }

  #eachItem(schema: Json): Json {
    const length = longestList(schema);
    if (length > maxTuple) return unknownBecause('the items of its schema differ too much');
    const items = Array.from({ length: length + 1 }, (_, index) => this.at(schema, [index]).schema);
    return eitherOf(items);
  }

  /** Whether all that `a` allows is allowed by `b`. */
  compare(a: Json, b: Json): Containment {
    if (fitsPlainly(a, b)) return { verdict: 'compatible' };
    const wanted = keysOf(b);
    const given = keysOf(a);
    if (given === wanted) return { verdict: 'compatible' };
    const key = `${given} ${wanted}`;
    const known = this.#containments.get(key) ?? this.#compare(a, b);
    this.#containments.set(key, known);
    return known;
  }

  #compare(a: Json, b: Json): Containment {
    const options = { maxSteps: maxStepsOfCheck, budget: this.#budget };
    const result = checkSubset(forChecker(a), forChecker(b), options);
    if (result.verdict !== 'unknown') return result;
    return { verdict: 'unknown', why: result.reasons[0]?.message ?? 'the schemas are too involved' };
  }

  isWithin(a: Json, b: Json): boolean {
    return this.compare(a, b).verdict === 'compatible';
  }
}
