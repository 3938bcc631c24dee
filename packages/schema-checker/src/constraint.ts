/**
 * The vocabulary of the proof: literals, constraints on values of one type, and choices between them.
 */
import type { Json } from './json.js';
import type { ObjectKeywords, Pattern, SchemaNode } from './schema-node.js';

/** "The value satisfies this schema", or with `holds: false`, "the value does not". */
export interface Literal {
  readonly kind: 'literal';
  readonly node: SchemaNode;
  readonly holds: boolean;
}

export type NumberConstraint =
  | { kind: 'low'; value: number; isStrict: boolean }
  | { kind: 'high'; value: number; isStrict: boolean }
  /** An integer is a multiple of 1. */
  | { kind: 'multiple'; step: number; holds: boolean };

export type StringConstraint =
  | { kind: 'minLength'; value: number }
  | { kind: 'maxLength'; value: number }
  | { kind: 'pattern'; pattern: Pattern; holds: boolean }
  | { kind: 'format'; name: string; holds: boolean };

export type ArrayConstraint =
  | { kind: 'minItems'; value: number }
  | { kind: 'maxItems'; value: number }
  | { kind: 'items'; prefix: readonly SchemaNode[]; rest: SchemaNode | undefined }
  | { kind: 'unique' }
  /** Two items are equal. */
  | { kind: 'duplicate' }
  | { kind: 'atLeast'; node: SchemaNode; count: number }
  | { kind: 'atMost'; node: SchemaNode; count: number }
  /** An item at `index`, or with `isFrom` at `index` or later, satisfies the literal. */
  | { kind: 'item'; index: number; isFrom: boolean; literal: Literal };

/** Keys that match every pattern of `matching`, none of `avoiding`, are not in `except`, and satisfy `literals` as strings. */
export interface KeyClass {
  readonly matching: readonly Pattern[];
  readonly avoiding: readonly Pattern[];
  readonly except: ReadonlySet<string>;
  readonly literals: readonly Literal[];
}

export type ObjectConstraint =
  | { kind: 'members'; keywords: ObjectKeywords }
  | { kind: 'names'; node: SchemaNode }
  | { kind: 'present'; key: string }
  | { kind: 'absent'; key: string }
  | { kind: 'minProperties'; value: number }
  | { kind: 'maxProperties'; value: number }
  /** The key is present and its value satisfies the literal. */
  | { kind: 'member'; key: string; literal: Literal }
  /** Some key of the class is present and its value satisfies the literals. */
  | { kind: 'someMember'; keys: KeyClass; literals: readonly Literal[] };

export type Constraint =
  | NumberConstraint
  | StringConstraint
  | ArrayConstraint
  | ObjectConstraint
  /** The value is one of these. */
  | { kind: 'values'; values: readonly Json[] }
  /** The value is none of these; only scalars, lists and objects are written as constraints on their members. */
  | { kind: 'notValues'; values: readonly Json[] }
  /** Something that the checker cannot express: it may hold or not. `hint` is a guess that may make it hold. */
  | { kind: 'opaque'; why: string; hint: readonly Constraint[] };

/** At least one of the options, each a conjunction. */
export interface Choice {
  readonly kind: 'choice';
  readonly options: readonly (readonly Term[])[];
}

export type Term = Literal | Constraint | Choice;

export type Outcome =
  /** A value of the goal; it has been checked. */
  { kind: 'witness'; value: Json } | { kind: 'empty' } | { kind: 'unknown'; why: string };

export const EMPTY: Outcome = { kind: 'empty' };

export function unknownBecause(why: string): Outcome {
  return { kind: 'unknown', why };
}

export function literal(node: SchemaNode, holds: boolean): Literal {
  return { kind: 'literal', node, holds };
}

export function literalKey(item: Literal): number {
  return item.holds ? item.node.id : -item.node.id;
}

export function negated(item: Literal): Literal {
  return literal(item.node, !item.holds);
}

/** What the solvers of single types may ask of the whole. */
export interface Prover {
  /** A value that satisfies all literals, or the knowledge that there is none. */
  solve(literals: readonly Literal[]): Outcome;
  /** The literal that the value equals, or does not equal, this one. */
  equals(value: Json, holds: boolean): Literal;
  /** A literal on a schema that holds no references. */
  synthetic(schema: Json, holds: boolean): Literal;
  matches(pattern: Pattern, text: string): boolean | undefined;
  /** Whether the value satisfies the literals; undefined where that is not decided. */
  satisfies(literals: readonly Literal[], value: Json): boolean | undefined;
  spend(amount?: number): void;
}
