/**
 * Text to tree, for any bytes whatever.
 *
 * 1. Nothing here throws and nothing recurses deeper than `limits.maxYamlDepth`: nesting is measured on the token stream,
 *    before the composer, which recurses, sees it.
 * 2. Aliases are resolved here, in bounded number and to a bounded total of nodes; a cycle is an error.
 * 3. No two passes over the text are nested: the time is that of its length.
 */
import { Composer, type Document, Lexer, type ParsedNode, Parser, type YAMLParseError } from 'yaml';
import { Diagnostics } from '../diagnostics.js';
import { limits } from '../limits.js';
import { buildTree } from './build-tree.js';
import { lineIndexOf } from './line-index.js';
import type { SourceNode } from './source-node.js';
import { decodeUtf8, utf8Length } from './utf8.js';

export interface Source {
  readonly text: string;
  readonly diagnostics: Diagnostics;
  /** Undefined when there is no tree to look at; the diagnostics then say why. */
  readonly root: SourceNode | undefined;
}

const atStart = (offset = 0) => ({ offset, pointer: '' });

/** No YAML and no JSON may hold these outside of an escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

type CstToken = Parameters<Composer['next']>[0];

/** Undefined when a limit stopped it, which is then reported. */
const tokensOf = (text: string, diagnostics: Diagnostics): CstToken[] | undefined => {
  const parser = new Parser();
  const tokens: CstToken[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    count++;
    if (parser.stack.length > limits.maxYamlDepth) {
      const message = `the text nests collections deeper than ${limits.maxYamlDepth} levels`;
      diagnostics.report('LIMIT_EXCEEDED', atStart(parser.offset), message);
      return undefined;
    }
    if (count > limits.maxTokens) {
      const message = `the text has more than ${limits.maxTokens} YAML tokens`;
      diagnostics.report('LIMIT_EXCEEDED', atStart(parser.offset), message);
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
};

/** What comes after the first faults of YAML is mostly their consequence. */
const maxYamlErrors = 3;

/** A template that is not quoted is a map in a map for YAML, and the commonest of an author's YAML errors. */
const hintFor = (text: string, offset: number): string | undefined => {
  const lineStart = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(lineStart, Math.min(lineEnd < 0 ? text.length : lineEnd, lineStart + 1000));
  if (/(^|[:,[-])\s*\{\{/.test(line)) return 'put a text that begins with {{ in quotes: "{{ … }}"';
  if (line.includes('\t')) return 'indent with spaces, not with tabs';
  return undefined;
};

const composeOne = (
  text: string,
  tokens: CstToken[],
  diagnostics: Diagnostics,
): Document.Parsed | undefined => {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    // Compares every key with every other; the tree builder has a set instead.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  let first: Document.Parsed | undefined;
  for (const document of composer.compose(tokens, true, text.length)) {
    if (first !== undefined) {
      const message = 'the text holds more than one YAML document';
      const hint = 'give each definition a file of its own, without "---" between';
      diagnostics.report('INVALID_YAML', atStart(document.range[0]), message, { hint });
      break;
    }
    first = document;
  }
  for (const error of (first?.errors ?? []).slice(0, maxYamlErrors))
    reportYamlError(error, text, diagnostics);
  return first;
};

const reportYamlError = (error: YAMLParseError, text: string, diagnostics: Diagnostics): void => {
  const offset = error.pos[0];
  diagnostics.report('INVALID_YAML', atStart(offset), error.message, { hint: hintFor(text, offset) });
};

const isEmpty = (contents: ParsedNode | null): boolean =>
  contents === null || ('value' in contents && contents.value === null);

const decoded = (input: string | Uint8Array): { text: string; size: number; badOffset?: number } => {
  if (typeof input === 'string') return { text: input, size: input.length };
  if (input.length > limits.maxTextBytes) return { text: '', size: input.length };
  const result = decodeUtf8(input);
  return result.ok
    ? { text: result.text, size: input.length }
    : { text: '', size: input.length, badOffset: result.offset };
};

/** `prepare` may blank out what is not YAML; it must keep the length. */
export const readSource = (
  input: string | Uint8Array,
  what: string,
  maxBytes: number = limits.maxTextBytes,
  prepare: (text: string) => string = (text) => text,
): Source => {
  const { text: whole, size, badOffset } = decoded(input);
  const text = whole.startsWith('\uFEFF') ? whole.slice(1) : whole;
  const failed = (report: (diagnostics: Diagnostics) => void): Source => {
    const diagnostics = new Diagnostics(lineIndexOf(''));
    report(diagnostics);
    return { text: '', diagnostics, root: undefined };
  };
  if (size > maxBytes || utf8Length(text) > maxBytes) {
    return failed((d) => d.report('LIMIT_EXCEEDED', atStart(), `${what} is larger than ${maxBytes} bytes`));
  }
  if (badOffset !== undefined) {
    const message = `byte ${badOffset} of ${what} is not UTF-8`;
    return failed((d) => d.report('INVALID_YAML', atStart(), message, { hint: 'save the file as UTF-8' }));
  }
  const diagnostics = new Diagnostics(lineIndexOf(text));
  const control = text.search(controlCharacter);
  if (control >= 0) {
    const name = `U+${text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0')}`;
    const message = `${what} holds the control character ${name}`;
    diagnostics.report('INVALID_YAML', atStart(control), message, {
      hint: 'write it as an escape, or leave it out',
    });
    return { text, diagnostics, root: undefined };
  }
  const yaml = prepare(text);
  return { text, diagnostics, root: readYaml(yaml, what, diagnostics) };
};

const readYaml = (text: string, what: string, diagnostics: Diagnostics): SourceNode | undefined => {
  const tokens = tokensOf(text, diagnostics);
  if (tokens === undefined) return undefined;
  const document = composeOne(text, tokens, diagnostics);
  if (diagnostics.hasErrors) return undefined;
  if (document === undefined || isEmpty(document.contents)) {
    diagnostics.report('EMPTY_DEFINITION', atStart(), `${what} is empty`);
    return undefined;
  }
  const tree = buildTree(document.contents, diagnostics);
  // What a faulty text would mean is a guess: further faults would mislead.
  return diagnostics.hasErrors ? undefined : tree;
};
