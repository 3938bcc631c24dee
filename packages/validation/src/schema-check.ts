/**
 * Checks values against the JSON Schemas of authors: draft-07 and 2020-12.
 *
 * 1. A compiled schema is kept: the text of a schema is compiled once while it is among the `maxCompiled` used last.
 * 2. Schemas come from users: whether one can be used is a count of its work (`schema-work.ts`), never of time. What ends
 *    compiling (`maxCompileMs`) and checking (`maxCheckMs`) all the same is a last resort. Both hold the caller's thread up
 *    for as long: a process that must not stand still asks `openChecks`.
 * 3. A schema refers to nothing outside of itself; nothing is ever fetched.
 * 4. Patterns are matched in linear time, by the automata that the schema checker reasons with; a pattern that they
 *    cannot express makes the schema unusable. `enum` and `uniqueItems` cost what their texts cost.
 */
import type { SchemaProblem } from '@signalbox/dsl';
import { isJsonObject, type Json, type JsonObject } from '@signalbox/engine';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { boundedCall } from './bounded-call.js';
import { addLinearKeywords } from './linear-keywords.js';
import { findPatternProblem, linearRegExp } from './patterns.js';
import { schemaTooLarge } from './schema-work.js';

export type SchemaVerdict =
  | { readonly kind: 'valid' }
  /** One text for each violation, each naming the place as a JSON pointer. */
  | { readonly kind: 'violated'; readonly violations: readonly string[] }
  /** The schema itself cannot be used. */
  | { readonly kind: 'unusable'; readonly reason: string };

export interface SchemaCheckOptions {
  readonly maxCompiled?: number;
  readonly maxCheckMs?: number;
  readonly maxCompileMs?: number;
}

export interface SchemaCheck {
  check(schema: Json, value: Json): SchemaVerdict;
  /** The same as texts alone: empty where the value is valid; why where the schema cannot be used. */
  violations(schema: Json, value: Json): readonly string[];
  /** Why the schema itself cannot be used; undefined when it can. */
  problemOf(schema: Json): SchemaProblem | undefined;
}

type Compiled =
  | {
      readonly ok: true;
      readonly validate: ValidateFunction;
      readonly needsBound: boolean;
      /** Makes the compiler forget it. */
      readonly release: () => void;
    }
  | { readonly ok: false; readonly reason: string };

const maxShownViolations = 5;

const ajvOptions: Options = {
  // Annotations of other tools are no errors.
  strict: false,
  allErrors: true,
  // Two agents may use the same `$id`.
  addUsedSchema: false,
  logger: false,
  // Else a definition is compiled anew at each place that refers to it.
  inlineRefs: false,
  code: { regExp: linearRegExp },
};

export const createSchemaCheck = (options: SchemaCheckOptions = {}): SchemaCheck => {
  const { maxCompiled = 500, maxCheckMs = 250, maxCompileMs = 240_000 } = options;
  const compile = createCompile(maxCompileMs);
  const cache = new Map<string, Compiled>();
  const compileCached = (schema: Json): Compiled => {
    const key = JSON.stringify(schema);
    const compiled = cache.get(key) ?? compile(schema, key);
    cache.delete(key);
    cache.set(key, compiled);
    for (const [oldest, dropped] of cache) {
      if (cache.size <= maxCompiled) break;
      cache.delete(oldest);
      if (dropped.ok) dropped.release();
    }
    return compiled;
  };

  const check = (schema: Json, value: Json): SchemaVerdict => {
    const compiled = compileCached(schema);
    if (!compiled.ok) return { kind: 'unusable', reason: compiled.reason };
    const { validate, needsBound } = compiled;
    if (!needsBound) return validate(value) ? { kind: 'valid' } : violated(validate.errors);
    const result = boundedCall(() => validate(value), maxCheckMs);
    switch (result.kind) {
      case 'returned':
        return result.value ? { kind: 'valid' } : violated(validate.errors);
      case 'too_long':
        return { kind: 'unusable', reason: `the check did not end within ${maxCheckMs} ms` };
      case 'threw':
        return { kind: 'unusable', reason: textOf(result.error) };
    }
  };

  return {
    check,
    violations: (schema, value) => {
      const verdict = check(schema, value);
      if (verdict.kind === 'violated') return verdict.violations;
      return verdict.kind === 'valid' ? [] : [`the schema cannot be used: ${verdict.reason}`];
    },
    problemOf: (schema) => {
      const tooLarge = schemaTooLarge(schema);
      if (tooLarge !== undefined) return tooLarge;
      const compiled = compileCached(schema);
      // Looked for even so: ajv leaves out what cannot change its verdict.
      return findPatternProblem(schema) ?? (compiled.ok ? undefined : { message: compiled.reason });
    },
  };
};

