/**
 * Takes a literal apart: what does it say of values of one type?
 *
 * 1. Terms returned for a literal are together equivalent to it, for values of that type, except that "opaque" stands for what
 *    cannot be said. Leaving an opaque term out only makes the goal weaker.
 */
import { type Choice, type Constraint, type Literal, literal, type Term } from './constraint.js';
import { evaluatedNames } from './evaluated-names.js';
import { numberFormat, saysNothingOfStrings } from './formats.js';
import { isJsonObject, type Json, type JsonType, jsonTypeOf, ownKeys } from './json.js';
import { ANYTHING } from './read-keywords.js';
import type {
  ArrayKeywords,
  NumberKeywords,
  ObjectKeywords,
  SchemaKeywords,
  SchemaNode,
} from './schema-node.js';

/** Undefined: no value of the type satisfies the literal. */
export type Expansion = readonly Term[] | undefined;

/** Each entry is one thing a schema demands: how it is kept, and the ways in which it is broken. */
interface Demand {
  kept: readonly Term[];
  broken: readonly (readonly Term[])[];
}

export type EqualityOf = (value: Json, holds: boolean) => Literal;

const NEVER: Demand = { kept: [{ kind: 'choice', options: [] }], broken: [[]] };

/** Numbers of elements and lengths are whole: the smallest and largest counts on each side of a limit. */
const atLeastCount = (limit: number) => Math.max(0, Math.ceil(limit));
const atMostCount = (limit: number) => Math.floor(limit);

export function expand(item: Literal, type: JsonType, equals: EqualityOf): Expansion {
  const keywords = item.node.keywords;
  if (keywords.always !== undefined) return keywords.always === item.holds ? [] : undefined;
  const isExcluded = !allowsType(keywords, type);
  const isOpaque = keywords.problems.length > 0;
  if (isExcluded && !isOpaque) return item.holds ? undefined : [];
  const demands = demandsOf(item.node, keywords, type, equals);
  if (item.holds) return simplified(demands.flatMap((demand) => demand.kept));
  return simplified([{ kind: 'choice', options: demands.flatMap((demand) => demand.broken) }]);
}

function allowsType(keywords: SchemaKeywords, type: JsonType): boolean {
  const types = keywords.types;
  return types === undefined || types.has(type) || (type === 'number' && types.has('integer'));
}

/** Unwraps choices of one option, and finds choices that are always or never possible. */
function simplified(terms: readonly Term[]): Expansion {
  const result: Term[] = [];
  for (const term of terms) {
    if (term.kind !== 'choice') {
      result.push(term);
      continue;
    }
    if (term.options.length === 0) return undefined;
    if (term.options.some((option) => option.length === 0)) continue;
    const [only] = term.options;
    if (term.options.length === 1 && only !== undefined) result.push(...only);
    else result.push(term);
  }
  return result;
}

function demandsOf(node: SchemaNode, keywords: SchemaKeywords, type: JsonType, equals: EqualityOf): Demand[] {
  const demands: Demand[] = [];
  for (const why of keywords.problems) demands.push(opaqueDemand(why, []));
  for (const values of keywords.allowedValues) {
    demands.push(
      valuesDemand(
        values.filter((value) => jsonTypeOf(value) === type),
        equals,
      ),
    );
  }
  if (type === 'number') {
    const isWholeOnly = keywords.types?.has('integer') === true && !keywords.types.has('number');
    demands.push(...numberDemands(keywords.number, isWholeOnly, keywords.format));
  }
  if (type === 'string') demands.push(...stringDemands(keywords));
  if (type === 'array' && keywords.array !== undefined) demands.push(...arrayDemands(keywords.array));
  if (type === 'object' && keywords.object !== undefined)
    demands.push(...objectDemands(keywords.object, node));
  demands.push(...combinedDemands(keywords));
  return demands;
}

function simple(kept: Constraint, broken: Constraint): Demand {
  return { kept: [kept], broken: [[broken]] };
}

