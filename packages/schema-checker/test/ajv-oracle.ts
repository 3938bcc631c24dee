/**
 * The second opinion of the tests: ajv with ajv-formats, for both dialects.
 */
import { createRequire } from 'node:module';
import type { Ajv as AjvClass } from 'ajv';
import type { Dialect, Json } from '../src/index.js';

const require = createRequire(import.meta.url);
const { Ajv } = require('ajv') as { Ajv: typeof AjvClass };
const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: typeof AjvClass };
const addFormats = require('ajv-formats') as (ajv: AjvClass) => AjvClass;

const silent = { log: () => undefined, warn: () => undefined, error: () => undefined };

export function ajvFor(dialect: Dialect): AjvClass {
  // Without `allErrors`, ajv 8.20 skips the keywords after a tuple whose items are missing: `[]` passes
  // `{ items: [{ type: 'string' }], contains: { const: null } }`.
  const options = {
    allErrors: true,
    strict: false,
    validateSchema: false,
    logger: silent,
    validateFormats: true,
  } as const;
  return addFormats(dialect === '2020-12' ? new Ajv2020(options) : new Ajv(options));
}

/** A validator of one schema; a new ajv each time, so that equal `$id`s do not clash. */
export function compileWithAjv(schema: Json, dialect: Dialect): (value: Json) => boolean {
  const compiled = ajvFor(dialect).compile(schema as object | boolean);
  return (value) => compiled(value) === true;
}
