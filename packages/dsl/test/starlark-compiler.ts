/** The real compiler behind the port that this package asks for. */
import { createStarlark } from '@signalbox/starlark-wasm';
import type { CompiledExpression, ExpressionCompiler } from '../src/index.js';

const starlark = createStarlark();

type Compiled = ReturnType<typeof starlark.compile>;

const answer = (compiled: Compiled): CompiledExpression =>
  compiled.ok ? { ok: true, names: compiled.program.names } : compiled;

export const compiler: ExpressionCompiler = {
  expression: (source, knownNames) => answer(starlark.compile(source, knownNames)),
  script: (source, knownNames) => answer(starlark.compileScript(source, knownNames)),
};
