/**
 * A pure evaluator for the engine's tests: enough of an expression language to steer runs. The real one is another
 * package; the engine knows it only as this port.
 *
 * Understood: JSON literals, dotted names, `a == b`, `a != b`, `a > b`, `a < b`, `a + b`, and `limit()`, which hits one.
 * `heavy(x)` is x, at a cost that no decision has to spend.
 */
import {
  type Budget,
  type Evaluation,
  type EvaluationTask,
  type Evaluator,
  evaluationOutput,
  isJsonObject,
  isLastAnswer,
  type Json,
  type Lookup,
  type OverBudget,
} from '../../src/index.js';

class ExpressionError extends Error {}

const operators: { readonly [operator: string]: (left: Json, right: Json) => Json } = {
  '==': (left, right) => JSON.stringify(left) === JSON.stringify(right),
  '!=': (left, right) => JSON.stringify(left) !== JSON.stringify(right),
  '>': (left, right) => Number(left) > Number(right),
  '<': (left, right) => Number(left) < Number(right),
  '+': (left, right) => Number(left) + Number(right),
};

const operand = (text: string, lookup: Lookup): Json => {
  if (/^[-0-9"[{]|^(?:true|false|null)$/.test(text)) return JSON.parse(text) as Json;
  const [root = '', ...fields] = text.split('.');
  let value = lookup(root);
  if (value === undefined) throw new ExpressionError(`${root} is not defined`);
  for (const field of fields) {
    const next: Json | undefined = isJsonObject(value) ? value[field] : undefined;
    if (next === undefined) throw new ExpressionError(`no field "${field}" in ${text}`);
    value = next;
  }
  return value;
};

const evaluateText = (source: string, lookup: Lookup): Evaluation => {
  if (source === 'limit()') return { ok: false, code: 'EXPRESSION_LIMIT', message: 'too many steps' };
  try {
    const [, left, operator = '', right] = /^(.+?) (==|!=|>|<|\+) (.+)$/.exec(source) ?? [];
    const apply = operators[operator];
    if (left === undefined || right === undefined || apply === undefined)
      return { ok: true, value: operand(source, lookup) };
    return { ok: true, value: apply(operand(left, lookup), operand(right, lookup)) };
  } catch (error) {
    if (error instanceof ExpressionError)
      return { ok: false, code: 'EXPRESSION_ERROR', message: error.message };
    throw error;
  }
};

const heavy = /^heavy\((.*)\)$/;

/** Without limits, as a worker evaluates. */
const evaluateFully = (source: string, lookup: Lookup): Evaluation =>
  evaluateText(heavy.exec(source)?.[1] ?? source, lookup);

export const evaluator: Evaluator = { expression: evaluateFully, script: evaluateFully };

const rootNames = (source: string): readonly string[] => source.match(/(?<![.\w"])[a-z_]\w*/gi) ?? [];

/** Evaluates what is not `heavy`, while `fits` allows it. */
export const budgetOf = (fits: () => true | OverBudget['fits'] = () => true): Budget => ({
  maxReadBytes: 4 * 1024 * 1024,
  attempt: ({ source }, lookup) => {
    const answer = heavy.test(source) ? 'never' : fits();
    return answer === true ? evaluateText(source, lookup) : { ok: false, code: 'OVER_BUDGET', fits: answer };
  },
  namesOf: ({ source }) => rootNames(source).map((name) => ({ name, reads: true })),
});

/** What a worker reports. */
export const evaluated = ({ questions, untilTrue, values }: EvaluationTask): Json => {
  const answers: Evaluation[] = [];
  for (const { source } of questions) {
    const answer = evaluateFully(source, (name) => values[name]);
    answers.push(answer);
    if (isLastAnswer(answer, untilTrue)) break;
  }
  return evaluationOutput(answers);
};
