/**
 * Reasons as the author reads them: a kind to act on, a place, and one sentence.
 */
import type { Demand } from './demands.js';
import { isJsonObject, type Json, jsonTypeOf } from './json.js';

export type ReasonKind =
  | 'type'
  /** B requires a property that A never declares. */
  | 'missing_property'
  /** B requires a property that A declares without requiring it. */
  | 'optional_property'
  | 'extra_property'
  | 'enum'
  | 'range'
  | 'multiple'
  | 'length'
  | 'pattern'
  | 'format'
  | 'item_count'
  | 'unique_items'
  | 'contains'
  | 'property_count'
  | 'property_name'
  | 'dependency'
  /** `anyOf`, `oneOf`, `not`, `if`: no single demand can be named. */
  | 'alternatives'
  | 'schema'
  /** Not a failure: why the checker could not tell. */
  | 'undecided';

export interface Reason {
  readonly kind: ReasonKind;
  /** JSON pointer into the value; for a missing property, of the object that lacks it. */
  readonly path: string;
  readonly message: string;
  /** What B demands: a type, a limit, the name of the required property, … */
  readonly expected?: Json;
  /** A value that A allows at this place and B does not. */
  readonly actual?: Json;
}

const KINDS: Readonly<Record<string, ReasonKind>> = {
  type: 'type',
  enum: 'enum',
  const: 'enum',
  minimum: 'range',
  maximum: 'range',
  exclusiveMinimum: 'range',
  exclusiveMaximum: 'range',
  multipleOf: 'multiple',
  minLength: 'length',
  maxLength: 'length',
  pattern: 'pattern',
  format: 'format',
  minItems: 'item_count',
  maxItems: 'item_count',
  uniqueItems: 'unique_items',
  contains: 'contains',
  minProperties: 'property_count',
  maxProperties: 'property_count',
  propertyNames: 'property_name',
  additionalProperties: 'extra_property',
  unevaluatedProperties: 'extra_property',
  dependencies: 'dependency',
  anyOf: 'alternatives',
  oneOf: 'alternatives',
  not: 'alternatives',
  if: 'alternatives',
};

export function reasonKindOf(keyword: string, isDeclared: boolean): ReasonKind {
  if (keyword === 'required') return isDeclared ? 'optional_property' : 'missing_property';
  return (Object.hasOwn(KINDS, keyword) ? KINDS[keyword] : undefined) ?? 'schema';
}

const MAX_SHOWN = 80;

function shown(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}…`;
}

function typeName(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  const type = jsonTypeOf(value);
  if (type === 'null') return 'null';
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

function listed(expected: Json | undefined): string {
  return Array.isArray(expected) ? expected.map((item) => String(item)).join(' or ') : String(expected);
}

function requirementOf(keyword: string, expected: Json | undefined): string | undefined {
  switch (keyword) {
    case 'enum':
      return `one of ${shown(expected)} is required`;
    case 'const':
      return `${shown(expected)} is required`;
    case 'minimum':
      return `at least ${shown(expected)} is required`;
    case 'maximum':
      return `at most ${shown(expected)} is allowed`;
    case 'exclusiveMinimum':
      return `more than ${shown(expected)} is required`;
    case 'exclusiveMaximum':
      return `less than ${shown(expected)} is required`;
    case 'multipleOf':
      return `a multiple of ${shown(expected)} is required`;
    case 'minLength':
      return `at least ${shown(expected)} characters are required`;
    case 'maxLength':
      return `at most ${shown(expected)} characters are allowed`;
    case 'pattern':
      return `a match of the pattern ${shown(expected)} is required`;
    case 'format':
      return `the format ${shown(expected)} is required`;
    case 'minItems':
      return `at least ${shown(expected)} items are required`;
    case 'maxItems':
      return `at most ${shown(expected)} items are allowed`;
    case 'uniqueItems':
      return 'the items must all be different';
    case 'contains':
      return 'it must contain certain items';
    case 'minProperties':
      return `at least ${shown(expected)} properties are required`;
    case 'maxProperties':
      return `at most ${shown(expected)} properties are allowed`;
    case 'propertyNames':
      return 'a property name is not allowed';
    case 'dependencies':
      return `${shown(expected)} asks for more when it is present`;
    case 'anyOf':
      return 'none of the allowed alternatives (`anyOf`) takes it';
    case 'oneOf':
      return 'it must fit exactly one alternative (`oneOf`)';
    case 'not':
      return 'it is excluded (`not`)';
    case 'if':
      return 'the condition (`if`) asks for more';
    default:
      return undefined;
  }
}

/** One sentence about what A allows and B refuses. */
export function messageOf(
  demand: Pick<Demand, 'keyword' | 'expected'>,
  actual: Json | undefined,
  isDeclared: boolean,
  extraKey: string | undefined,
): string {
  const { keyword, expected } = demand;
  if (keyword === 'type') {
    const isFraction = typeof actual === 'number' && expected === 'integer';
    return `may be ${isFraction ? `the number ${shown(actual)}` : typeName(actual)}, but ${listed(expected)} is required`;
  }
  if (keyword === 'required') {
    return isDeclared
      ? `required property \`${String(expected)}\` may be missing: it is declared, but not required`
      : `required property \`${String(expected)}\` may be missing: it is not declared`;
  }
  if (extraKey !== undefined) {
    const member = actual !== undefined && isJsonObject(actual) ? actual[extraKey] : undefined;
    return expected === false
      ? `property \`${extraKey}\` may be present, but no such property is allowed`
      : `property \`${extraKey}\` may be ${shown(member)}, which other properties may not be`;
  }
  const requirement = requirementOf(keyword, expected) ?? 'that is not allowed';
  return `may be ${shown(actual)}, but ${requirement}`;
}

export function undecided(why: string): Reason {
  return { kind: 'undecided', path: '', message: why };
}
