/**
 * Runs one workflow on the platform as its expectation says: starts it, does what people and other systems do meanwhile,
 * and waits for its end.
 */
import { runStatuses } from '@signalbox/engine';
import type { World } from '@signalbox/testing';
import { eventually } from '@signalbox/testing';
import { expect } from 'vitest';
import { z } from 'zod';

const decision = {
  as: z.string(),
  comment: z.string().optional(),
  data: z.unknown().optional(),
  refused: z.string().optional(),
};

/**
 * What is done from outside, in order. Each waits until the run has come to where it makes sense. `refused`: the code of its
 * refusal; absent: it is taken.
 */
const action = z.union([
  z.strictObject({ approve: z.string(), ...decision }),
  z.strictObject({ reject: z.string(), ...decision }),
  /** `at`: sent once the state of that name waits; absent: sent at once. */
  z.strictObject({
    signal: z.string(),
    payload: z.unknown().optional(),
    at: z.string().optional(),
    refused: z.string().optional(),
  }),
]);
type Action = z.infer<typeof action>;

const json = z.unknown();

export const runExpectation = z.strictObject({
  input: json.optional(),
  during: z.array(action).optional(),
  status: z.enum(runStatuses).optional(),
  /** The start itself is refused with this code. */
  refused: z.string().optional(),
  /** All of the output when it is a list or a scalar; of an object the fields that matter. */
  output: json.optional(),
  /** Code of the run's error. */
  error: z.string().optional(),
  /** The states in the order in which they were entered, each with its scope before it. */
  path: z.array(z.string()).optional(),
  /** By the same names: the fields that matter of a step. */
  steps: z.record(z.string(), z.record(z.string(), json)).optional(),
});
export type RunExpectation = z.infer<typeof runExpectation>;

interface Step {
  readonly stepId: string;
  readonly scope: string;
  readonly state: string;
  readonly status: string;
}

interface Run {
  readonly runId: string;
  readonly status: string;
  readonly output?: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly steps: readonly Step[];
}

interface Answer {
  readonly ok: boolean;
  readonly body: { readonly code?: string };
}

/** Who starts the runs. */
export const requester = 'user:alice';

const root = '/api/v1/workflow-runs';
const ends: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);

/** Unlike `world.call`, a refusal is an answer here. */
const post = async (world: World, path: string, body: unknown, actor: string): Promise<Answer> => {
  const response = await fetch(`${world.apiUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-signalbox-actor': actor },
    body: JSON.stringify(body),
  });
  return { ok: response.ok, body: (await response.json()) as Answer['body'] };
};

const readRun = (world: World, runId: string): Promise<Run> => world.call<Run>('GET', `${root}/${runId}`);

const nameOf = ({ scope, state }: Step): string => (scope === '' ? state : `${scope}/${state}`);

const told = (run: Run): string =>
  JSON.stringify({
    status: run.status,
    error: run.error,
    steps: run.steps.map((step) => [nameOf(step), step.status]),
  });

/** Waits for the condition to be true of the run; tells what the run was like when it never is. */
const runWith = async <T>(
  world: World,
  runId: string,
  describe: string,
  condition: (run: Run) => T | undefined | false,
): Promise<T> => {
  let last = '';
  const found = await eventually<{ value: T } | undefined>(
    async () => {
      const run = await readRun(world, runId);
      last = told(run);
      const value = condition(run);
      return value === undefined || value === false ? undefined : { value };
    },
    { timeoutMs: 30_000, intervalMs: 25, describe: () => `${describe}; the run is ${last}` },
  );
  return found.value;
};

const waitingStep = (world: World, runId: string, state: string, status: string): Promise<Step> =>
  runWith(world, runId, `"${state}" is ${status}`, (run) =>
    run.steps.find((step) => nameOf(step) === state && step.status === status),
  );

/** The approval service hears of an approval from the tasks, not from the api: until then it knows of none. */
const decide = async (
  world: World,
  runId: string,
  wanted: Extract<Action, { as: string }>,
): Promise<void> => {
  const [verb, state] = 'approve' in wanted ? ['approve', wanted.approve] : ['reject', wanted.reject];
  const { stepId } = await waitingStep(world, runId, state, 'WAITING_APPROVAL');
  const { as, comment, data, refused } = wanted;
  const body = {
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data }),
  };
  const answer = await eventually(async () => {
    const given = await post(world, `${root}/${runId}/approvals/${stepId}/${verb}`, body, as);
    return given.body.code === 'APPROVAL_NOT_FOUND' ? undefined : given;
  });
  expect(answer.ok ? undefined : answer.body.code).toBe(refused);
};

const act = async (world: World, runId: string, wanted: Action): Promise<void> => {
  if ('as' in wanted) {
    await decide(world, runId, wanted);
    return;
  }
  const { signal, payload, at, refused } = wanted;
  if (at !== undefined) await waitingStep(world, runId, at, 'WAITING_SIGNAL');
  const path = `${root}/${runId}/signals/${signal}`;
  const answer = await post(world, path, { payload: payload ?? null }, requester);
  expect(answer.ok ? undefined : answer.body.code).toBe(refused);
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const judge = (run: Run, expected: RunExpectation): void => {
  expect(run.status, told(run)).toBe(expected.status ?? 'COMPLETED');
  expect(run.error?.code, told(run)).toBe(expected.error);
  if (isObject(expected.output)) expect(run.output).toMatchObject(expected.output);
  else if (expected.output !== undefined) expect(run.output).toEqual(expected.output);
  if (expected.path !== undefined) expect(run.steps.map(nameOf)).toEqual(expected.path);
  for (const [name, fields] of Object.entries(expected.steps ?? {})) {
    const step = run.steps.find((each) => nameOf(each) === name);
    expect(step, `${name} in ${told(run)}`).toMatchObject(fields);
  }
};

/** Fails where anything is not as expected. */
export const runAsExpected = async (
  world: World,
  workflow: string,
  expected: RunExpectation,
): Promise<void> => {
  const { input, during, refused } = expected;
  const started = await post(world, root, { workflow, ...(input === undefined ? {} : { input }) }, requester);
  if (refused !== undefined) {
    expect(started.ok ? undefined : started.body.code).toBe(refused);
    return;
  }
  if (!started.ok) throw new Error(`"${workflow}" did not start: ${JSON.stringify(started.body)}`);
  const { runId } = started.body as unknown as Run;
  for (const each of during ?? []) await act(world, runId, each);
  judge(await runWith(world, runId, `"${workflow}" ends`, (run) => ends.has(run.status) && run), expected);
};
