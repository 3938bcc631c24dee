/** Reads what an `agent.run` task carries: which agent, and what it is asked. */
import type { AgentDefinition } from '@signalbox/dsl';
import { isJsonObject, type Json, type JsonObject, type StepError, stepError } from '@signalbox/engine';
import type { StepTask } from '@signalbox/protocol';

export interface AgentRequest {
  readonly agent: AgentDefinition;
  /** The values by the names that the prompt and scripted answers use. */
  readonly inputs: {
    /** What the agent's input schema describes: the variables, and `task` where the schema names it. */
    readonly input: JsonObject;
    /** '' when the state gives none. */
    readonly task: string;
    readonly variables: JsonObject;
    readonly attempt: number;
  };
}

export type AgentRequestResult =
  | { readonly ok: true; readonly request: AgentRequest }
  | { readonly ok: false; readonly error: StepError };

export const agentRequestOf = (task: StepTask): AgentRequestResult => {
  const input = isJsonObject(task.input) ? task.input : {};
  const name = typeof input.agent === 'string' ? input.agent.trim() : '';
  if (name === '') return failed('agent name is required', task);
  if (task.agent === undefined || task.agent === null) {
    return failed(`agent not found in environment: "${name}"`, task);
  }
  if (!isAgentDefinition(task.agent)) {
    const message = `the definition of the agent "${name}" that came with the task cannot be read`;
    return { ok: false, error: { ...stepError('AGENT_ERROR', message), retryable: false } };
  }
  const agent = task.agent;
  const given = textOf(input.task);
  const variables = variablesOf(input.variables);
  return {
    ok: true,
    request: {
      agent,
      inputs: {
        input:
          given !== undefined && namesTask(agent.inputSchema) ? { ...variables, task: given } : variables,
        task: given ?? '',
        variables,
        attempt: task.attempt,
      },
    },
  };
};

const failed = (message: string, task: StepTask): AgentRequestResult => ({
  ok: false,
  error: stepError('AGENT_NOT_FOUND', message, { state: task.state, workspace: task.workspace }),
});

/** A template that is one expression may give anything: what is no text is written as inside of a longer one. */
const textOf = (task: Json | undefined): string | undefined =>
  task === undefined || typeof task === 'string' ? task : JSON.stringify(task);

/** The previous step's output, which may take the place of `variables`, need not be an object. */
const variablesOf = (given: Json | undefined): JsonObject => {
  if (given === undefined || given === null) return {};
  return isJsonObject(given) ? given : { value: given };
};

const namesTask = (schema: Json | undefined): boolean =>
  isJsonObject(schema) && isJsonObject(schema.properties) && Object.hasOwn(schema.properties, 'task');

/** The orchestrator stores no agent that `packages/dsl` has not parsed: this guards against other releases only. */
const isAgentDefinition = (value: unknown): value is AgentDefinition => {
  if (!isRecord(value) || !isRecord(value.model) || !isRecord(value.prompt)) return false;
  const { model, prompt, answers } = value;
  return (
    typeof model.provider === 'string' &&
    typeof model.name === 'string' &&
    typeof prompt.kind === 'string' &&
    (answers === undefined || Array.isArray(answers))
  );
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
