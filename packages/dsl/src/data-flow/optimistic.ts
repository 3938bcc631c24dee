/** A schema with all that is unknown in it taken to be as the receiver wants it: what is then still refused is refused for what is known. */
import { isJsonObject, type Json, type JsonObject, type Path } from '@signalbox/engine';
import { assembled, isComputed, isSomeText, saysNothing } from './make-schema.js';
import type { SchemaView } from './schema-view.js';

export interface Optimistic {
  readonly schema: Json;
  /** What was replaced and is constrained by the receiver, each with the schema that says why it is unknown. */
  readonly unknowns: readonly Json[];
}

const maxDepth = 40;
/** Nodes that are looked at; what comes after is left as it is. */
const maxNodes = 5_000;
const text: Json = { type: 'string' };

class Replacer {
  readonly unknowns: Json[] = [];
  readonly replacements: Json[] = [];
  readonly #root: Json;
  readonly #view: SchemaView;
  /** References that are being followed: a schema that leads back to itself is left as it is there. */
  readonly #followed = new Set<string>();
  #nodeCount = 0;

  constructor(root: Json, view: SchemaView) {
    this.#root = root;
    this.#view = view;
  }

  /** `wanted`: what the receiver allows at this place. A replacement is left as its number, to be put in when all are known. */
  replace(schema: Json, wanted: Json, depth: number): Json {
    if (wanted === false || saysNothing(wanted) || depth > maxDepth) return schema;
    this.#nodeCount++;
    if (this.#nodeCount > maxNodes) return schema;
    if (saysNothing(schema)) return this.#replaced(schema, wanted);
    if (!isJsonObject(schema)) return schema;
    if (isSomeText(schema)) {
      const verdict = this.#view.compare(text, wanted);
      const isOfWrongType =
        verdict.verdict === 'incompatible' && verdict.reasons.some(({ kind }) => kind === 'type');
      return verdict.verdict === 'compatible' || isOfWrongType ? schema : this.#replaced(schema, wanted);
    }
    return this.#within(schema, wanted, depth);
  }

  #replaced(schema: Json, wanted: Json): Json {
    this.unknowns.push(schema);
    this.replacements.push(wanted);
    return { $ref: `#/$defs/wanted${this.replacements.length - 1}` };
  }

  #within(schema: JsonObject, wanted: Json, depth: number): Json {
    if (typeof schema.$ref === 'string') return this.#referred(schema, schema.$ref, wanted, depth);
    const changed: [string, Json][] = [];
    if (Array.isArray(schema.anyOf))
      changed.push(['anyOf', schema.anyOf.map((one: Json) => this.replace(one, wanted, depth + 1))]);
    if (isJsonObject(schema.properties)) {
      const fields = Object.entries(schema.properties).map(
        ([key, inner]) => [key, this.replace(inner, this.#wantedAt(wanted, [key]), depth + 1)] as const,
      );
      changed.push(['properties', Object.fromEntries(fields)]);
    }
    if (Array.isArray(schema.prefixItems)) {
      const items = schema.prefixItems.map((inner: Json, index) =>
        this.replace(inner, this.#wantedAt(wanted, [index]), depth + 1),
      );
      changed.push(['prefixItems', items]);
    }
    const { items } = schema;
    if (items !== undefined && !Array.isArray(items))
      changed.push(['items', this.replace(items, this.#view.itemOf(wanted), depth + 1)]);
    const isSame = changed.every(([key, value]) => JSON.stringify(value) === JSON.stringify(schema[key]));
    return isSame ? schema : { ...schema, ...Object.fromEntries(changed) };
  }

  #referred(schema: Json, reference: string, wanted: Json, depth: number): Json {
    const target = this.#followed.has(reference) ? undefined : this.#resolve(reference);
    if (target === undefined) return schema;
    this.#followed.add(reference);
    const replaced = this.replace(target, wanted, depth + 1);
    this.#followed.delete(reference);
    return replaced === target ? schema : replaced;
  }

  #wantedAt(wanted: Json, path: Path): Json {
    return this.#view.at(wanted, path).schema;
  }

  /** Only what has been taken over into this document; where the author's own schema leads is as it is. */
  #resolve(reference: string): Json | undefined {
    let at: Json | undefined = this.#root;
    for (const token of reference.split('/').slice(1))
      at = isJsonObject(at) && Object.hasOwn(at, token) ? at[token] : undefined;
    return at;
  }
}

export const optimistic = (schema: Json, wanted: Json, view: SchemaView): Optimistic => {
  const replacer = new Replacer(schema, view);
  const replaced = replacer.replace(schema, wanted, 0);
  const { unknowns, replacements } = replacer;
  if (unknowns.length === 0 || !isJsonObject(replaced)) return { schema, unknowns };
  const own = isJsonObject(schema) && isJsonObject(schema.$defs) ? schema.$defs : {};
  const whole = assembled(
    replacements,
    (placed) => ({
      ...replaced,
      $defs: { ...own, ...Object.fromEntries(placed.map((one, index) => [`wanted${index}`, one])) },
    }),
    'receiver',
  );
  return { schema: whole, unknowns };
};

/** What an author could give a schema. */
export const mendable = (unknowns: readonly Json[]): Json | undefined =>
  unknowns.find((schema) => !isComputed(schema) && !isSomeText(schema));