/** What may take long for its length: everything else is linear in schema and value. Errs on the safe side. */
const mayTakeLong = /"(?:pattern|patternProperties|format|uniqueItems|\$ref|\$dynamicRef|\$recursiveRef)"/;

const createCompile = (maxMs: number) => {
  let dialects = newDialects();
  return (schema: Json, key: string): Compiled => {
    if (typeof schema !== 'boolean' && !isJsonObject(schema)) {
      return { ok: false, reason: 'a schema is an object, true or false' };
    }
    const tooLarge = schemaTooLarge(schema);
    if (tooLarge !== undefined) return { ok: false, reason: tooLarge.message };
    const result = boundedCall(() => compileBySchema(schema, dialects), maxMs);
    if (result.kind === 'returned') return { ok: true, needsBound: mayTakeLong.test(key), ...result.value };
    // Ended midway, a compiler may be left with half a schema.
    dialects = newDialects();
    return {
      ok: false,
      reason:
        result.kind === 'threw'
          ? compileProblem(result.error)
          : `it could not be compiled within ${maxMs} ms`,
    };
  };
};

interface Dialects {
  readonly draft07: Ajv;
  readonly draft2020: Ajv;
}

const newDialects = (): Dialects => ({
  draft07: addLinearKeywords(addFormats.default(new Ajv(ajvOptions))),
  draft2020: addLinearKeywords(addFormats.default(new Ajv2020(ajvOptions))),
});

/** `$schema` decides the dialect; without one it is 2020-12, and draft-07 for what only that knows (tuples in `items`). */
const compileBySchema = (schema: boolean | JsonObject, { draft07, draft2020 }: Dialects) => {
  const dialect = typeof schema === 'boolean' ? undefined : schema.$schema;
  if (typeof dialect === 'string') {
    return compileWith(/draft\/?-?0?[4-7]\b/.test(dialect) ? draft07 : draft2020, withoutDialect(schema));
  }
  try {
    return compileWith(draft2020, schema);
  } catch (error) {
    try {
      return compileWith(draft07, schema);
    } catch {
      throw error;
    }
  }
};

const compileWith = (ajv: Ajv, schema: boolean | JsonObject) => ({
  validate: ajv.compile(schema),
  release: () => {
    if (typeof schema !== 'boolean') ajv.removeSchema(schema);
  },
});

/** The dialect is chosen by then; a spelling of its address that ajv does not know must not matter. */
const withoutDialect = (schema: boolean | JsonObject): boolean | JsonObject => {
  if (typeof schema === 'boolean') return schema;
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'));
};

const violated = (errors: readonly ErrorObject[] | null | undefined): SchemaVerdict => {
  const all = errors ?? [];
  const shown = all.slice(0, maxShownViolations).map(describe);
  const restCount = all.length - shown.length;
  return { kind: 'violated', violations: restCount > 0 ? [...shown, `and ${restCount} more`] : shown };
};

const describe = (error: ErrorObject): string => {
  const place = error.instancePath === '' ? 'the value' : error.instancePath;
  const allowed =
    'allowedValues' in error.params ? `: ${namedValues(error.params.allowedValues as Json[])}` : '';
  const extra = 'additionalProperty' in error.params ? `: "${String(error.params.additionalProperty)}"` : '';
  return `${place} ${error.message ?? 'is not valid'}${allowed}${extra}`;
};

const maxNamedValues = 20;

const namedValues = (values: readonly Json[]): string => {
  if (values.length <= maxNamedValues) return JSON.stringify(values);
  return `${JSON.stringify(values.slice(0, maxNamedValues))} and ${values.length - maxNamedValues} more`;
};

/** A reference that leads to a reference, and so on, costs the compiler its stack. */
const compileProblem = (error: unknown): string =>
  error instanceof RangeError ? 'its references lead too deep into one another' : textOf(error);

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
