/** Owns how a scope crosses to the evaluator: once, as JSON, and only the names that a program uses. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What names mean: an object's own properties, or a function that gives `undefined` for a name it does not know. */
export type Scope = { readonly [name: string]: Json | undefined } | ((name: string) => Json | undefined);

type Names = { readonly names: readonly string[]; readonly builtins: readonly string[] };

/** JSON text of an object by name; `undefined` when the data is nested beyond what the host can walk. */
export function encodeScope(program: Names, scope: Scope): string | undefined {
  try {
    const entries: string[] = [];
    for (const name of program.names) addEntry(entries, name, scope);
    for (const name of program.builtins) addEntry(entries, name, scope);
    return `{${entries.join(',')}}`;
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}

function addEntry(entries: string[], name: string, scope: Scope): void {
  const value =
    typeof scope === 'function' ? scope(name) : Object.hasOwn(scope, name) ? scope[name] : undefined;
  if (value === undefined) return;
  entries.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
}
