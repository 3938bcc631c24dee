/**
 * A schema read once: every keyword checked and named, sub-schemas as nodes.
 *
 * 1. Two nodes with the same `id` accept exactly the same values.
 * 2. `problems` names what could not be read. A node with problems may accept anything or nothing; only what stands in the
 *    other fields is known to hold as well.
 */
import type { Dialect } from './dialect.js';
import type { Json, JsonType } from './json.js';
import type { Language } from './regex/language.js';

/** A pattern and its language, where that is regular. */
export interface Pattern {
  readonly source: string;
  readonly language: Language | undefined;
}

export interface ArrayKeywords {
  readonly prefix: readonly SchemaNode[];
  readonly rest: SchemaNode | undefined;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly uniqueItems: boolean;
  readonly contains: { node: SchemaNode; min: number; max: number | undefined } | undefined;
  readonly unevaluated: SchemaNode | undefined;
}

export interface ObjectKeywords {
  readonly properties: ReadonlyMap<string, SchemaNode>;
  readonly patterns: readonly { pattern: Pattern; node: SchemaNode }[];
  readonly additional: SchemaNode | undefined;
  readonly names: SchemaNode | undefined;
  readonly required: readonly string[];
  readonly minProperties: number | undefined;
  readonly maxProperties: number | undefined;
  readonly dependentRequired: ReadonlyMap<string, readonly string[]>;
  readonly dependentSchemas: ReadonlyMap<string, SchemaNode>;
  readonly unevaluated: SchemaNode | undefined;
}

export interface NumberKeywords {
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
  readonly multipleOf: number | undefined;
}

export interface StringKeywords {
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly pattern: Pattern | undefined;
}

/** Types allowed; `integer` is the whole numbers where `number` is not allowed altogether. */
export type TypeSet = ReadonlySet<JsonType | 'integer'>;

/** One schema with its keywords. `undefined` means that the keyword is absent. */
export interface SchemaKeywords {
  /** A boolean schema. */
  readonly always: boolean | undefined;
  readonly problems: readonly string[];
  readonly types: TypeSet | undefined;
  /** `enum`, or `const` as a list of one; both, as two lists. */
  readonly allowedValues: readonly (readonly Json[])[];
  readonly format: string | undefined;
  readonly number: NumberKeywords | undefined;
  readonly string: StringKeywords | undefined;
  readonly array: ArrayKeywords | undefined;
  readonly object: ObjectKeywords | undefined;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[] | undefined;
  readonly oneOf: readonly SchemaNode[] | undefined;
  readonly not: SchemaNode | undefined;
  readonly condition:
    | { test: SchemaNode; whenTrue: SchemaNode | undefined; whenFalse: SchemaNode | undefined }
    | undefined;
  readonly reference: SchemaNode | undefined;
}

export interface SchemaNode {
  readonly id: number;
  readonly schema: Json;
  readonly keywords: SchemaKeywords;
}

/** Where a schema's sub-schemas, references and patterns are looked up. */
export interface SchemaSource {
  readonly dialect: Dialect;
  node(schema: Json): SchemaNode;
  /** The schema a reference points at, or undefined: it points outside the document or at nothing. */
  resolve(reference: string): SchemaNode | undefined;
  pattern(source: string): Pattern;
}
