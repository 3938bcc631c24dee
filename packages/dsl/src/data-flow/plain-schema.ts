/**
 * The commonest questions about the commonest schemas, answered without the checker: it is exact for all of JSON Schema, and has to
 * read a schema whole for that.
 *
 * 1. Only what is certain is answered; undefined and `false` mean "ask the checker".
 * 2. Keywords of the sender that are not looked at only narrow what it allows, since a schema is all of its keywords together; those
 *    that do not are `widening`.
 */
import { isJsonObject, type Json, type JsonObject } from '@signalbox/engine';
import { annotations, saysNothing } from './make-schema.js';

/** `nullable` adds null; the others make `properties`, `items` or `additionalProperties` say something else. */
const widening: ReadonlySet<string> = new Set([
  'nullable',
  'patternProperties',
  'prefixItems',
  'additionalItems',
]);

/** Keywords of the receiver that `fitsPlainly` knows. */
const plain: ReadonlySet<string> = new Set([
  ...annotations,
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
]);

const hasWidening = (schema: JsonObject): boolean => Object.keys(schema).some((key) => widening.has(key));

const propertiesOf = (schema: JsonObject): JsonObject =>
  isJsonObject(schema.properties) ? schema.properties : {};

const requiredOf = (schema: JsonObject): readonly Json[] =>
  Array.isArray(schema.required) ? schema.required : [];

/** True: all that `a` allows is allowed by `b`. False says nothing. */
export const fitsPlainly = (a: Json, b: Json): boolean => {
  if (saysNothing(b)) return true;
  if (!isJsonObject(a) || !isJsonObject(b) || hasWidening(a)) return false;
  if (!Object.keys(b).every((key) => plain.has(key)) || !typeFits(a.type, b.type)) return false;
  return objectFits(a, b) && listFits(a, b);
};

const typeFits = (a: Json | undefined, b: Json | undefined): boolean =>
  b === undefined || (typeof a === 'string' && (a === b || (a === 'integer' && b === 'number')));

const objectFits = (a: JsonObject, b: JsonObject): boolean => {
  if (b.properties === undefined && b.required === undefined && b.additionalProperties === undefined)
    return true;
  if (typeof a.type !== 'string') return false;
  if (a.type !== 'object') return true;
  const given = propertiesOf(a);
  const wanted = propertiesOf(b);
  const isClosed = a.additionalProperties === false;
  const required = new Set(requiredOf(a));
  if (!requiredOf(b).every((key) => required.has(key))) return false;
  if (b.additionalProperties !== undefined && b.additionalProperties !== true) {
    const isKnown = Object.keys(given).every((key) => Object.hasOwn(wanted, key));
    if (b.additionalProperties !== false || !isClosed || !isKnown) return false;
  }
  return Object.entries(wanted).every(([key, schema]) => {
    const own = Object.hasOwn(given, key) ? given[key] : undefined;
    return own === undefined ? isClosed || saysNothing(schema) : fitsPlainly(own, schema);
  });
};

const listFits = (a: JsonObject, b: JsonObject): boolean => {
  if (b.items === undefined || saysNothing(b.items)) return true;
  if (typeof a.type !== 'string' || Array.isArray(b.items)) return false;
  if (a.type !== 'array') return true;
  return a.items !== undefined && !Array.isArray(a.items) && fitsPlainly(a.items, b.items);
};

export interface PlainField {
  readonly schema: Json;
  readonly isRequired: boolean;
  readonly isDeclared: boolean;
}

/** A field of the objects that a plain schema describes; undefined where it is not plain enough, or refers to elsewhere. */
export const plainFieldOf = (schema: Json, key: string): PlainField | undefined => {
  if (
    !isJsonObject(schema) ||
    schema.type !== 'object' ||
    !Object.keys(schema).every((one) => plain.has(one))
  )
    return undefined;
  const { additionalProperties: others = true } = schema;
  if (typeof others !== 'boolean' || schema.$schema !== undefined) return undefined;
  const isRequired = requiredOf(schema).includes(key);
  const properties = propertiesOf(schema);
  const field = Object.hasOwn(properties, key) ? properties[key] : undefined;
  return { schema: field ?? others, isRequired, isDeclared: field !== undefined };
};
