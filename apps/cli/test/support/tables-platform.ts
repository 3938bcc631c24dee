/** What the test tables do on a platform: put agents and workflows, start runs, wait for them, read what happened. */

import type { World } from '@signalbox/testing';
import { eventually } from '@signalbox/testing';
import { stringify } from 'yaml';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type State = Readonly<Record<string, Json>>;

export interface Issue {
  readonly code: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
  readonly counterexample?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly version?: number;
    readonly source?: string;
    readonly valid?: boolean;
    readonly errors?: readonly Issue[];
    readonly warnings?: readonly Issue[];
  };
}

export interface Step {
  readonly stepId: string;
  readonly scope: string;
  readonly state: string;
  readonly status: string;
  readonly attempt: number | null;
  readonly startedAt: string | null;
  readonly retryAt: string | null;
  readonly childRunId: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly details?: unknown } | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export interface Run {
  readonly runId: string;
  readonly status: string;
  readonly output?: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly parent: { readonly runId: string } | null;
  readonly steps: readonly Step[];
}

export interface RunEvent {
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const runsRoot = '/api/v1/workflow-runs';
const workflowsRoot = '/api/v1/workflows';

/** A refusal is an answer here; `World.call` throws it. */
export const request = async (
  apiUrl: string,
  method: string,
  path: string,
  body?: string | object,
): Promise<Answer> => {
  const isText = typeof body === 'string';
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: {
      'x-signalbox-actor': 'user:alice',
      ...(body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
};

export const createWorkflow = (world: World, source: string): Promise<Answer> =>
  request(world.apiUrl, 'POST', workflowsRoot, source);
export const updateWorkflow = (world: World, id: string, source: string): Promise<Answer> =>
  request(world.apiUrl, 'PUT', `${workflowsRoot}/${id}`, source);
export const readWorkflow = (world: World, id: string): Promise<Answer> =>
  request(world.apiUrl, 'GET', `${workflowsRoot}/${id}`);
export const validateWorkflow = (world: World, source: string): Promise<Answer> =>
  request(world.apiUrl, 'POST', `${workflowsRoot}/validate`, source);

/** An object schema: the fields given, all of them required unless `required` says which. */
export const fields = (
  properties: Readonly<Record<string, Json>>,
  required: readonly string[] = Object.keys(properties),
): Json => ({ type: 'object', properties, required: [...required] });

export interface AgentParts {
  readonly input?: Json;
  readonly output?: Json;
  readonly answers: readonly Json[];
}

/** An agent of the provider `scripted`. */
export const agentSource = ({ input, output, answers }: AgentParts): string => {
  const settings = {
    model: 'scripted/tables',
    ...(input === undefined ? {} : { input: { schema: input } }),
    ...(output === undefined ? {} : { output: { schema: output } }),
    answers,
  };
  return `---\n${stringify(settings)}---\n{{ task }}\n`;
};

export const putAgent = (world: World, name: string, parts: AgentParts): Promise<unknown> =>
  world.call('PUT', `/api/v1/agents/${name}`, agentSource(parts));

/** A definition of its states one after the other, unless they say where they lead. */
export const workflowSource = (id: string, states: readonly State[], more: State = {}): string =>
  stringify({ id, version: '1', name: id, start: states[0]?.name ?? '', ...more, states: inLine(states) });

export const inLine = (states: readonly State[]): State[] =>
  states.map((state, index) => {
    if ('next' in state || 'end' in state || state.type === 'switch') return state;
    const next = states[index + 1]?.name;
    return { ...state, ...(next === undefined ? { end: true } : { next }) };
  });

/** A state that runs an agent. */
export const runs = (name: string, agent: string, input: State = {}, more: State = {}): State => ({
  name,
  type: 'operation',
  action: 'agent.run',
  input: { agent, ...input },
  ...more,
});

/** Creates the workflow, which must be taken. */
export const mustCreate = async (world: World, source: string): Promise<Answer['body']> => {
  const { status, body } = await createWorkflow(world, source);
  if (status !== 201) throw new Error(`the workflow is refused (${status}): ${JSON.stringify(body)}`);
  return body;
};

export const startRun = async (world: World, workflow: string, input: Json = {}): Promise<string> =>
  (await world.call<Run>('POST', runsRoot, { workflow, input })).runId;

export const readRun = (world: World, runId: string): Promise<Run> =>
  world.call<Run>('GET', `${runsRoot}/${runId}`);

export const eventsOf = async (world: World, runId: string): Promise<readonly RunEvent[]> =>
  (await world.call<{ items: RunEvent[] }>('GET', `${runsRoot}/${runId}/events?limit=1000`)).items;

/** Waits until the condition holds of the run; says what the run was like when it never does. */
export const runWhere = async (
  world: World,
  runId: string,
  describe: string,
  condition: (run: Run) => boolean,
): Promise<Run> => {
  let last = 'not there';
  return eventually(
    async () => {
      const answer = await request(world.apiUrl, 'GET', `${runsRoot}/${runId}`);
      // A child run is named by its parent before it has been started.
      if (answer.status === 404) return undefined;
      const run = answer.body as unknown as Run;
      last = JSON.stringify({
        status: run.status,
        error: run.error,
        steps: run.steps.map(({ scope, state, status }) => [scope, state, status]),
      });
      return condition(run) ? run : undefined;
    },
    { timeoutMs: 40_000, intervalMs: 25, describe: () => `${describe}; the run is ${last}` },
  );
};

const ends: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);

export const ended = (world: World, runId: string): Promise<Run> =>
  runWhere(world, runId, 'the run ends', (run) => ends.has(run.status));

/** Creates the workflow, runs it, and gives the run at its end. */
export const runToEnd = async (world: World, source: string, input: Json = {}): Promise<Run> => {
  const { id } = (await mustCreate(world, source)) as { readonly id: string };
  return ended(world, await startRun(world, id, input));
};

/** The step of a state by its name; in a branch or an iteration with the scope before it. */
export const stepOf = (run: Run, name: string): Step => {
  const found = run.steps.find(({ scope, state }) => (scope === '' ? state : `${scope}/${state}`) === name);
  if (found === undefined) throw new Error(`there is no step ${name} in ${JSON.stringify(run.steps)}`);
  return found;
};

/** Ids of the runs in which the agent has answered, as the worker's log tells. */
export const runsWithAnswerOf = (world: World, worker: string, agent: string): readonly string[] =>
  world.processOf(worker).lines.flatMap((line) => {
    if (!line.includes('an agent has answered')) return [];
    const entry = JSON.parse(line) as { agent?: string; run_id?: string };
    return entry.agent === agent && entry.run_id !== undefined ? [entry.run_id] : [];
  });

/** Of one step, in order, from the run's history. */
export const eventsOfStep = async (
  world: World,
  run: Run,
  name: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const { stepId } = stepOf(run, name);
  const events = await eventsOf(world, run.runId);
  return events
    .filter(({ data }) => data.stepId === stepId)
    .map(({ type, at, data }) => ({ type, at, ...data }));
};
