/**
 * Which JSON Schema dialect a schema is written in.
 */
import { isJsonObject, type Json, ownValue } from './json.js';

export type Dialect = 'draft-07' | '2020-12';

const KNOWN_DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['json-schema.org/draft-07/schema', 'draft-07'],
  ['json-schema.org/draft-06/schema', 'draft-07'],
  ['json-schema.org/draft/2020-12/schema', '2020-12'],
]);

const KEYWORDS_OF_2020 = [
  'prefixItems',
  'minContains',
  'maxContains',
  'dependentRequired',
  'dependentSchemas',
  'unevaluatedItems',
  'unevaluatedProperties',
  '$dynamicRef',
  '$anchor',
];

const MAX_WALK = 20_000;

/** A keyword of 2020-12 counts wherever an object stands; a property that only happens to have that name does no harm. */
function uses2020Keyword(schema: Json): boolean {
  const pending: Json[] = [schema];
  for (let walked = 0; pending.length > 0 && walked < MAX_WALK; walked += 1) {
    const item = pending.pop();
    if (Array.isArray(item)) {
      for (const member of item) pending.push(member);
    } else if (isJsonObject(item)) {
      if (KEYWORDS_OF_2020.some((keyword) => Object.hasOwn(item, keyword))) return true;
      for (const member of Object.values(item)) pending.push(member);
    }
  }
  return false;
}

/**
 * The dialect named by `$schema`; without `$schema`, 2020-12 where a keyword is used that only 2020-12 has, else draft-07.
 * Undefined when `$schema` names a dialect that is not supported.
 */
export function detectDialect(schema: Json): Dialect | undefined {
  const named = isJsonObject(schema) ? ownValue(schema, '$schema') : undefined;
  if (typeof named === 'string') {
    return KNOWN_DIALECTS.get(named.replace(/^https?:\/\//, '').replace(/#$/, ''));
  }
  return uses2020Keyword(schema) ? '2020-12' : 'draft-07';
}
