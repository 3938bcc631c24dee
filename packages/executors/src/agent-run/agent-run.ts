/**
 * `agent.run`: asks the model of one of the workspace's agents.
 *
 * 1. An input that does not keep the agent's input schema never reaches the model.
 * 2. The result is the agent's structured answer when it has an output schema or has answered with one JSON object,
 *    else `{ result: <text> }`.
 * 3. An output that does not keep the output schema is a warning kept on the step; an error only under
 *    `outputValidation: strict`.
 */
import type { AgentDefinition } from '@signalbox/dsl';
import {
  type Evaluator,
  isJsonObject,
  type Json,
  type JsonObject,
  renderTemplate,
  type StepError,
  stepError,
} from '@signalbox/engine';
import type { Completion, ModelAnswer, ModelProvider } from '@signalbox/llm';
import type { StepTask } from '@signalbox/protocol';
import type { CheckThreads } from '@signalbox/validation';
import type { Execution, ExecutionContext, StepExecutor, StepWarning } from '../step-executor.js';
import { type AgentRequest, agentRequestOf } from './agent-of-task.js';

export interface AgentRunOptions {
  /** Renders prompts. */
  readonly evaluator: Evaluator;
  readonly providers: readonly ModelProvider[];
  /** Checks what goes into an agent and what comes out of it; other steps go on meanwhile. */
  readonly checks: CheckThreads;
}

interface Parts {
  readonly evaluator: Evaluator;
  readonly providers: ReadonlyMap<string, ModelProvider>;
  readonly checks: CheckThreads;
}

export const createAgentRunExecutor = (options: AgentRunOptions): StepExecutor => {
  const parts: Parts = {
    evaluator: options.evaluator,
    providers: new Map(options.providers.map((provider) => [provider.name, provider])),
    checks: options.checks,
  };
  return { action: 'agent.run', execute: (task, context) => runAgent(task, context, parts) };
};

const runAgent = async (task: StepTask, context: ExecutionContext, parts: Parts): Promise<Execution> => {
  const found = agentRequestOf(task);
  if (!found.ok) return found;
  const { request } = found;
  const inputError = await inputErrorOf(task, request, parts.checks);
  if (inputError !== undefined) return { ok: false, error: inputError };
  const completion = await ask(request, context, parts);
  if (!completion.ok) return { ok: false, error: about(request.agent, completion.error) };
  context.logger.info('an agent has answered', { agent: request.agent.name, ...completion.usage });
  return concluded(task, request.agent, outputOf(request.agent, completion.answer), parts.checks);
};

const inputErrorOf = async (
  { workspace }: StepTask,
  { agent, inputs }: AgentRequest,
  checks: CheckThreads,
): Promise<StepError | undefined> => {
  if (agent.inputSchema === undefined) return undefined;
  const verdict = await checks.checkValue(workspace, agent.inputSchema, inputs.input);
  switch (verdict.kind) {
    case 'valid':
      return undefined;
    case 'violated':
      return stepError(
        'SCHEMA_VALIDATION_INPUT',
        `the input of the agent "${agent.name}" does not keep its schema: ${verdict.violations.join('; ')}`,
        { agent: agent.name, violations: verdict.violations },
      );
    case 'unusable':
      return stepError(
        'SCHEMA_VALIDATION_INPUT',
        `the input of the agent "${agent.name}" could not be checked against its schema: ${verdict.reason}`,
        { agent: agent.name },
      );
  }
};

const ask = async (
  { agent, inputs }: AgentRequest,
  context: ExecutionContext,
  { evaluator, providers }: Parts,
): Promise<Completion> => {
  const provider = providers.get(agent.model.provider);
  if (provider === undefined) return { ok: false, error: unknownProvider(agent, [...providers.keys()]) };
  const names: JsonObject = { ...inputs };
  const lookup = (name: string): Json | undefined => (Object.hasOwn(names, name) ? names[name] : undefined);
  const prompt = renderTemplate(agent.prompt, lookup, evaluator);
  if (!prompt.ok) return prompt;
  const { config, answers, outputSchema, timeoutMs } = agent;
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const completion = await provider.complete({
    model: agent.model.name,
    messages: [{ role: 'user', content: textOf(prompt.value) }],
    inputs: names,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    config: { ...config, ...(answers === undefined ? {} : { answers }) },
    attempt: inputs.attempt,
    signal: timeout === undefined ? context.signal : AbortSignal.any([context.signal, timeout]),
  });
  if (timeout?.aborted === true && !context.signal.aborted && !completion.ok) {
    return {
      ok: false,
      error: stepError('PROVIDER_UNAVAILABLE', `${provider.name} gave no answer within ${timeoutMs} ms`),
    };
  }
  return completion;
};

/** Trying again asks the same worker's release: it does not help. */
const unknownProvider = (agent: AgentDefinition, known: readonly string[]): StepError => ({
  ...stepError(
    'PROVIDER_UNAVAILABLE',
    `this worker has no model provider "${agent.model.provider}"; it has: ${known.join(', ') || 'none'}`,
    { provider: agent.model.provider, known },
  ),
  retryable: false,
});

const about = (agent: AgentDefinition, error: StepError): StepError => ({
  ...error,
  message: `agent "${agent.name}": ${error.message}`,
});

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A structured output need not be an object when the schema allows for something else. */
const outputOf = (agent: AgentDefinition, answer: ModelAnswer): Json => {
  const value = answer.kind === 'value' ? answer.value : jsonIn(answer.text);
  if (value !== undefined && (agent.outputSchema !== undefined || isJsonObject(value))) return value;
  return { result: answer.kind === 'text' ? answer.text : answer.value };
};

/** The one JSON value that a text is, also inside of a Markdown fence as models like to answer; undefined when it is none. */
const jsonIn = (text: string): Json | undefined => {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text);
  try {
    return JSON.parse(fenced?.[1] ?? text) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const concluded = async (
  task: StepTask,
  agent: AgentDefinition,
  output: Json,
  checks: CheckThreads,
): Promise<Execution> => {
  if (agent.outputSchema === undefined) return { ok: true, output };
  const verdict = await checks.checkValue(task.workspace, agent.outputSchema, output);
  if (verdict.kind === 'valid') return { ok: true, output };
  const message =
    verdict.kind === 'violated'
      ? `the output of the agent "${agent.name}" does not keep its schema: ${verdict.violations.join('; ')}`
      : `the output of the agent "${agent.name}" could not be checked against its schema: ${verdict.reason}`;
  if (task.outputValidation === 'strict') {
    return { ok: false, error: stepError('SCHEMA_VALIDATION_OUTPUT', message, { agent: agent.name }) };
  }
  const warning: StepWarning = { code: 'SCHEMA_VALIDATION_OUTPUT', message };
  return { ok: true, output, warnings: [warning] };
};