function opaqueDemand(why: string, hint: readonly Constraint[]): Demand {
  return { kept: [{ kind: 'opaque', why, hint: [] }], broken: [[{ kind: 'opaque', why, hint }]] };
}

function valuesDemand(values: readonly Json[], equals: EqualityOf): Demand {
  if (values.length === 0) return NEVER;
  const scalars = values.filter((value) => typeof value !== 'object' || value === null);
  const broken: Term[] = scalars.length > 0 ? [{ kind: 'notValues', values: scalars }] : [];
  for (const value of values) {
    if (typeof value === 'object' && value !== null) broken.push(differsFrom(value, equals));
  }
  return { kept: [{ kind: 'values', values }], broken: [broken] };
}

function differsFrom(value: Json, equals: EqualityOf): Choice {
  const options: Term[][] = [];
  if (Array.isArray(value)) {
    options.push([{ kind: 'minItems', value: value.length + 1 }]);
    if (value.length > 0) options.push([{ kind: 'maxItems', value: value.length - 1 }]);
    for (const [index, item] of value.entries()) {
      options.push([{ kind: 'item', index, isFrom: false, literal: equals(item, false) }]);
    }
  } else if (isJsonObject(value)) {
    const keys = ownKeys(value);
    for (const key of keys) {
      options.push([{ kind: 'absent', key }]);
      options.push([{ kind: 'member', key, literal: equals(value[key] ?? null, false) }]);
    }
    const others = { matching: [], avoiding: [], except: new Set(keys), literals: [] };
    options.push([{ kind: 'someMember', keys: others, literals: [] }]);
  }
  return { kind: 'choice', options };
}

function numberDemands(
  keywords: NumberKeywords | undefined,
  isWholeOnly: boolean,
  format: string | undefined,
): Demand[] {
  const demands: Demand[] = [];
  const low = (value: number, isStrict: boolean) =>
    simple({ kind: 'low', value, isStrict }, { kind: 'high', value, isStrict: !isStrict });
  const high = (value: number, isStrict: boolean) =>
    simple({ kind: 'high', value, isStrict }, { kind: 'low', value, isStrict: !isStrict });
  const multiple = (step: number) =>
    simple({ kind: 'multiple', step, holds: true }, { kind: 'multiple', step, holds: false });
  if (isWholeOnly) demands.push(multiple(1));
  const bounds = format === undefined ? undefined : numberFormat(format);
  if (bounds !== undefined) {
    demands.push(multiple(1));
    if (Number.isFinite(bounds.low)) demands.push(low(bounds.low, false), high(bounds.high, false));
  }
  if (keywords === undefined) return demands;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywords;
  if (minimum !== undefined) demands.push(low(minimum, false));
  if (maximum !== undefined) demands.push(high(maximum, false));
  if (exclusiveMinimum !== undefined) demands.push(low(exclusiveMinimum, true));
  if (exclusiveMaximum !== undefined) demands.push(high(exclusiveMaximum, true));
  if (multipleOf !== undefined) demands.push(multiple(multipleOf));
  return demands;
}

/** "Not less than `limit`" as kept and broken bounds on a count; a bound below zero cannot be kept. */
function countDemands(
  least: number | undefined,
  most: number | undefined,
  min: (value: number) => Constraint,
  max: (value: number) => Constraint,
): Demand[] {
  const demands: Demand[] = [];
  if (least !== undefined && least > 0) {
    demands.push(simple(min(atLeastCount(least)), max(Math.ceil(least) - 1)));
  }
  if (most !== undefined) {
    demands.push(simple(max(atMostCount(most)), min(Math.max(0, Math.floor(most) + 1))));
  }
  return demands;
}

