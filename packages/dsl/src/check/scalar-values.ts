/** Single values against their kinds. */
import type { Diagnostics } from '../diagnostics.js';
import { parsePath, parseWritePath } from '../language/path.js';
import { maxNameLength, maxProseLength, textForms, type ValueKind } from '../language/value-kind.js';
import { didYouMean } from '../nearest.js';
import { describeNode, placeOf, type SourceNode, textOf } from '../source/source-node.js';

const scalarKinds = [
  'text',
  'label',
  'flag',
  'true',
  'number',
  'choice',
  'path',
  'expression',
  'script',
  'target',
  'reference',
] as const;

export type ScalarKind = Extract<ValueKind, { readonly is: (typeof scalarKinds)[number] }>;

export const isScalarKind = (kind: ValueKind): kind is ScalarKind =>
  (scalarKinds as readonly string[]).includes(kind.is);

type Verdict = { readonly expected: string; readonly hint?: string | undefined } | undefined;

const checkNumber = (kind: ScalarKind & { is: 'number' }, node: SourceNode): Verdict => {
  const value = node.kind === 'scalar' ? node.value : null;
  const isInRange =
    typeof value === 'number' &&
    value >= (kind.min ?? Number.NEGATIVE_INFINITY) &&
    value > (kind.above ?? Number.NEGATIVE_INFINITY) &&
    value <= (kind.max ?? Number.MAX_SAFE_INTEGER) &&
    (kind.isWhole !== true || Number.isInteger(value));
  if (isInRange) return undefined;
  const bounds = [
    kind.min === undefined ? [] : [`from ${kind.min}`],
    kind.above === undefined ? [] : [`above ${kind.above}`],
    kind.max === undefined ? [] : [`up to ${kind.max}`],
  ].flat();
  const noun = kind.isWhole === true ? 'a whole number' : 'a number';
  return {
    expected: [noun, ...bounds].join(' '),
    hint:
      typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
        ? 'leave the quotes out'
        : undefined,
  };
};

const checkText = (kind: ScalarKind & { is: 'text' }, text: string | undefined): Verdict => {
  const form = textForms[kind.form];
  if (text === undefined) return { expected: 'a text', hint: 'put it in quotes' };
  if (!form.pattern.test(text)) return { expected: form.rule };
  const maxLength = kind.form === 'any' ? maxProseLength : maxNameLength;
  return text.length > maxLength ? { expected: `at most ${maxLength} characters long` } : undefined;
};

const checkFlag = (kind: ScalarKind, node: SourceNode): Verdict => {
  const value = node.kind === 'scalar' ? node.value : undefined;
  if (kind.is === 'true') {
    return value === true ? undefined : { expected: 'true', hint: 'leave the field out where it is not so' };
  }
  return typeof value === 'boolean' ? undefined : { expected: 'true or false' };
};

const verdictOf = (kind: Exclude<ScalarKind, { is: 'path' | 'choice' }>, node: SourceNode): Verdict => {
  const text = textOf(node);
  switch (kind.is) {
    case 'number':
      return checkNumber(kind, node);
    case 'text':
      return checkText(kind, text);
    case 'flag':
    case 'true':
      return checkFlag(kind, node);
    case 'label': {
      const isLabel =
        (text !== undefined && text !== '') || (node.kind === 'scalar' && typeof node.value === 'number');
      if (!isLabel) return { expected: 'a text' };
      return (text ?? '').length > maxNameLength
        ? { expected: `at most ${maxNameLength} characters long` }
        : undefined;
    }
    case 'target':
    case 'reference':
      return text === undefined || text === '' ? { expected: 'a name' } : undefined;
    case 'expression':
    case 'script': {
      const isExpression = text !== undefined && text.trim() !== '';
      return isExpression ? undefined : { expected: 'an expression', hint: 'put it in quotes' };
    }
  }
};

const checkChoice = (
  name: string,
  kind: ValueKind & { is: 'choice' },
  node: SourceNode,
  diagnostics: Diagnostics,
) => {
  const text = textOf(node);
  if (text !== undefined && kind.of.includes(text)) return true;
  const allowed = kind.of.join(', ');
  const hint = (text === undefined ? undefined : didYouMean(text, kind.of)) ?? `it is one of ${allowed}`;
  const message =
    kind.code === 'UNKNOWN_ACTION'
      ? `${describeNode(node)} is not an action`
      : `"${name}" cannot be ${describeNode(node)}`;
  diagnostics.report(kind.code ?? 'INVALID_VALUE', placeOf(node), message, {
    hint,
    expected: `one of ${allowed}`,
  });
  return false;
};

const checkPath = (
  name: string,
  kind: ValueKind & { is: 'path' },
  node: SourceNode,
  diagnostics: Diagnostics,
) => {
  const text = textOf(node);
  const parsed = kind.use === 'write' ? parseWritePath(text ?? '') : parsePath(text ?? '');
  if (text !== undefined && parsed.ok) return true;
  const reason = text === undefined || parsed.ok ? 'must be a text' : parsed.message;
  const hint = parsed.ok ? undefined : parsed.hint;
  diagnostics.report('INVALID_PATH', placeOf(node), `the path "${text ?? ''}" of "${name}" ${reason}`, {
    hint,
  });
  return false;
};

/** True when the value is of its kind; otherwise the fault is reported. */
export const checkScalar = (
  name: string,
  kind: ScalarKind,
  node: SourceNode,
  diagnostics: Diagnostics,
): boolean => {
  if (kind.is === 'choice') return checkChoice(name, kind, node, diagnostics);
  if (kind.is === 'path') return checkPath(name, kind, node, diagnostics);
  const verdict = verdictOf(kind, node);
  if (verdict === undefined) return true;
  const actual = describeNode(node);
  const message = `"${name}" must be ${verdict.expected}, not ${actual}`;
  diagnostics.report('INVALID_VALUE', placeOf(node), message, { ...verdict, actual });
  return false;
};
