/** Expressions and templates: their syntax, and the names they use. */
import type { OperandTypes } from '../data-flow/operand-types.js';
import type { Diagnostics } from '../diagnostics.js';
import type { CompiledExpression, ExpressionCompiler, ExpressionPlace } from '../expression-compiler.js';
import { asksForPresence, referencesOf } from '../flow/references.js';
import { isState, type ScopeModel, type StateModel, type WorkflowModel } from '../flow/scope-model.js';
import { keywords } from '../language/keywords.js';
import { type FoundExpression, scanTemplateText } from '../language/template.js';
import { maxNameLength } from '../language/value-kind.js';
import { limits } from '../limits.js';
import { didYouMean } from '../nearest.js';
import { textOffsetOf } from '../source/scalar-position.js';
import { placeOf, pointerOf, type ScalarNode, type SourceNode, textOf } from '../source/source-node.js';
import type { NamesInScope } from './known-names.js';
import type { PathReads } from './path-reads.js';
import type { Site } from './structure.js';

/** Further faults of one text are not placed exactly: finding the place costs as much as reading the text. */
const maxExactPlaces = 50;

const indexOf = (source: string, place: ExpressionPlace): number => {
  const lines = source.split('\n');
  const before = lines.slice(0, place.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  const inLine = [...(lines[place.line - 1] ?? '')].slice(0, place.column - 1).join('');
  return Math.min(before + inLine.length, source.length);
};

/** `steps.check-pods` is a subtraction for Starlark: told apart by the missing blanks. */
const hyphenHint = (source: string, index: number): string | undefined => {
  const before = /[A-Za-z_][\w-]*-$/.exec(source.slice(Math.max(0, index - maxNameLength), index))?.[0];
  const after = /^\w[\w-]*/.exec(source.slice(index, index + maxNameLength))?.[0];
  if (before === undefined || after === undefined) return undefined;
  return `write a key that has a hyphen in brackets: ["${before}${after}"]`;
};

export interface Names {
  readonly names: ReadonlySet<string>;
  /** False: there may be others. */
  readonly isComplete: boolean;
}

export interface ExpressionContext {
  readonly text: string;
  readonly compiler: ExpressionCompiler;
  readonly diagnostics: Diagnostics;
}

const dotted = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** Most templates only read a known name and fields of it; that much is seen without a compiler. The name, or undefined. */
const plainReadOf = (source: string, { names }: Names): string | undefined => {
  if (source.length > 200 || !dotted.test(source)) return undefined;
  const words = source.split('.');
  const [name] = words;
  return name !== undefined && names.has(name) && !words.some((word) => keywords.has(word))
    ? name
    : undefined;
};

/** Checks the expressions of one text; `onNames` hears of each that is right. */
export class ExpressionChecker {
  readonly #context: ExpressionContext;
  #exactPlaces = 0;
  #expressionCount = 0;

  constructor(context: ExpressionContext) {
    this.#context = context;
  }

  #place(node: ScalarNode, index: number) {
    this.#exactPlaces++;
    const isExact =
      this.#exactPlaces <= maxExactPlaces || typeof node.value !== 'string' || node.value.length < 10_000;
    return {
      offset: isExact ? textOffsetOf(this.#context.text, node, index) : node.start,
      pointer: pointerOf(node),
    };
  }

  #isOverLimit(node: ScalarNode): boolean {
    this.#expressionCount++;
    if (this.#expressionCount === limits.maxExpressions + 1) {
      const message = `there are more than ${limits.maxExpressions} expressions`;
      this.#context.diagnostics.report('LIMIT_EXCEEDED', placeOf(node), message);
    }
    return this.#expressionCount > limits.maxExpressions;
  }

  /** The free names of the expression, or undefined when it has faults, which are reported. */
  check(
    node: ScalarNode,
    found: FoundExpression,
    kind: 'expression' | 'script',
    known: Names,
  ): readonly string[] | undefined {
    const { compiler, diagnostics } = this.#context;
    if (diagnostics.isFullOfErrors || this.#isOverLimit(node)) return undefined;
    const plainRead = kind === 'expression' ? plainReadOf(found.source, known) : undefined;
    if (plainRead !== undefined) return [plainRead];
    const compiled: CompiledExpression = compiler[kind](
      found.source,
      known.isComplete ? known.names : undefined,
    );
    if (compiled.ok) return compiled.names;
    if (compiled.kind === 'syntax') {
      const place = this.#place(node, found.index + indexOf(found.source, compiled));
      const hint = found.source.includes('{{')
        ? 'this is an expression already: leave out {{ and }}'
        : undefined;
      diagnostics.report('EXPRESSION_SYNTAX', place, `the expression does not parse: ${compiled.message}`, {
        hint,
      });
      return undefined;
    }
    for (const fault of compiled.names) {
      const place = this.#place(node, found.index + indexOf(found.source, fault));
      const hint =
        hyphenHint(found.source, indexOf(found.source, fault)) ??
        didYouMean(fault.name, known.names) ??
        `the names here are ${[...known.names].join(', ')}`;
      diagnostics.report('UNDEFINED_NAME', place, `nothing is called "${fault.name}" here`, { hint });
    }
    return undefined;
  }

  /** The expressions of a template's text; faults of the template itself are reported. */
  scan(node: ScalarNode): readonly FoundExpression[] {
    const scanned = scanTemplateText(textOf(node) ?? '');
    if (scanned.ok) return scanned.expressions;
    const place = this.#place(node, scanned.error.index);
    this.#context.diagnostics.report('TEMPLATE_SYNTAX', place, scanned.error.message, {
      hint: 'write {{ "{{" }} for braces themselves',
    });
    return [];
  }

  offsetOf(node: ScalarNode, index: number): number {
    return this.#place(node, index).offset;
  }
}

