/**
 * Reads the keywords of one schema. What is malformed or not supported becomes a problem of the node and is otherwise left out.
 *
 * Semantics are those of ajv 8 with ajv-formats, since that is what validates at run time: keywords beside `$ref` apply also in
 * draft-07, `format` is an assertion, `nullable: true` beside `type` adds null, `dependencies` works in both dialects.
 */
import { isJsonObject, type Json, type JsonObject, type JsonType, ownKeys, ownValue } from './json.js';
import type {
  ArrayKeywords,
  NumberKeywords,
  ObjectKeywords,
  SchemaKeywords,
  SchemaNode,
  SchemaSource,
  StringKeywords,
  TypeSet,
} from './schema-node.js';

const TYPE_NAMES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'number',
  'integer',
  'string',
  'array',
  'object',
]);

const UNSUPPORTED = ['$dynamicRef', '$recursiveRef', '$data'];

const NOTHING: SchemaKeywords = {
  always: undefined,
  problems: [],
  types: undefined,
  allowedValues: [],
  format: undefined,
  number: undefined,
  string: undefined,
  array: undefined,
  object: undefined,
  allOf: [],
  anyOf: undefined,
  oneOf: undefined,
  not: undefined,
  condition: undefined,
  reference: undefined,
};

/** The schema `true`, for use outside of any document; the registry never gives its id to another node. */
export const ANYTHING: SchemaNode = {
  id: Number.MAX_SAFE_INTEGER,
  schema: true,
  keywords: { ...NOTHING, always: true },
};

export function readKeywords(schema: Json, source: SchemaSource): SchemaKeywords {
  if (typeof schema === 'boolean') return { ...NOTHING, always: schema };
  if (!isJsonObject(schema)) return { ...NOTHING, problems: ['a schema must be an object or a boolean'] };
  return new KeywordReader(schema, source).read();
}

class KeywordReader {
  readonly #schema: JsonObject;
  readonly #source: SchemaSource;
  readonly #problems: string[] = [];

  constructor(schema: JsonObject, source: SchemaSource) {
    this.#schema = schema;
    this.#source = source;
  }

  read(): SchemaKeywords {
    for (const keyword of UNSUPPORTED) {
      if (this.#value(keyword) !== undefined) this.#problems.push(`\`${keyword}\` is not supported`);
    }
    return {
      always: undefined,
      problems: this.#problems,
      types: this.#types(),
      allowedValues: this.#allowedValues(),
      format: this.#text('format'),
      number: this.#number(),
      string: this.#string(),
      array: this.#array(),
      object: this.#object(),
      allOf: this.#nodes('allOf') ?? [],
      anyOf: this.#nodes('anyOf'),
      oneOf: this.#nodes('oneOf'),
      not: this.#node('not'),
      condition: this.#condition(),
      reference: this.#reference(),
    };
  }

  #value(keyword: string): Json | undefined {
    return ownValue(this.#schema, keyword);
  }

  #has(...keywords: string[]): boolean {
    return keywords.some((keyword) => this.#value(keyword) !== undefined);
  }

  #malformed(keyword: string, expected: string): undefined {
    this.#problems.push(`\`${keyword}\` must be ${expected}`);
    return undefined;
  }

