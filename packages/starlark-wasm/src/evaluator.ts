/** The two questions that the engine's `Evaluator` asks, over one Starlark. */
import type { Json, Reads } from './scope.js';
import type { CompileResult, EvaluateResult, Starlark } from './starlark.js';

type Lookup = (name: string, reads?: Reads) => Json | undefined;

export type Evaluator = {
  readonly expression: (source: string, lookup: Lookup) => EvaluateResult;
  readonly script: (source: string, lookup: Lookup) => EvaluateResult;
};

/** Fits the engine's interface of the same name. Source that does not compile is an `EXPRESSION_ERROR`. */
export const createEvaluator = (starlark: Starlark): Evaluator => {
  const evaluate = (compiled: CompileResult, lookup: Lookup): EvaluateResult => {
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
