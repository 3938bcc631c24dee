/**
 * One hand-over: what a state gives to an agent or a child workflow, held against the schema of the receiver.
 *
 * 1. An error is told only for what is known: what is unknown is taken to be as the receiver wants it.
 * 2. Each piece of the input is judged by itself, along each way on which it may have come, so that an error names who wrote it; the
 *    whole is judged for what is not given at all and for what pieces ask of one another.
 */
import type { Json, Path } from '@signalbox/engine';
import type { Reason } from '@signalbox/schema-checker';
import type { Diagnostics } from '../diagnostics.js';
import { formatPath } from '../language/path.js';
import { childOf, placeOf, type SourceNode } from '../source/source-node.js';
import type { HandedInput, Piece } from './handed-input.js';
import { isComputed, isSomeText, reasonOf } from './make-schema.js';
import { mendable, optimistic } from './optimistic.js';
import type { SchemaView } from './schema-view.js';
import type { Alternative } from './value.js';
import { hintFor, nameOf, type Receiver, showWay, unknownHint } from './words.js';

type Judgement =
  | { readonly kind: 'fits' }
  | { readonly kind: 'refused'; readonly reasons: readonly Reason[]; readonly counterexample: Json }
  | { readonly kind: 'unknown'; readonly why: Json };

/** Kinds of reason that may rest on several values at once, so that an unknown one may be at fault. */
const shared: ReadonlySet<Reason['kind']> = new Set(['alternatives', 'dependency', 'schema', 'undecided']);

const judge = (schema: Json, wanted: Json, view: SchemaView): Judgement => {
  if (view.isWithin(schema, wanted)) return { kind: 'fits' };
  const { schema: best, unknowns } = optimistic(schema, wanted, view);
  const result = view.compare(best, wanted);
  if (result.verdict === 'unknown') return { kind: 'unknown', why: { $comment: result.why } };
  if (result.verdict === 'incompatible') {
    const { reasons, counterexample } = result;
    const mayBeUnknown = unknowns.length > 0 && reasons.every(({ kind }) => shared.has(kind));
    if (!mayBeUnknown) return { kind: 'refused', reasons, counterexample };
  }
  const why = mendable(unknowns);
  return why === undefined ? { kind: 'fits' } : { kind: 'unknown', why };
};

const tokensOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

const isWithin = (path: Path, tokens: readonly string[]): boolean =>
  path.length <= tokens.length && path.every((part, index) => String(part) === tokens[index]);

/** A property that may be missing is told once, not again for what it may be when it is there undeclared. */
const tellingReasons = (reasons: readonly Reason[]): readonly Reason[] => {
  const missing = new Set(
    reasons
      .filter(({ kind }) => kind === 'missing_property' || kind === 'optional_property')
      .map(({ path, expected }) => `${path}/${String(expected)}`),
  );
  return reasons.filter(
    ({ path }) => ![...missing].some((one) => path === one || path.startsWith(`${one}/`)),
  );
};

const shownField = (path: Path): string => (path.length === 0 ? 'the input' : `"${formatPath(path)}"`);

export class HandOver {
  readonly #receiver: Receiver;
  readonly #view: SchemaView;
  readonly #diagnostics: Diagnostics;

  constructor(receiver: Receiver, view: SchemaView, diagnostics: Diagnostics) {
    this.#receiver = receiver;
    this.#view = view;
    this.#diagnostics = diagnostics;
  }