  #types(): TypeSet | undefined {
    const value = this.#value('type');
    const isNullable = this.#value('nullable');
    if (value === undefined) {
      if (isNullable !== undefined) this.#malformed('nullable', 'used beside `type`');
      return undefined;
    }
    const names = Array.isArray(value) ? value : [value];
    const types = new Set<JsonType | 'integer'>();
    for (const name of names) {
      if (typeof name !== 'string' || !TYPE_NAMES.has(name))
        return this.#malformed('type', 'a type name or a list');
      types.add(name as JsonType | 'integer');
    }
    if (isNullable === true) types.add('null');
    if (isNullable === false && types.has('null')) this.#malformed('nullable', 'true where `type` has null');
    return types;
  }

  #allowedValues(): Json[][] {
    const lists: Json[][] = [];
    const values = this.#value('enum');
    if (Array.isArray(values)) lists.push(values);
    else if (values !== undefined) this.#malformed('enum', 'a list');
    const constant = this.#value('const');
    if (constant !== undefined) lists.push([constant]);
    return lists;
  }

  #text(keyword: string): string | undefined {
    const value = this.#value(keyword);
    if (value === undefined || typeof value === 'string') return value;
    return this.#malformed(keyword, 'a string');
  }

  #amount(keyword: string): number | undefined {
    const value = this.#value(keyword);
    if (value === undefined || typeof value === 'number') return value;
    return this.#malformed(keyword, 'a number');
  }

  #node(keyword: string): SchemaNode | undefined {
    const value = this.#value(keyword);
    return value === undefined ? undefined : this.#source.node(value);
  }

  #nodes(keyword: string): SchemaNode[] | undefined {
    const value = this.#value(keyword);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.#malformed(keyword, 'a list of schemas');
    return value.map((item) => this.#source.node(item));
  }

  #nodeMap(keyword: string): Map<string, SchemaNode> {
    const value = this.#value(keyword);
    if (value === undefined) return new Map();
    if (!isJsonObject(value)) {
      this.#malformed(keyword, 'an object of schemas');
      return new Map();
    }
    return new Map(ownKeys(value).map((key) => [key, this.#source.node(value[key] ?? null)]));
  }

  #names(keyword: string, value: Json | undefined): string[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) {
      const names = value.filter((item): item is string => typeof item === 'string');
      if (names.length === value.length) return names;
    }
    this.#malformed(keyword, 'a list of property names');
    return [];
  }

  #number(): NumberKeywords | undefined {
    if (!this.#has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'))
      return undefined;
    let multipleOf = this.#amount('multipleOf');
    if (multipleOf !== undefined && multipleOf <= 0)
      multipleOf = this.#malformed('multipleOf', 'more than 0');
    return {
      minimum: this.#amount('minimum'),
      maximum: this.#amount('maximum'),
      exclusiveMinimum: this.#amount('exclusiveMinimum'),
      exclusiveMaximum: this.#amount('exclusiveMaximum'),
      multipleOf,
    };
  }

  #string(): StringKeywords | undefined {
    if (!this.#has('minLength', 'maxLength', 'pattern')) return undefined;
    const source = this.#text('pattern');
    return {
      minLength: this.#amount('minLength'),
      maxLength: this.#amount('maxLength'),
      pattern: source === undefined ? undefined : this.#source.pattern(source),
    };
  }

  #array(): ArrayKeywords | undefined {
    const is2020 = this.#source.dialect === '2020-12';
    if (
      !this.#has(
        'items',
        'prefixItems',
        'minItems',
        'maxItems',
        'uniqueItems',
        'contains',
        'unevaluatedItems',
      )
    ) {
      return undefined;
    }
    const items = this.#value('items');
    let prefix: SchemaNode[] = [];
    let rest: SchemaNode | undefined;
    if (is2020) {
      prefix = this.#nodes('prefixItems') ?? [];
      rest = Array.isArray(items) ? this.#malformed('items', 'one schema in 2020-12') : this.#node('items');
    } else if (Array.isArray(items)) {
      prefix = this.#nodes('items') ?? [];
      rest = this.#node('additionalItems');
    } else {
      rest = this.#node('items');
    }
    const unique = this.#value('uniqueItems');
    if (unique !== undefined && typeof unique !== 'boolean') this.#malformed('uniqueItems', 'a boolean');
    return {
      prefix,
      rest,
      minItems: this.#amount('minItems'),
      maxItems: this.#amount('maxItems'),
      uniqueItems: unique === true,
      contains: this.#contains(is2020),
      unevaluated: is2020 ? this.#node('unevaluatedItems') : undefined,
    };
  }

  #contains(is2020: boolean): ArrayKeywords['contains'] {
    const node = this.#node('contains');
    if (node === undefined) return undefined;
    const min = is2020 ? this.#amount('minContains') : undefined;
    const max = is2020 ? this.#amount('maxContains') : undefined;
    return { node, min: min ?? 1, max };
  }

  #object(): ObjectKeywords | undefined {
    const is2020 = this.#source.dialect === '2020-12';
    const dependentRequired = new Map<string, readonly string[]>();
    const dependentSchemas = is2020 ? this.#nodeMap('dependentSchemas') : new Map<string, SchemaNode>();
    if (is2020) this.#readDependencies('dependentRequired', dependentRequired, undefined);
    this.#readDependencies('dependencies', dependentRequired, dependentSchemas);
    const unevaluated = is2020 ? this.#node('unevaluatedProperties') : undefined;
    const isSilent =
      !this.#has('properties', 'patternProperties', 'additionalProperties', 'propertyNames', 'required') &&
      !this.#has('minProperties', 'maxProperties') &&
      dependentRequired.size + dependentSchemas.size === 0 &&
      unevaluated === undefined;
    if (isSilent) return undefined;
    return {
      properties: this.#nodeMap('properties'),
      patterns: [...this.#nodeMap('patternProperties')].map(([source, node]) => ({
        pattern: this.#source.pattern(source),
        node,
      })),
      additional: this.#node('additionalProperties'),
      names: this.#node('propertyNames'),
      required: this.#names('required', this.#value('required')),
      minProperties: this.#amount('minProperties'),
      maxProperties: this.#amount('maxProperties'),
      dependentRequired,
      dependentSchemas,
      unevaluated,
    };
  }

  #readDependencies(
    keyword: string,
    required: Map<string, readonly string[]>,
    schemas: Map<string, SchemaNode> | undefined,
  ): void {
    const value = this.#value(keyword);
    if (value === undefined) return;
    if (!isJsonObject(value)) {
      this.#malformed(keyword, 'an object');
      return;
    }
    for (const key of ownKeys(value)) {
      const dependency = value[key] ?? null;
      if (Array.isArray(dependency)) {
        required.set(key, [...(required.get(key) ?? []), ...this.#names(keyword, dependency)]);
      } else if (schemas === undefined) {
        this.#malformed(keyword, 'an object of lists');
      } else if (schemas.has(key)) {
        this.#malformed(keyword, 'free of what `dependentSchemas` says already');
      } else {
        schemas.set(key, this.#source.node(dependency));
      }
    }
  }

  #condition(): SchemaKeywords['condition'] {
    const test = this.#node('if');
    const whenTrue = this.#node('then');
    const whenFalse = this.#node('else');
    if (test === undefined || (whenTrue === undefined && whenFalse === undefined)) return undefined;
    return { test, whenTrue, whenFalse };
  }

  #reference(): SchemaNode | undefined {
    const reference = this.#text('$ref');
    if (reference === undefined) return undefined;
    const target = this.#source.resolve(reference);
    if (target === undefined)
      this.#problems.push(`\`$ref\` ${JSON.stringify(reference)} is not found in this schema`);
    return target;
  }
}
