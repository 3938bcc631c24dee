/** `*.prompt` files: an agent's settings as YAML between `---` lines, then its prompt. */
import { type Json, sizeProblem } from '@signalbox/engine';
import type { CheckSchema } from '../check/check-schema.js';
import { ExpressionChecker, eachText, type Names } from '../check/expressions.js';
import { type Site, StructureChecker } from '../check/structure.js';
import type { Diagnostics } from '../diagnostics.js';
import type { ExpressionCompiler } from '../expression-compiler.js';
import type { Issue } from '../issue.js';
import { templateOfJson } from '../language/template.js';
import { textForms } from '../language/value-kind.js';
import { limits } from '../limits.js';
import { readSource } from '../source/read-source.js';
import {
  childOf,
  entryOf,
  jsonOf,
  type MapNode,
  placeOf,
  placeOfKey,
  type ScalarNode,
  textOf,
} from '../source/source-node.js';
import type { AgentDefinition, ScriptedAnswer } from './agent-definition.js';
import { type SplitText, splitFrontmatter } from './frontmatter.js';

export interface ParseAgentOptions {
  /** Without it the expressions are not checked. */
  readonly compiler?: ExpressionCompiler | undefined;
  readonly checkSchema?: CheckSchema | undefined;
}

export type ParsedAgent =
  | { readonly ok: true; readonly agent: AgentDefinition }
  | { readonly ok: false; readonly errors: readonly Issue[] };

const agentNames: Names = { names: new Set(['task', 'variables', 'input', 'attempt']), isComplete: true };

const compilerOfNothing: ExpressionCompiler = {
  expression: () => ({ ok: true, names: [] }),
  script: () => ({ ok: true, names: [] }),
};

/** The file's text with all but the frontmatter blanked, so that places in it are places in the file. */
const onlyFrontmatter = (split: SplitText): string =>
  split.ok ? `${' '.repeat(split.frontmatterStart - 1)}\n${split.frontmatter}` : '';

const checkAnswers = (root: MapNode, diagnostics: Diagnostics): void => {
  const model = childOf(root, 'model');
  const answers = entryOf(root, 'answers');
  const isScripted = textOf(model)?.startsWith('scripted/') ?? false;
  if (model === undefined || isScripted === (answers !== undefined)) return;
  if (answers === undefined) {
    const message = 'an agent of the provider "scripted" needs the field "answers"';
    diagnostics.report('MISSING_FIELD', placeOf(model), message, {
      hint: 'add answers: a list of { when, output }',
    });
  } else {
    const message = '"answers" belongs to the provider "scripted" only';
    diagnostics.report('INVALID_VALUE', placeOfKey(answers), message, {
      hint: 'remove it, or use scripted/<name>',
    });
  }
};

const checkSite = ({ kind, node }: Site, checker: ExpressionChecker): void => {
  if (kind.is === 'template') {
    eachText(node, (text) => {
      for (const found of checker.scan(text)) checker.check(text, found, 'expression', agentNames);
    });
  } else if (kind.is === 'expression' && node.kind === 'scalar') {
    const source = textOf(node) ?? '';
    const index = source.length - source.trimStart().length;
    checker.check(node, { source: source.trim(), index }, 'expression', agentNames);
  }
};

const checkBody = (split: SplitText & { ok: true }, checker: ExpressionChecker): void => {
  const { body, bodyStart } = split;
  const node: ScalarNode = {
    kind: 'scalar',
    value: body,
    style: 'raw',
    written: body,
    start: bodyStart,
    end: bodyStart + body.length,
  };
  for (const found of checker.scan(node)) checker.check(node, found, 'expression', agentNames);
};

/** The frontmatter as JSON, once it has been held against the tables of the language. */
interface AgentFields {
  readonly model: string;
  readonly description?: string;
  readonly config?: AgentDefinition['config'];
  readonly input?: { readonly schema: Json };
  readonly output?: { readonly schema: Json };
  readonly timeoutSeconds?: number;
  readonly answers?: readonly {
    readonly when?: string;
    readonly output: Json;
    readonly latencyMs?: number;
    readonly failTimes?: number;
  }[];
}

const answersOf = (answers: NonNullable<AgentFields['answers']>): readonly ScriptedAnswer[] =>
  answers.map(({ when, output, latencyMs, failTimes }) => ({
    ...(when === undefined ? {} : { when: when.trim() }),
    output: templateOfJson(output),
    latencyMs: latencyMs ?? 0,
    failTimes: failTimes ?? 0,
  }));

const agentOf = (name: string, fields: AgentFields, body: string): AgentDefinition => {
  const slash = fields.model.indexOf('/');
  return {
    name,
    ...(fields.description === undefined ? {} : { description: fields.description }),
    model: { provider: fields.model.slice(0, slash), name: fields.model.slice(slash + 1) },
    config: fields.config ?? {},
    ...(fields.input === undefined ? {} : { inputSchema: fields.input.schema }),
    ...(fields.output === undefined ? {} : { outputSchema: fields.output.schema }),
    prompt: templateOfJson(body.trim()),
    ...(fields.answers === undefined ? {} : { answers: answersOf(fields.answers) }),
    ...(fields.timeoutSeconds === undefined
      ? {}
      : { timeoutMs: Math.max(1, Math.round(fields.timeoutSeconds * 1000)) }),
  };
};

/** `name` is that of the file, without `.prompt`. Any text whatever ends in a result; nothing is thrown. */
export const parseAgent = (
  text: string | Uint8Array,
  name: string,
  options: ParseAgentOptions = {},
): ParsedAgent => {
  let split: SplitText = { ok: false, message: '' };
  const source = readSource(text, 'the agent', limits.maxAgentBytes, (whole) => {
    split = splitFrontmatter(whole);
    return onlyFrontmatter(split);
  });
  const { diagnostics, root } = source;
  const taken = split as SplitText;
  if (!taken.ok && taken.message !== '') {
    const errors = diagnostics.errors.filter(({ code }) => code !== 'EMPTY_DEFINITION');
    const place = { offset: 0, pointer: '' };
    if (errors.length === 0)
      diagnostics.report('INVALID_YAML', place, taken.message, {
        hint: 'put the settings between two lines "---"',
      });
    return { ok: false, errors: diagnostics.errors.filter(({ code }) => code !== 'EMPTY_DEFINITION') };
  }
  if (root === undefined || !taken.ok) return { ok: false, errors: diagnostics.errors };
  if (!textForms.name.pattern.test(name)) {
    diagnostics.report(
      'INVALID_VALUE',
      placeOf(root),
      `an agent's name must be ${textForms.name.rule}, not "${name}"`,
    );
  }
  const structure = new StructureChecker(diagnostics, options.checkSchema);
  structure.check(root, 'agent');
  const compiler = options.compiler ?? compilerOfNothing;
  const checker = new ExpressionChecker({ text: source.text, compiler, diagnostics });
  for (const site of structure.sites) checkSite(site, checker);
  checkBody(taken, checker);
  if (root.kind === 'map') checkAnswers(root, diagnostics);
  if (diagnostics.hasErrors) return { ok: false, errors: diagnostics.errors };
  const agent = agentOf(name, jsonOf(root) as unknown as AgentFields, taken.body);
  const problem = sizeProblem(agent as unknown as Json, limits.maxWrittenOutBytes);
  if (problem === undefined) return { ok: true, agent };
  diagnostics.report('LIMIT_EXCEEDED', placeOf(root), `the agent, written out, ${problem}`);
  return { ok: false, errors: diagnostics.errors };
};
