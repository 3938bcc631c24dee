/** Expressions whose value the checker can follow: a plain path, a literal, a comparison of such. All others are `other`. */
import type { Json } from '@signalbox/engine';

export type Operand = Extract<SimpleExpression, { kind: 'path' | 'literal' }>;

export interface Comparison {
  readonly left: Operand;
  readonly operator: string;
  readonly right: Operand;
}

export type SimpleExpression =
  | { readonly kind: 'path'; readonly name: string; readonly keys: readonly (string | number)[] }
  | { readonly kind: 'literal'; readonly value: Json }
  | ({ readonly kind: 'comparison' } & Comparison)
  | { readonly kind: 'other' };

const part = String.raw`\s*(?:\.\s*[A-Za-z_]\w*|\[\s*(?:"[^"\\\n]*"|'[^'\\\n]*'|\d{1,9})\s*\])`;
const pathText = String.raw`[A-Za-z_]\w*(?:${part})*`;
const literalText = String.raw`"[^"\\\n]*"|'[^'\\\n]*'|-?\d{1,15}(?:\.\d{1,15})?`;
const operand = `(?:${literalText}|${pathText})`;

const wholePath = new RegExp(String.raw`^(?<name>[A-Za-z_]\w*)(?<keys>(?:${part})*)$`);
const wholeLiteral = new RegExp(`^(?:${literalText})$`);
const wholeComparison = new RegExp(
  String.raw`^(?<left>${operand})\s*(?<operator>==|!=|<=|>=|<|>|\bnot\s+in\b|\bin\b)\s*(?<right>${operand})$`,
);
const eachKey =
  /\.\s*(?<field>[A-Za-z_]\w*)|\[\s*(?:"(?<double>[^"\\\n]*)"|'(?<single>[^'\\\n]*)'|(?<index>\d+))\s*\]/g;

const constants: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['None', null],
]);

/** Longer ones are not looked at: it bounds the time of matching. */
const maxLength = 500;

const operandOf = (text: string): Operand | undefined => {
  if (constants.has(text)) return { kind: 'literal', value: constants.get(text) ?? null };
  if (wholeLiteral.test(text)) return { kind: 'literal', value: literalOf(text) };
  const groups = wholePath.exec(text)?.groups;
  return groups === undefined
    ? undefined
    : { kind: 'path', name: groups.name ?? '', keys: keysOf(groups.keys ?? '') };
};

export const simpleExpressionOf = (source: string): SimpleExpression => {
  const text = source.trim();
  if (text.length > maxLength) return { kind: 'other' };
  const single = operandOf(text);
  if (single !== undefined) return single;
  const groups = wholeComparison.exec(text)?.groups;
  const left = operandOf(groups?.left ?? '');
  const right = operandOf(groups?.right ?? '');
  if (left === undefined || right === undefined) return { kind: 'other' };
  return { kind: 'comparison', left, operator: groups?.operator ?? '', right };
};

const literalOf = (text: string): Json => (/^["']/.test(text) ? text.slice(1, -1) : Number(text));

const keysOf = (text: string): readonly (string | number)[] =>
  [...text.matchAll(eachKey)].map(({ groups }) =>
    groups?.index === undefined
      ? (groups?.field ?? groups?.double ?? groups?.single ?? '')
      : Number(groups.index),
  );
