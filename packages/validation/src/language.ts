/**
 * The workflow language as a process uses it: `packages/dsl`, which is pure, with the Starlark compiler and the schema
 * compiler that it leaves to its caller. One for each process.
 */
import {
  type Environment,
  type ExpressionCompiler,
  type ParsedAgent,
  type ParsedTeams,
  type ParsedWorkflow,
  parseAgent,
  parseTeams,
  parseWorkflow,
} from '@signalbox/dsl';
import type { CompileResult, Starlark } from '@signalbox/starlark-wasm';
import { createSchemaCheck } from './schema-check.js';

export interface Language {
  /** Any text or bytes whatever end in a result; nothing is thrown. What the environment leaves out is not checked. */
  workflow(source: string | Uint8Array, environment: Environment): ParsedWorkflow;
  /** `name`: of the file, without `.prompt`. */
  agent(source: string, name: string): ParsedAgent;
  teams(source: string): ParsedTeams;
}

export const createLanguage = (starlark: Starlark): Language => {
  const compiler = createExpressionCompiler(starlark);
  const checkSchema = createSchemaCheck().problemOf;
  return {
    workflow: (source, environment) => parseWorkflow(source, { compiler, checkSchema, environment }),
    agent: (source, name) => parseAgent(source, name, { compiler, checkSchema }),
    teams: (source) => parseTeams(source),
  };
};

const createExpressionCompiler = (starlark: Starlark): ExpressionCompiler => {
  const namesOf = (compiled: CompileResult) =>
    compiled.ok ? ({ ok: true, names: compiled.program.names } as const) : compiled;
  return {
    expression: (source, knownNames) => namesOf(starlark.compile(source, knownNames)),
    script: (source, knownNames) => namesOf(starlark.compileScript(source, knownNames)),
  };
};
