/**
 * Evaluations: what a state asks of its author's expressions, and what a worker answers when that is more than a decision
 * may spend.
 *
 * 1. What a state asks follows from its plan alone, in the order in which entering it looks at the answers; so an answer
 *    is known by its place.
 * 2. The task holds the values that the expressions read and nothing else of the run.
 */
import { isJsonObject, type Json, type JsonObject } from './json.js';
import type { StatePlan, Template } from './plan.js';
import type { Evaluation, Evaluator, Lookup, Question } from './world.js';

/** What a state asks, or a scope's end. */
export interface Asked {
  readonly questions: readonly Question[];
  /** Of a switch: what stands behind the first condition that is not false is not looked at. */
  readonly untilTrue: boolean;
}

const nothing: Asked = { questions: [], untilTrue: false };

export const askedBy = (plan: StatePlan): Asked => {
  switch (plan.type) {
    case 'operation':
    case 'workflow':
      return askedIn(plan.input);
    case 'inject':
      return askedIn(plan.data);
    case 'transform':
      return { questions: [{ kind: 'script', source: plan.script }], untilTrue: false };
    case 'switch':
      return {
        questions: plan.conditions.map((condition) => ({ kind: 'expression', source: condition.if })),
        untilTrue: true,
      };
    case 'wait':
      return 'instant' in plan.until ? askedIn(plan.until.instant) : nothing;
    case 'parallel':
    case 'foreach':
    case 'signal':
      return nothing;
  }
};

const askedInTemplates = new WeakMap<Template, Asked>();

/** The same object each time for the same template. */
export const askedIn = (template: Template): Asked => {
  const known = askedInTemplates.get(template);
  if (known !== undefined) return known;
  const questions: Question[] = [];
  collect(template, questions);
  const asked = { questions, untilTrue: false };
  askedInTemplates.set(template, asked);
  return asked;
};

/** In the order in which `renderTemplate` comes by. */
const collect = (template: Template, into: Question[]): void => {
  switch (template.kind) {
    case 'literal':
      break;
    case 'expression':
      into.push({ kind: 'expression', source: template.expression });
      break;
    case 'text':
      for (const part of template.parts)
        if ('expression' in part) into.push({ kind: 'expression', source: part.expression });
      break;
    case 'object':
      for (const [, field] of template.fields) collect(field, into);
      break;
    case 'list':
      for (const item of template.items) collect(item, into);
      break;
  }
};

/** Whether nothing behind this answer is looked at. */
export const isLastAnswer = (answer: Evaluation, untilTrue: boolean): boolean =>
  !answer.ok || (untilTrue && answer.value !== false);

/** Gives answers one after the other, whatever is asked: what is asked is known by its place. */
export const evaluatorOf = (answers: readonly Evaluation[]): Evaluator => {
  let place = 0;
  const next = (): Evaluation => {
    const answer = answers[place];
    place += 1;
    return (
      answer ?? { ok: false, code: 'EXPRESSION_ERROR', message: 'the evaluation has no answer for this' }
    );
  };
  return { expression: next, script: next };
};

/** For answers that are there already: nothing is looked up for them. */
export const noNames: Lookup = () => undefined;

/** The input of the action `expression.evaluate`. */
export interface EvaluationTask extends Asked {
  readonly values: { readonly [name: string]: Json };
}

const isQuestion = (value: Json): boolean =>
  isJsonObject(value) &&
  (value.kind === 'expression' || value.kind === 'script') &&
  typeof value.source === 'string';

/** Undefined where the value is no such input. */
export const evaluationTask = (input: Json): EvaluationTask | undefined => {
  if (!isJsonObject(input)) return undefined;
  const { questions, untilTrue, values } = input;
  if (!Array.isArray(questions) || !questions.every(isQuestion)) return undefined;
  if (typeof untilTrue !== 'boolean' || !isJsonObject(values)) return undefined;
  return { questions: questions as unknown as readonly Question[], untilTrue, values };
};

export const inputOf = ({ questions, untilTrue, values }: EvaluationTask): Json => ({
  questions: questions.map(({ kind, source }) => ({ kind, source })),
  untilTrue,
  values,
});

/** What an executor reports; `answers` ends with the first that decides. */
export const outputOf = (answers: readonly Evaluation[]): Json => ({
  answers: answers.map(
    (answer): Json =>
      answer.ok
        ? { ok: true, value: answer.value }
        : { ok: false, code: answer.code, message: answer.message },
  ),
});

const failureCodes = ['EXPRESSION_ERROR', 'EXPRESSION_LIMIT', 'PAYLOAD_TOO_LARGE'] as const;

const answerIn = (value: JsonObject): Evaluation | undefined => {
  if (value.ok === true && value.value !== undefined) return { ok: true, value: value.value };
  const code = failureCodes.find((known) => known === value.code);
  const { message } = value;
  return value.ok === false && code !== undefined && typeof message === 'string'
    ? { ok: false, code, message }
    : undefined;
};

/** The answers in a report; of one that is none of these, none. */
export const answersIn = (output: Json): readonly Evaluation[] => {
  const found: Evaluation[] = [];
  const answers = isJsonObject(output) ? output.answers : undefined;
  if (!Array.isArray(answers)) return found;
  for (const value of answers as readonly Json[]) {
    const answer = isJsonObject(value) ? answerIn(value) : undefined;
    if (answer === undefined) return [];
    found.push(answer);
  }
  return found;
};

/** Whether the answers are all that a task asks for. */
export const isComplete = (answers: readonly Evaluation[], { questions, untilTrue }: Asked): boolean => {
  const last = answers.at(-1);
  if (last === undefined) return questions.length === 0;
  return answers.length === questions.length || isLastAnswer(last, untilTrue);
};
