/**
 * Schemas made of others.
 *
 * 1. Every schema that comes out of here stands on its own: references of its parts point at copies below its `$defs`.
 * 2. What is not known is a schema that says nothing, with the reason as its `$comment`. A part that cannot be taken over faithfully
 *    (references by address, anchors, too large) becomes unknown, never something else.
 */
import { isJsonObject, type Json, type JsonObject, type Path } from '@signalbox/engine';

/** Keywords that allow and refuse nothing. */
export const annotations: ReadonlySet<string> = new Set([
  '$comment',
  '$schema',
  '$id',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]);

export const unknownBecause = (why: string): Json => ({ $comment: why });

/** Whether any value is allowed: nothing is known of what such a schema describes. */
export const saysNothing = (schema: Json): boolean =>
  schema === true || (isJsonObject(schema) && Object.keys(schema).every((key) => annotations.has(key)));

/** Why nothing is known, where that was said. */
export const reasonOf = (schema: Json): string | undefined =>
  isJsonObject(schema) && typeof schema.$comment === 'string' ? schema.$comment : undefined;

const textMark = 'a text that is made at run time';

/** A text of which nothing more is known before the run. */
export const someText: Json = { type: 'string', $comment: textMark };

export const isSomeText = (schema: Json): boolean => isJsonObject(schema) && schema.$comment === textMark;

/** Made by an expression: there is no place where the author could give it a schema. */
export const computed: Json = { $comment: 'what the expression gives is known at run time only' };

export const isComputed = (schema: Json): boolean => reasonOf(schema) === reasonOf(computed);

const maxLength = 200_000;
/** Whether parts of the schema stand elsewhere in it. */
export const holdsReference = (schema: Json): boolean =>
  /"\$(?:ref|dynamicRef|recursiveRef)":/.test(JSON.stringify(schema));

const reference = /"\$ref"/;
/** Told apart by their text; a property of such a name errs on the side of unknown. */
const unmovable = /"\$(?:dynamicRef|recursiveRef|anchor|dynamicAnchor)":|"\$ref":"(?!#(?:\/|"))/;
const plainData: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** A copy in the words of 2020-12 whose references begin at `root`. */
const moved = (schema: Json, root: string): Json => {
  if (Array.isArray(schema)) return schema.map((item: Json) => moved(item, root));
  if (!isJsonObject(schema)) return schema;
  const fields: [string, Json][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === '$id') continue;
    if (key === '$ref' && typeof value === 'string') fields.push([key, `#${root}${value.slice(1)}`]);
    else if (plainData.has(key)) fields.push([key, value]);
    else if (key === 'items' && Array.isArray(value)) fields.push(['prefixItems', moved(value, root)]);
    else if (key === 'additionalItems' && Array.isArray(schema.items))
      fields.push(['items', moved(value, root)]);
    else fields.push([key, moved(value, root)]);
  }
  return Object.fromEntries(fields);
};

interface Part {
  /** Stands in the whole in place of the part. */
  readonly placed: Json;
  readonly definition?: Json;
}

