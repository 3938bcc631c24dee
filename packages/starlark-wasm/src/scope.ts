/**
 * Owns how a scope crosses to the evaluator: once, as JSON, and only what a program uses: its names, and of a name that
 * it reads by fields alone (`ctx.service`, `steps.check["total"]`) those fields, however large the rest is.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What is read of a value: `true`, anything; otherwise these fields and nothing else. */
export type Reads = true | { readonly [field: string]: Reads };

/**
 * What names mean: an object's own properties, or a function that gives `undefined` for a name it does not know. The
 * function may leave out what is not among `reads`, and need not; without `reads` it gives the whole value.
 */
export type Scope =
  | { readonly [name: string]: Json | undefined }
  | ((name: string, reads?: Reads) => Json | undefined);

interface Names {
  readonly names: readonly string[];
  readonly builtins: readonly string[];
  readonly reads: { readonly [name: string]: Reads };
}

type FreeName = { readonly name: string; readonly reads: readonly (readonly string[])[] | null };

/** Names of which only fields are read; a field that is read as a whole covers what is read below it. */
export function readsOf(free: readonly FreeName[]): { readonly [name: string]: Reads } {
  const pairs: [string, Reads][] = [];
  for (const { name, reads } of free) if (reads !== null) pairs.push([name, treeOf(reads)]);
  return Object.fromEntries(pairs);
}

function treeOf(paths: readonly (readonly string[])[]): Reads {
  const byField = new Map<string, (readonly string[])[]>();
  for (const path of paths) {
    const [field, ...rest] = path;
    if (field === undefined) return true;
    byField.set(field, [...(byField.get(field) ?? []), rest]);
  }
  return Object.fromEntries([...byField].map(([field, rests]) => [field, treeOf(rests)]));
}

/** The value without the fields that are not read. Anything but an object stays as it is. */
export function pruned(value: Json, reads: Reads): Json {
  if (reads === true || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const object = value as { readonly [key: string]: Json };
  const kept: [string, Json][] = [];
  for (const [field, below] of Object.entries(reads)) {
    const found = Object.hasOwn(object, field) ? object[field] : undefined;
    if (found !== undefined) kept.push([field, pruned(found, below)]);
  }
  return Object.fromEntries(kept);
}

/** JSON text of an object by name; `undefined` when the data is nested beyond what the host can walk. */
export function encodeScope(program: Names, scope: Scope, extent: 'read' | 'whole'): string | undefined {
  try {
    const entries: string[] = [];
    for (const name of [...program.names, ...program.builtins]) {
      const reads = extent === 'read' && Object.hasOwn(program.reads, name) ? program.reads[name] : undefined;
      addEntry(entries, name, scope, reads);
    }
    return `{${entries.join(',')}}`;
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}

function addEntry(entries: string[], name: string, scope: Scope, reads: Reads | undefined): void {
  const value =
    typeof scope === 'function' ? scope(name, reads) : Object.hasOwn(scope, name) ? scope[name] : undefined;
  if (value === undefined) return;
  entries.push(
    `${JSON.stringify(name)}:${JSON.stringify(reads === undefined ? value : pruned(value, reads))}`,
  );
}
