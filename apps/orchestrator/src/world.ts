/** What `decide` may ask of the outside, over the process's one Starlark evaluator. */
import { createHash } from 'node:crypto';
import type { Evaluation, Evaluator, Lookup } from '@signalbox/engine';
import type { CompileResult, Starlark } from '@signalbox/starlark-wasm';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const createEvaluator = (starlark: Starlark): Evaluator => {
  const evaluate = (compiled: CompileResult, lookup: Lookup): Evaluation => {
    if (compiled.ok) return starlark.evaluate(compiled.program, lookup);
    // The syntax was checked when the definition was stored; this is a definition of another release.
    const message =
      compiled.kind === 'syntax'
        ? `${compiled.line}:${compiled.column}: ${compiled.message}`
        : `undefined: ${compiled.names.map(({ name }) => name).join(', ')}`;
    return { ok: false, code: 'EXPRESSION_ERROR', message };
  };
  return {
    expression: (source, lookup) => evaluate(starlark.compile(source, undefined), lookup),
    script: (source, lookup) => evaluate(starlark.compileScript(source, undefined), lookup),
  };
};