/** Calls `visit` for every text in the value. */
export const eachText = (node: SourceNode, visit: (text: ScalarNode) => void): void => {
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string') visit(node);
  } else if (node.kind === 'list') {
    for (const item of node.items) eachText(item, visit);
  } else {
    for (const entry of node.entries) eachText(entry.value, visit);
  }
};

class SiteChecker {
  readonly #checker: ExpressionChecker;
  readonly #names: NamesInScope;
  readonly #reads: PathReads;
  readonly #types: OperandTypes;
  readonly #known = new Map<StateModel | ScopeModel, Names>();

  constructor(context: ExpressionContext, names: NamesInScope, reads: PathReads, types: OperandTypes) {
    this.#types = types;
    this.#checker = new ExpressionChecker(context);
    this.#names = names;
    this.#reads = reads;
  }

  #knownTo(owner: StateModel | ScopeModel): Names {
    const known = this.#known.get(owner) ?? this.#names.known(owner);
    this.#known.set(owner, known);
    return known;
  }

  checkOne(
    node: ScalarNode,
    found: FoundExpression,
    kind: 'expression' | 'script',
    owner: StateModel | ScopeModel,
  ): void {
    const names = this.#checker.check(node, found, kind, this.#knownTo(owner));
    if (names === undefined || asksForPresence(found.source)) return;
    if (kind === 'expression') {
      const isCondition = isState(owner) && owner.type === 'switch';
      this.#types.check(found.source, owner, isCondition, (index) => ({
        offset: this.#checker.offsetOf(node, found.index + index),
        pointer: pointerOf(node),
      }));
    }
    const hasData = isState(owner) && this.#knownTo(owner).names.has('result');
    for (const reference of referencesOf(found.source, new Set(names))) {
      this.#reads.checkReference(reference, owner, hasData, () => ({
        offset: this.#checker.offsetOf(node, found.index + reference.index),
        pointer: pointerOf(node),
      }));
    }
  }

  check(site: Site, owner: StateModel | ScopeModel): void {
    const { kind, node } = site;
    if (kind.is === 'template') {
      eachText(node, (text) => {
        for (const found of this.#checker.scan(text)) this.checkOne(text, found, 'expression', owner);
      });
    } else if ((kind.is === 'expression' || kind.is === 'script') && node.kind === 'scalar') {
      const source = textOf(node) ?? '';
      const lead = kind.is === 'script' ? 0 : source.length - source.trimStart().length;
      const found = { source: kind.is === 'script' ? source : source.trim(), index: lead };
      this.checkOne(node, found, kind.is, owner);
    } else if (kind.is === 'path' && kind.use === 'read') {
      this.#reads.checkPath(node, owner);
    }
  }
}

export const checkExpressions = (
  model: WorkflowModel,
  sites: readonly Site[],
  context: ExpressionContext,
  names: NamesInScope,
  reads: PathReads,
  types: OperandTypes,
): void => {
  const checker = new SiteChecker(context, names, reads, types);
  for (const site of sites) {
    const owner = model.ownerOf(site.owner);
    if (owner !== undefined) checker.check(site, owner);
  }
};
