/**
 * How much work a schema is to compile, counted in it and not in time: the same schema is usable on every machine, or on none.
 *
 * The weights are what compiling was measured to cost: a schema of the largest work takes about 2 s of an idle processor.
 */
import type { SchemaProblem } from '@signalbox/dsl';
import { isJsonObject, type Json, type JsonObject } from '@signalbox/engine';
import { type Path, patternsOf, schemasIn } from './schema-places.js';

export const maxSchemaWork = 20_000;
/** Keywords and names from the outside in; what compiles it recurses. */
export const maxSchemaDepth = 200;

const ofPattern = (source: string): number => {
  const classCount = source.split('\\p').length - 1;
  return 20 + source.length + 400 * classCount;
};

const ofSchema = (schema: JsonObject): number => {
  const { oneOf, required, dependentRequired } = schema;
  let work = 1 + Object.keys(schema).length;
  // Each branch is compared with every other.
  if (Array.isArray(oneOf)) work += oneOf.length ** 2 / 200;
  if (Array.isArray(required)) work += required.length / 10;
  if (isJsonObject(dependentRequired)) work += Object.keys(dependentRequired).length;
  for (const [, source] of patternsOf(schema)) work += ofPattern(source);
  return work;
};

/** What is evaluated elsewhere is collected from every other schema. */
const collects = (schema: JsonObject): boolean =>
  'unevaluatedProperties' in schema || 'unevaluatedItems' in schema;

const hint = 'make it simpler, or check parts of the value in schemas of later states';

export const schemaTooLarge = (schema: Json): SchemaProblem | undefined => {
  let work = 0;
  let doesCollect = false;
  let deepest: Path = [];
  for (const [path, inner] of schemasIn(schema)) {
    work += ofSchema(inner);
    doesCollect ||= collects(inner);
    if (path.length > deepest.length) deepest = path;
  }
  if (deepest.length > maxSchemaDepth) {
    const message = `the schema nests ${deepest.length} deep, the limit is ${maxSchemaDepth}`;
    return { message, hint, path: deepest };
  }
  const total = Math.ceil(doesCollect ? work + work ** 2 / 1_000 : work);
  if (total <= maxSchemaWork) return undefined;
  return { message: `the schema is too much work to compile: ${total}, the limit is ${maxSchemaWork}`, hint };
};