const needsMoving = /"\$(?:ref|schema|id)":|"items":\[/;

const partOf = (schema: Json, name: string): Part => {
  if (!isJsonObject(schema)) return { placed: schema };
  const text = JSON.stringify(schema);
  if (text.length > maxLength) return { placed: unknownBecause('its schema is too large to be followed') };
  if (unmovable.test(text))
    return { placed: unknownBecause('its schema refers to other documents or anchors') };
  if (!needsMoving.test(text)) return { placed: schema };
  if (!reference.test(text)) return { placed: moved(schema, '') };
  return { placed: { $ref: `#/$defs/${name}` }, definition: moved(schema, `/$defs/${name}`) };
};

/** A schema of several parts; `build` puts each part's stand-in where it belongs. */
export const assembled = (
  parts: readonly Json[],
  build: (placed: readonly Json[]) => JsonObject,
  prefix = 'part',
): Json => {
  const made = parts.map((schema, index) => partOf(schema, `${prefix}${index}`));
  const schema = build(made.map(({ placed }) => placed));
  const definitions = made.flatMap(({ definition }, index) =>
    definition === undefined ? [] : [[`${prefix}${index}`, definition] as const],
  );
  if (definitions.length === 0) return schema;
  const own = isJsonObject(schema.$defs) ? schema.$defs : {};
  return { ...schema, $defs: { ...own, ...Object.fromEntries(definitions) } };
};

export interface FieldSchema {
  readonly key: string;
  readonly schema: Json;
  readonly isRequired: boolean;
}

/** An object with these fields and no others. */
export const objectSchema = (fields: readonly FieldSchema[]): Json =>
  assembled(
    fields.map(({ schema }) => schema),
    (placed) => ({
      type: 'object',
      properties: Object.fromEntries(fields.map(({ key }, index) => [key, placed[index] ?? true])),
      required: fields.filter(({ isRequired }) => isRequired).map(({ key }) => key),
      additionalProperties: false,
    }),
  );

export const listOf = (item: Json): Json =>
  assembled([item], ([items]) => ({ type: 'array', items: items ?? true }));

/** A list of exactly these items. */
export const tupleSchema = (items: readonly Json[]): Json =>
  items.length === 0
    ? { type: 'array', maxItems: 0 }
    : assembled(items, (placed) => ({
        type: 'array',
        prefixItems: [...placed],
        minItems: items.length,
        maxItems: items.length,
      }));

const textOf = (schema: Json): string => JSON.stringify(schema);

/** What is allowed by one of them; unknown as soon as one is. */
export const eitherOf = (schemas: readonly Json[]): Json => {
  const possible = new Map(schemas.filter((schema) => schema !== false).map((one) => [textOf(one), one]));
  const distinct = [...possible.values()];
  const unknown = distinct.find(saysNothing);
  if (unknown !== undefined) return unknown;
  const [only] = distinct;
  if (only === undefined) return false;
  return distinct.length === 1 ? only : assembled(distinct, (placed) => ({ anyOf: [...placed] }));
};

export const bothOf = (a: Json, b: Json): Json => assembled([a, b], (placed) => ({ allOf: [...placed] }));

/** An object that more states than this write into is not followed: each of them would have to copy it. */
const maxFieldsAdded = 64;

const simpleObject: ReadonlySet<string> = new Set([
  ...annotations,
  'type',
  'properties',
  'required',
  'additionalProperties',
]);

/** The schema in the form that fields can be added to; undefined where it has no such form. */
const asFields = (schema: Json): JsonObject | undefined => {
  if (!isJsonObject(schema)) return undefined;
  if (isJsonObject(schema.const)) {
    const fields = Object.entries(schema.const).map(([key, value]) => ({
      key,
      schema: { const: value },
      isRequired: true,
    }));
    const made = objectSchema(fields);
    return isJsonObject(made) ? made : undefined;
  }
  const isSimple =
    schema.type === 'object' && Object.keys(schema).every((keyword) => simpleObject.has(keyword));
  return isSimple && !reference.test(textOf(schema)) ? schema : undefined;
};

/** The object that `schema` describes with `key` written anew; undefined where its form is not simple enough to say. */
export const withField = (schema: Json, key: string, value: Json): Json | undefined => {
  const fields = asFields(schema);
  if (fields === undefined) return undefined;
  const required = Array.isArray(fields.required) ? fields.required : [];
  const properties = isJsonObject(fields.properties) ? fields.properties : {};
  if (Object.keys(properties).length >= maxFieldsAdded) return undefined;
  return assembled([value], ([placed]) => ({
    ...fields,
    properties: { ...properties, [key]: placed ?? true },
    required: [...new Set([...required, key])],
  }));
};

/** The same at a path below; the objects on the way are made. */
export const withPath = (schema: Json, path: Path, value: Json): Json | undefined => {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const key = String(first);
  if (rest.length === 0) return withField(schema, key, value);
  const fields = asFields(schema);
  if (fields === undefined) return undefined;
  const inner =
    isJsonObject(fields.properties) && Object.hasOwn(fields.properties, key)
      ? fields.properties[key]
      : undefined;
  const isRequired = Array.isArray(fields.required) && fields.required.includes(key);
  if (inner === undefined && fields.additionalProperties !== false) return undefined;
  const bases = [...(inner === undefined ? [] : [inner]), ...(isRequired ? [] : [objectSchema([])])];
  const made = bases.map((base) => withPath(base, rest, value));
  const known = made.filter((one) => one !== undefined);
  return known.length < made.length ? undefined : withField(fields, key, eitherOf(known));
};