  check(input: HandedInput): void {
    // No way leads to the state.
    if (input.pieces.some(({ value }) => value.alternatives.length === 0)) return;
    const { schema: wanted } = this.#receiver;
    const told = input.pieces.filter((piece) => this.#checkPiece(piece));
    if (this.#view.isWithin(input.schema, wanted)) return;
    const judgement = judge(input.schema, wanted, this.#view);
    if (judgement.kind === 'fits') return;
    if (judgement.kind === 'unknown') {
      if (told.length === 0) this.#reportUnknown(input.node, [], judgement.why, undefined);
      return;
    }
    const left = tellingReasons(judgement.reasons).filter(({ path }) => {
      const tokens = tokensOf(path);
      return !told.some((piece) => isWithin(piece.path, tokens));
    });
    for (const reason of left) this.#reportWhole(input, reason, judgement.counterexample);
  }

  /** True when something is told of the piece. */
  #checkPiece(piece: Piece): boolean {
    const wanted = this.#view.at(this.#receiver.schema, piece.path).schema;
    const results = piece.value.alternatives.map((one) => this.#checkAlternative(piece, one, wanted));
    return results.some(Boolean);
  }

  #checkAlternative(piece: Piece, alternative: Alternative, wanted: Json): boolean {
    // What cannot be there, or is declared nowhere, is told where it is read.
    if (alternative.schema === false || !alternative.isDeclared) return true;
    if (alternative.mayBeAbsent) this.#reportOptional(piece, alternative);
    const judgement = judge(alternative.schema, wanted, this.#view);
    if (judgement.kind === 'fits') return alternative.mayBeAbsent;
    if (judgement.kind === 'unknown') this.#reportUnknown(piece.node, piece.path, judgement.why, alternative);
    else
      for (const reason of tellingReasons(judgement.reasons))
        this.#reportRefused(piece, alternative, reason, judgement.counterexample);
    return true;
  }

  #reportRefused(piece: Piece, alternative: Alternative, reason: Reason, counterexample: Json): void {
    const { diagnostics, receiver } = { diagnostics: this.#diagnostics, receiver: this.#receiver };
    const tokens = [...piece.path, ...tokensOf(reason.path)];
    const way = showWay(alternative.way);
    if (reason.kind === 'optional_property') {
      const name = shownField([...tokens, String(reason.expected)]);
      const message = `${receiver.name} requires ${name}, which ${nameOf(alternative.origin, receiver.state)} may leave out${way}`;
      const hint = `require it in the sender's schema, or do not require it in the schema of ${receiver.short}`;
      diagnostics.report('SCHEMA_OPTIONAL_FIELD', placeOf(piece.node), message, { hint, counterexample });
      return;
    }
    const giver = nameOf(alternative.origin, receiver.state);
    const isFixed = alternative.origin.kind === 'fixed';
    const gives = `${giver} ${isFixed ? 'gives' : 'may give'} ${receiver.name} what it refuses`;
    const message = `${gives}: ${faultOf(tokens, reason, isFixed)}${way}`;
    diagnostics.report('SCHEMA_COMPATIBILITY', placeOf(piece.node), message, {
      hint: hintFor(alternative.origin, receiver),
      ...expectedOf(reason),
      counterexample,
    });
  }

  #reportOptional(piece: Piece, alternative: Alternative): void {
    const { receiver } = { receiver: this.#receiver };
    const giver = nameOf(alternative.origin, receiver.state);
    const message = `${shownField(piece.path)} of ${receiver.name} is read from a field that ${giver} may leave out; the step then fails${showWay(alternative.way)}`;
    const hint = "require the field in the sender's schema, or read it with .get(…)";
    this.#diagnostics.report('SCHEMA_OPTIONAL_FIELD', placeOf(piece.node), message, { hint });
  }

  #reportUnknown(node: SourceNode, path: Path, why: Json, alternative: Alternative | undefined): void {
    if (isComputed(why) || isSomeText(why)) return;
    const message = `whether ${shownField(path)} fits ${this.#receiver.name} is not known before the run: ${reasonOf(why) ?? 'its schema allows anything'}`;
    const way = alternative === undefined ? '' : showWay(alternative.way);
    const hint = unknownHint(alternative?.origin, this.#receiver);
    this.#diagnostics.report('SCHEMA_UNKNOWN', placeOf(node), `${message}${way}`, { hint });
  }

  /** What no single piece is at fault for: a field that is not given, one too many, what fields ask of one another. */
  #reportWhole(input: HandedInput, reason: Reason, counterexample: Json): void {
    const { receiver } = { receiver: this.#receiver };
    const tokens = tokensOf(reason.path);
    const node = tokens.reduce<SourceNode>((at, token) => childOf(at, token) ?? at, input.node);
    const isMissing = reason.kind === 'missing_property' || reason.kind === 'optional_property';
    const what = isMissing
      ? `it requires ${shownField([...tokens, String(reason.expected)])}, which is not given`
      : `${shownField(tokens)} ${reason.message}`;
    this.#diagnostics.report(
      'SCHEMA_COMPATIBILITY',
      placeOf(node),
      `${receiver.name} refuses its input: ${what}`,
      {
        hint: isMissing
          ? `give it in the ${receiver.field} of "${receiver.state.name}"`
          : `keep to the schema of ${receiver.short}`,
        ...expectedOf(reason),
        counterexample,
      },
    );
  }
}

const faultOf = (tokens: Path, reason: Reason, isFixed: boolean): string => {
  if (reason.kind === 'missing_property')
    return `${shownField([...tokens, String(reason.expected)])} is required, but not declared by the sender`;
  const told = isFixed ? reason.message.replace(/^may be /, 'is ') : reason.message;
  return `${shownField(tokens)} ${told}`;
};

const expectedOf = ({ expected, actual }: Reason) => ({
  ...(expected === undefined
    ? {}
    : { expected: typeof expected === 'string' ? expected : JSON.stringify(expected) }),
  ...(actual === undefined ? {} : { actual: JSON.stringify(actual) }),
});
