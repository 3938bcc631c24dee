/**
 * The provider `scripted`: answers that stand in the agent's file. It calls no model; it exists so that demos and
 * tests need no key, and it says so wherever its answers show up (`usage.provider` is `scripted`).
 *
 * The first answer whose `when` holds is taken: after `latencyMs`, its first `failTimes` attempts fail with
 * `PROVIDER_UNAVAILABLE` and the later ones give the rendered `output`.
 */
import type { ScriptedAnswer } from '@signalbox/dsl';
import {
  type Evaluator,
  type Json,
  type JsonObject,
  type Lookup,
  renderTemplate,
  type StepError,
  stepError,
} from '@signalbox/engine';
import type { Completion, ModelProvider, ModelRequest } from '../model-provider.js';
import { waitUnlessAborted } from './wait-unless-aborted.js';

export const scriptedProviderName = 'scripted';

export const createScriptedProvider = (evaluator: Evaluator): ModelProvider => ({
  name: scriptedProviderName,
  complete: (request) => complete(request, evaluator),
});

const complete = async (request: ModelRequest, evaluator: Evaluator): Promise<Completion> => {
  const lookup = lookupIn(request.inputs);
  const choice = choose(request.config.answers ?? [], lookup, evaluator);
  if (!choice.ok) return choice;
  const { answer, label } = choice;
  if (!(await waitUnlessAborted(answer.latencyMs, request.signal))) {
    return { ok: false, error: stepError('CANCELLED', `the wait for ${label} was cancelled`) };
  }
  if (request.attempt <= answer.failTimes) {
    const message = `${label} fails its first ${answer.failTimes} attempts; this is attempt ${request.attempt}`;
    return { ok: false, error: stepError('PROVIDER_UNAVAILABLE', message) };
  }
  const rendered = renderTemplate(answer.output, lookup, evaluator);
  if (!rendered.ok) return { ok: false, error: named(rendered.error, label) };
  return {
    ok: true,
    answer: answerOf(rendered.value),
    usage: { provider: scriptedProviderName, model: request.model },
  };
};

const answerOf = (value: Json) =>
  typeof value === 'string' ? ({ kind: 'text', text: value } as const) : ({ kind: 'value', value } as const);

const lookupIn =
  (inputs: JsonObject): Lookup =>
  (name) =>
    Object.hasOwn(inputs, name) ? inputs[name] : undefined;

type Choice =
  | { readonly ok: true; readonly answer: ScriptedAnswer; readonly label: string }
  | { readonly ok: false; readonly error: StepError };

const choose = (answers: readonly ScriptedAnswer[], lookup: Lookup, evaluator: Evaluator): Choice => {
  for (const [index, answer] of answers.entries()) {
    const label = `scripted answer ${index + 1}`;
    if (answer.when === undefined) return { ok: true, answer, label };
    const condition = evaluator.expression(answer.when, lookup);
    if (!condition.ok) {
      return {
        ok: false,
        error: stepError(condition.code, `${label}, when ${answer.when}: ${condition.message}`),
      };
    }
    if (isTrue(condition.value)) return { ok: true, answer, label };
  }
  const tried = answers.map(({ when }, index) => `${index + 1}. when ${when}`).join('; ');
  const message =
    answers.length === 0
      ? 'the agent has no scripted answers'
      : `no scripted answer fits the input; tried: ${tried}`;
  return { ok: false, error: stepError('AGENT_ERROR', message) };
};

/** Starlark's own notion of truth: empty and zero are false. */
const isTrue = (value: Json): boolean => {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
};

const named = (error: StepError, label: string): StepError => ({
  ...error,
  message: `${label}: ${error.message}`,
});