function stringDemands(keywords: SchemaKeywords): Demand[] {
  const demands = countDemands(
    keywords.string?.minLength,
    keywords.string?.maxLength,
    (value) => ({ kind: 'minLength', value }),
    (value) => ({ kind: 'maxLength', value }),
  );
  const pattern = keywords.string?.pattern;
  if (pattern !== undefined) {
    demands.push(
      simple({ kind: 'pattern', pattern, holds: true }, { kind: 'pattern', pattern, holds: false }),
    );
  }
  const name = keywords.format;
  if (name !== undefined && !saysNothingOfStrings(name)) {
    demands.push(simple({ kind: 'format', name, holds: true }, { kind: 'format', name, holds: false }));
  }
  return demands;
}

function arrayDemands(keywords: ArrayKeywords): Demand[] {
  const demands = countDemands(
    keywords.minItems,
    keywords.maxItems,
    (value) => ({ kind: 'minItems', value }),
    (value) => ({ kind: 'maxItems', value }),
  );
  if (keywords.uniqueItems) demands.push(simple({ kind: 'unique' }, { kind: 'duplicate' }));
  const { prefix, rest } = keywords;
  if (prefix.length > 0 || rest !== undefined) {
    const broken: Term[][] = prefix.map((node, index) => [
      { kind: 'item', index, isFrom: false, literal: literal(node, false) },
    ]);
    if (rest !== undefined) {
      broken.push([{ kind: 'item', index: prefix.length, isFrom: true, literal: literal(rest, false) }]);
    }
    demands.push({ kept: [{ kind: 'items', prefix, rest }], broken });
  }
  if (keywords.contains !== undefined) {
    const { node, min, max } = keywords.contains;
    const atLeast = (count: number): Constraint => ({ kind: 'atLeast', node, count });
    const atMost = (count: number): Constraint => ({ kind: 'atMost', node, count });
    demands.push(...countDemands(min, max, atLeast, atMost));
  }
  if (keywords.unevaluated !== undefined) {
    const extra: Constraint = {
      kind: 'item',
      index: prefix.length,
      isFrom: true,
      literal: literal(keywords.unevaluated, false),
    };
    demands.push(opaqueDemand('`unevaluatedItems` is only checked on values', [extra]));
  }
  return demands;
}

function objectDemands(keywords: ObjectKeywords, node: SchemaNode): Demand[] {
  const demands: Demand[] = keywords.required.map((key) =>
    simple({ kind: 'present', key }, { kind: 'absent', key }),
  );
  demands.push(
    ...countDemands(
      keywords.minProperties,
      keywords.maxProperties,
      (value) => ({ kind: 'minProperties', value }),
      (value) => ({ kind: 'maxProperties', value }),
    ),
  );
  for (const [key, names] of keywords.dependentRequired) {
    const all: Term[] = [key, ...names].map((name) => ({ kind: 'present', key: name }));
    demands.push({
      kept: [{ kind: 'choice', options: [[{ kind: 'absent', key }], all] }],
      broken: names.map((name) => [
        { kind: 'present', key },
        { kind: 'absent', key: name },
      ]),
    });
  }
  for (const [key, dependency] of keywords.dependentSchemas) {
    const kept: Term[] = [{ kind: 'present', key }, literal(dependency, true)];
    const broken: Term[] = [{ kind: 'present', key }, literal(dependency, false)];
    demands.push({
      kept: [{ kind: 'choice', options: [[{ kind: 'absent', key }], kept] }],
      broken: [broken],
    });
  }
  demands.push(...memberDemands(keywords));
  if (keywords.unevaluated !== undefined) demands.push(...unevaluatedDemands(node, keywords.unevaluated));
  return demands;
}

/**
 * Where it is known by name what the schema may evaluate, every other property falls to `unevaluatedProperties`.
 * Where some of the names are evaluated only at times, that is not all that the keyword says.
 */
function unevaluatedDemands(node: SchemaNode, unevaluated: SchemaNode): Demand[] {
  const evaluated = evaluatedNames(node);
  const keys = { matching: [], avoiding: [], except: evaluated.names, literals: [] };
  const extra: Constraint = { kind: 'someMember', keys, literals: [literal(unevaluated, false)] };
  const demands: Demand[] = [];
  if (evaluated.isComplete)
    demands.push({ kept: [membersBeside(evaluated.names, unevaluated)], broken: [[extra]] });
  if (!evaluated.isCertain) {
    demands.push(opaqueDemand('`unevaluatedProperties` is only checked on values', [extra]));
  }
  return demands;
}

