/**
 * Checks a run's input against the workflow's `inputSchema`.
 *
 * 1. A schema that cannot be compiled refuses the start; it never throws.
 * 2. An author's `pattern` may backtrack for ever: each test runs under a time limit that the engine's interrupts enforce.
 */
import { createContext, Script } from 'node:vm';
import { isJsonObject, type Json } from '@signalbox/engine';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';

export type InputCheck = (input: Json) => readonly string[];

const maxPatternMs = 50;
const patternTest = new Script('pattern.test(text)');

/** Ajv generates code that names its engine; ours is only ever called, never generated. */
const boundedRegExp = Object.assign(
  (source: string, flags: string) => {
    const pattern = new RegExp(source, flags);
    return {
      test: (text: string): boolean =>
        patternTest.runInContext(createContext({ pattern, text }), { timeout: maxPatternMs }) === true,
    };
  },
  { code: 'boundedRegExp' },
);

const options: Options = {
  strict: false,
  allErrors: false,
  validateSchema: false,
  addUsedSchema: false,
  code: { regExp: boundedRegExp },
};

export const createInputCheck = (schema: Json): InputCheck => {
  const compiled = compile(schema);
  if (typeof compiled === 'string') return () => [`the input schema cannot be used: ${compiled}`];
  return (input) => {
    try {
      return compiled(input) ? [] : (compiled.errors ?? []).map(describe);
    } catch (cause) {
      return [`the input could not be checked: ${messageOf(cause)}`];
    }
  };
};

/** What is wrong with a schema, or undefined. */
export const schemaProblem = (schema: Json): string | undefined => {
  const compiled = compile(schema);
  return typeof compiled === 'string' ? compiled : undefined;
};

const compile = (schema: Json): ValidateFunction | string => {
  try {
    if (!isJsonObject(schema)) return new Ajv2020(options).compile(schema === true ? {} : { not: {} });
    const { $schema, ...rest } = schema;
    const isOlder = typeof $schema === 'string' && /draft-0[4-7]/.test($schema);
    const ajv = isOlder ? new Ajv(options) : new Ajv2020(options);
    ajvFormats.default(ajv);
    return ajv.compile(rest);
  } catch (cause) {
    return messageOf(cause);
  }
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const describe = (error: ErrorObject): string => {
  const place = error.instancePath === '' ? 'the input' : error.instancePath;
  return `${place} ${error.message ?? `breaks "${error.keyword}"`}`;
};
