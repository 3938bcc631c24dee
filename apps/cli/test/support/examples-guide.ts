/**
 * Reads the author's guide: the blocks of YAML with the comment before each that says what it is, the context, and the
 * tables of expressions.
 */
import { isJsonObject, type Json, type JsonObject } from '@signalbox/engine';
import { parse } from 'yaml';
import { type RunExpectation, runExpectation } from './examples-run.js';

export interface GuideWorkflow {
  readonly id: string;
  readonly line: number;
  readonly source: string;
  readonly expected: RunExpectation;
}

export interface GuideRow {
  readonly kind: 'expression' | 'template';
  readonly source: string;
  readonly expected:
    | { readonly ok: true; readonly value: Json }
    | { readonly ok: false; readonly code: string; readonly message: string };
}

export interface Guide {
  readonly workflows: readonly GuideWorkflow[];
  readonly agents: ReadonlyMap<string, string>;
  readonly teams: string;
  readonly context: JsonObject;
  readonly rows: readonly GuideRow[];
}

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
  /** Of the comment in the line before; empty where there is none. */
  readonly comment: string;
}

const blocksOf = (markdown: string): readonly Block[] =>
  [...markdown.matchAll(/^(?:<!-- (.*) -->\n)?```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    comment: match[1] ?? '',
    language: match[2] ?? '',
    text: match[3] ?? '',
    line: markdown.slice(0, match.index).split('\n').length,
  }));

const labelled = (comment: string, label: string): string | undefined =>
  comment.startsWith(`${label}: `) ? comment.slice(label.length + 2) : undefined;

/** A block of YAML that nothing executes would say what nobody has tried. */
const workflowOf = ({ comment, line, text }: Block): GuideWorkflow => {
  const definition: unknown = parse(text);
  if (!isJsonObject(definition as Json) || !Object.hasOwn(definition as object, 'states')) {
    throw new Error(`line ${line}: this block of YAML is no workflow, and no comment says what else it is`);
  }
  const expected = labelled(comment, 'run');
  if (expected === undefined) throw new Error(`line ${line}: no comment says how this workflow ends`);
  return {
    id: String((definition as JsonObject).id),
    line,
    source: text,
    expected: runExpectation.parse(JSON.parse(expected)),
  };
};

const code = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? '';

const cellsOf = (line: string): readonly string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

const rowsUnder = (markdown: string, head: string): readonly (readonly string[])[] =>
  markdown.split('\n\n').flatMap((part) => {
    const [first, , ...rows] = part.trim().split('\n');
    return first === head ? rows.map(cellsOf) : [];
  });

const rowsOf = (markdown: string): readonly GuideRow[] => {
  const given = (kind: GuideRow['kind']): readonly GuideRow[] =>
    rowsUnder(markdown, `| ${kind} | value |`).map(([source = '', value = '']) => ({
      kind,
      source: code(source),
      expected: { ok: true, value: JSON.parse(code(value)) as Json },
    }));
  const failing = rowsUnder(markdown, '| expression | error | message |').map(
    ([source = '', error = '', message = '']): GuideRow => ({
      kind: 'expression',
      source: code(source),
      expected: { ok: false, code: code(error), message: code(message) },
    }),
  );
  return [...given('expression'), ...given('template'), ...failing];
};

/** The codes of the errors with what the guide says of trying them again. */
export const errorCodesIn = (markdown: string): readonly (readonly [code: string, isRetried: boolean])[] =>
  rowsUnder(markdown, '| code | when | tried again by default |').flatMap(([codes = '', , retried]) =>
    [...codes.matchAll(/`([^`]+)`/g)].map((match) => [match[1] ?? '', retried === 'yes'] as const),
  );

/** @throws Error naming the line of a block of YAML that is neither workflow, agent nor teams. */
export const readGuide = (markdown: string): Guide => {
  const blocks = blocksOf(markdown);
  const yaml = blocks.filter(({ language }) => language === 'yaml');
  const isOther = ({ comment }: Block): boolean =>
    comment === 'teams' || labelled(comment, 'agent') !== undefined;
  const context = JSON.parse(blocks.find(({ comment }) => comment === 'context')?.text ?? 'null') as Json;
  if (!isJsonObject(context)) throw new Error('no block of JSON is the context');
  return {
    workflows: yaml.filter((block) => !isOther(block)).map(workflowOf),
    agents: new Map(
      yaml.flatMap(({ comment, text }) => {
        const name = labelled(comment, 'agent');
        return name === undefined ? [] : [[name, text] as const];
      }),
    ),
    teams: yaml.find(({ comment }) => comment === 'teams')?.text ?? '',
    context,
    rows: rowsOf(markdown),
  };
};

/** The words in code style of the list under a heading. */
export const listedUnder = (markdown: string, heading: string): readonly string[] => {
  const section = markdown.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const items = section.split('\n').filter((line) => line.startsWith('- '));
  return items.flatMap((item) => [...item.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
};