function membersBeside(names: ReadonlySet<string>, additional: SchemaNode): Constraint {
  const keywords: ObjectKeywords = {
    properties: new Map([...names].map((name) => [name, ANYTHING])),
    patterns: [],
    additional,
    names: undefined,
    required: [],
    minProperties: undefined,
    maxProperties: undefined,
    dependentRequired: new Map(),
    dependentSchemas: new Map(),
    unevaluated: undefined,
  };
  return { kind: 'members', keywords };
}

function memberDemands(keywords: ObjectKeywords): Demand[] {
  const demands: Demand[] = [];
  const broken: Term[][] = [];
  for (const [key, node] of keywords.properties) {
    broken.push([{ kind: 'member', key, literal: literal(node, false) }]);
  }
  const nothing: ReadonlySet<string> = new Set();
  for (const { pattern, node } of keywords.patterns) {
    const keys = { matching: [pattern], avoiding: [], except: nothing, literals: [] };
    broken.push([{ kind: 'someMember', keys, literals: [literal(node, false)] }]);
  }
  if (keywords.additional !== undefined) {
    const keys = {
      matching: [],
      avoiding: keywords.patterns.map((entry) => entry.pattern),
      except: new Set(keywords.properties.keys()),
      literals: [],
    };
    broken.push([{ kind: 'someMember', keys, literals: [literal(keywords.additional, false)] }]);
  }
  if (broken.length > 0) demands.push({ kept: [{ kind: 'members', keywords }], broken });
  if (keywords.names !== undefined) {
    const keys = { matching: [], avoiding: [], except: nothing, literals: [literal(keywords.names, false)] };
    demands.push({
      kept: [{ kind: 'names', node: keywords.names }],
      broken: [[{ kind: 'someMember', keys, literals: [] }]],
    });
  }
  return demands;
}

function combinedDemands(keywords: SchemaKeywords): Demand[] {
  const demands: Demand[] = [];
  for (const part of [...(keywords.reference === undefined ? [] : [keywords.reference]), ...keywords.allOf]) {
    demands.push({ kept: [literal(part, true)], broken: [[literal(part, false)]] });
  }
  if (keywords.anyOf !== undefined) {
    const parts = keywords.anyOf;
    demands.push({
      kept: [{ kind: 'choice', options: parts.map((part) => [literal(part, true)]) }],
      broken: [parts.map((part) => literal(part, false))],
    });
  }
  if (keywords.oneOf !== undefined) demands.push(exactlyOne(keywords.oneOf));
  if (keywords.not !== undefined) {
    demands.push({ kept: [literal(keywords.not, false)], broken: [[literal(keywords.not, true)]] });
  }
  if (keywords.condition !== undefined) {
    const { test, whenTrue, whenFalse } = keywords.condition;
    const branch = (holds: boolean, isKept: boolean): Term[][] => {
      const node = holds ? whenTrue : whenFalse;
      if (node === undefined) return isKept ? [[literal(test, holds)]] : [];
      return [[literal(test, holds), literal(node, isKept)]];
    };
    demands.push({
      kept: [{ kind: 'choice', options: [...branch(true, true), ...branch(false, true)] }],
      broken: [...branch(true, false), ...branch(false, false)],
    });
  }
  return demands;
}

function exactlyOne(parts: readonly SchemaNode[]): Demand {
  const kept = parts.map((chosen, index) =>
    parts.map((part, other) => literal(part, part === chosen && other === index)),
  );
  const broken: Literal[][] = [parts.map((part) => literal(part, false))];
  for (const [i, first] of parts.entries()) {
    for (const second of parts.slice(i + 1)) broken.push([literal(first, true), literal(second, true)]);
  }
  return { kept: [{ kind: 'choice', options: kept }], broken };
}
