/**
 * JSON values as the checker sees them: types, equality, a canonical text, and the size limits every input is held to.
 *
 * 1. Only own properties are read, and members are written with `setOwn`, so `__proto__` is a name like any other.
 * 2. A member whose value is `undefined` counts as absent, as it does in JSON.stringify.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** What is only read. */
export type ReadonlyJson =
  | null
  | boolean
  | number
  | string
  | readonly ReadonlyJson[]
  | { readonly [key: string]: ReadonlyJson };
export type JsonObject = { [key: string]: Json };
export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export const JSON_TYPES: readonly JsonType[] = ['null', 'boolean', 'number', 'string', 'array', 'object'];

export function jsonTypeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    default:
      return 'object';
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function ownKeys(object: JsonObject): string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}

export function setOwn(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export function objectOf(entries: Iterable<readonly [string, Json]>): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of entries) setOwn(result, key, value);
  return result;
}

export function jsonEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => jsonEqual(item, right[index] ?? null));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = ownKeys(left);
  if (keys.length !== ownKeys(right).length) return false;
  return keys.every((key) => {
    const other = ownValue(right, key);
    return other !== undefined && jsonEqual(left[key] ?? null, other);
  });
}

/** Text that is the same for two values exactly when they are equal as JSON: keys sorted, no spaces. */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (isJsonObject(value)) {
    const keys = ownKeys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] ?? null)}`).join(',')}}`;
  }
  return JSON.stringify(value === 0 ? 0 : value);
}

export type Measure =
  | { fits: true; nodeCount: number }
  | { fits: false; why: 'too large' | 'too deep' | 'not JSON' };

function isScalar(value: unknown): boolean {
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value))
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/**
 * Walks a value level by level without recursion, so that cyclic, deep and huge inputs are refused before anything recurses.
 */
export function measureJson(value: unknown, maxNodes: number, maxDepth: number): Measure {
  let level: unknown[] = [value];
  let nodeCount = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) return { fits: false, why: 'too deep' };
    const next: unknown[] = [];
    for (const item of level) {
      nodeCount += 1;
      if (nodeCount + next.length > maxNodes) return { fits: false, why: 'too large' };
      if (isScalar(item)) continue;
      if (typeof item !== 'object' || item === null) return { fits: false, why: 'not JSON' };
      if (Array.isArray(item)) {
        if (nodeCount + next.length + item.length > maxNodes) return { fits: false, why: 'too large' };
        for (const member of item) next.push(member);
        continue;
      }
      if (!isPlain(item)) return { fits: false, why: 'not JSON' };
      for (const member of Object.values(item)) if (member !== undefined) next.push(member);
    }
    level = next;
  }
  return { fits: true, nodeCount };
}

export function escapePointerToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** JSON pointer of a path: `['a', 0]` is `/a/0`, the empty path is the empty string. */
export function pointerOf(path: readonly (string | number)[]): string {
  return path.map((token) => `/${escapePointerToken(String(token))}`).join('');
}
