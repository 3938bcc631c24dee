/**
 * Comparisons of values whose types are known. Starlark orders only values of one type, and a condition must be true or false: what
 * breaks that fails at run time whatever the values are.
 */
import type { Json } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import { isState, readPathOf } from '../flow/scope-model.js';
import { childOf, type Place } from '../source/source-node.js';
import { saysNothing } from './make-schema.js';
import type { Owner, ReachingValues } from './reaching-values.js';
import { type Comparison, type Operand, simpleExpressionOf } from './simple-expression.js';
import { schemaOf, type Value } from './value.js';

/** As an author calls them. */
const types: readonly (readonly [string, Json])[] = [
  ['a number', { type: 'number' }],
  ['text', { type: 'string' }],
  ['a boolean', { type: 'boolean' }],
  ['a list', { type: 'array' }],
  ['an object', { type: 'object' }],
  ['null', { type: 'null' }],
];

const orders: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);
const equates: ReadonlySet<string> = new Set(['==', '!=']);

interface Part {
  readonly source: string;
  readonly index: number;
}

/** What stands between `and` and `or`; one part where brackets or texts make that uncertain. */
const partsOf = (source: string): readonly Part[] => {
  if (/[()[\]]|(["']).*\b(?:and|or|not)\b.*\1/.test(source)) return [{ source, index: 0 }];
  const parts: Part[] = [];
  let index = 0;
  for (const part of source.split(/(\s+(?:and|or)\s+)/)) {
    if (!/^\s+(?:and|or)\s+$/.test(part)) parts.push({ source: part, index });
    index += part.length;
  }
  return parts;
};

const shownOperand = (operand: Operand, source: string): string =>
  operand.kind === 'literal' ? JSON.stringify(operand.value) : source.trim();

export class OperandTypes {
  readonly #values: ReachingValues;
  readonly #diagnostics: Diagnostics;

  constructor(values: ReachingValues, diagnostics: Diagnostics) {
    this.#values = values;
    this.#diagnostics = diagnostics;
  }

  /** `isCondition`: of a switch, which must be true or false. `placeAt` gives the place of an index of the source. */
  check(source: string, owner: Owner, isCondition: boolean, placeAt: (index: number) => Place): void {
    const parts = partsOf(source);
    for (const part of parts) {
      const expression = simpleExpressionOf(part.source);
      if (expression.kind === 'comparison') this.#checkComparison(expression, part, owner, placeAt);
      if (isCondition && parts.length === 1 && (expression.kind === 'path' || expression.kind === 'literal'))
        this.#checkCondition(expression, part, owner, placeAt);
    }
  }

  #checkCondition(operand: Operand, part: Part, owner: Owner, placeAt: (index: number) => Place): void {
    const type = this.#typeOf(operand, owner);
    if (type === undefined || type === 'a boolean') return;
    const message = `a condition must be true or false, but ${shownOperand(operand, part.source)} is ${type}`;
    this.#diagnostics.report('INVALID_VALUE', placeAt(part.index), message, {
      hint: 'compare it with something',
      expected: 'a boolean',
      actual: type,
    });
  }

  #checkComparison(
    comparison: Comparison,
    part: Part,
    owner: Owner,
    placeAt: (index: number) => Place,
  ): void {
    const { operator } = comparison;
    const left = this.#typeOf(comparison.left, owner);
    const right = this.#typeOf(comparison.right, owner);
    if (left === undefined || right === undefined) return;
    const isOrder = orders.has(operator);
    if (
      left === right ? !isOrder || !['an object', 'null'].includes(left) : !isOrder && !equates.has(operator)
    )
      return;
    // Asking whether something is null is a precaution, whatever its schema says.
    if (!isOrder && (left === 'null' || right === 'null')) return;
    const fault = isOrder ? 'they cannot be ordered' : `they are never equal`;
    const message = `${part.source.trim()} compares ${left} with ${right}: ${fault}`;
    this.#diagnostics.report('INVALID_VALUE', placeAt(part.index), message, {
      hint: left === right ? 'compare fields of it' : `compare it with ${left}`,
      expected: left,
      actual: right,
    });
  }

  #typeOf(operand: Operand, owner: Owner): string | undefined {
    const schema = operand.kind === 'literal' ? { const: operand.value } : this.#schemaOf(operand, owner);
    if (schema === undefined || schema === false || saysNothing(schema)) return undefined;
    return types.find(([, type]) => this.#values.view.isWithin(schema, type))?.[0];
  }

  #schemaOf({ name, keys }: Extract<Operand, { kind: 'path' }>, owner: Owner): Json | undefined {
    const dataPath = isState(owner) && owner.type === 'switch' ? childOf(owner.node, 'dataPath') : undefined;
    const path = dataPath === undefined ? undefined : readPathOf(dataPath);
    if (path === undefined || ['ctx', 'input', 'run'].includes(name))
      return known(this.#values.named(owner, name, keys));
    if (name === 'result') return known(this.#values.contextAt(owner, [...path, ...keys]));
    const field = this.#values.contextAt(owner, [...path, name]);
    const isNoField = field.alternatives.every(({ schema }) => schema === false);
    if (isNoField) return known(this.#values.named(owner, name, keys));
    // A field that may be absent may give way to another name.
    const isCertain = field.alternatives.every(({ mayBeAbsent, isDeclared }) => isDeclared && !mayBeAbsent);
    return isCertain ? known(this.#values.contextAt(owner, [...path, name, ...keys])) : undefined;
  }
}

/** Only of a value that something certainly gives. */
const known = (value: Value): Json | undefined =>
  value.alternatives.some(({ isDeclared, schema }) => !isDeclared || schema === false)
    ? undefined
    : schemaOf(value);
