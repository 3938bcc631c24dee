/** Patterns of users: matched in linear time, and refused with their place where that is not possible. */
import type { SchemaProblem } from '@signalbox/dsl';
import type { Json, JsonObject } from '@signalbox/engine';
import { compilePattern, type LinearPattern } from '@signalbox/schema-checker';
import { type Path, patternsOf, schemasIn } from './schema-places.js';

/** What ajv makes of a pattern. @throws where the pattern cannot be used; ajv then refuses the schema. */
export const linearRegExp = Object.assign(
  (source: string): LinearPattern => {
    const compiled = compilePattern(source);
    if (compiled.ok) return compiled.pattern;
    throw new Error(messageOf(source, compiled.reason));
  },
  // Schemas are never written out as modules, for which ajv would need an expression here.
  { code: 'linearRegExp' },
);

const maxShownLength = 80;

const messageOf = (source: string, reason: string): string => {
  const shown = source.length > maxShownLength ? `${source.slice(0, maxShownLength)}…` : source;
  return `the pattern ${JSON.stringify(shown)} cannot be used: ${reason}`;
};

const hint =
  'patterns are matched in linear time: write it without look-around and back-references, and bound a length by maxLength instead of a large repetition';

/** The first pattern of a schema that cannot be used, with its place. */
export const findPatternProblem = (schema: Json): SchemaProblem | undefined => {
  for (const [path, inner] of schemasIn(schema)) {
    const problem = problemHere(path, inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

const problemHere = (path: Path, schema: JsonObject): SchemaProblem | undefined => {
  for (const [place, source] of patternsOf(schema)) {
    const compiled = compilePattern(source);
    if (!compiled.ok) return { message: messageOf(source, compiled.reason), hint, path: [...path, ...place] };
  }
  return undefined;
};
