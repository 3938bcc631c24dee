/**
 * A pattern as validators use it at run time: the same automaton that the checker reasons with, so both agree on what
 * the pattern means, and matching takes time linear in the text.
 */
import { Fuel } from './fuel.js';
import { languageContains, readLanguage } from './regex/language.js';

export interface LinearPattern {
  test(text: string): boolean;
  /** Two patterns of the same text are the same pattern. */
  toString(): string;
}

export type CompiledPattern =
  | { readonly ok: true; readonly pattern: LinearPattern }
  | { readonly ok: false; readonly reason: string };

/** Patterns of ECMA-262 with the `u` flag; what is no regular language is not supported, and the reason says so. */
export function compilePattern(source: string): CompiledPattern {
  const syntaxError = syntaxErrorOf(source);
  if (syntaxError !== undefined) return { ok: false, reason: syntaxError };
  const read = readLanguage(source);
  if (!read.ok) return read;
  const { language } = read;
  return {
    ok: true,
    pattern: {
      test: (text) => languageContains(language, text, new Fuel(Number.POSITIVE_INFINITY)),
      toString: () => source,
    },
  };
}

/** Reading a pattern does not run it. */
function syntaxErrorOf(source: string): string | undefined {
  try {
    new RegExp(source, 'u');
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}
