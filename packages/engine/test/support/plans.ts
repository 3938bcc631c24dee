/** Short ways to write plans in tests. Every default is the language's. */
import type {
  ChildWorkflowPlan,
  ForeachPlan,
  InjectPlan,
  Json,
  OperationPlan,
  ParallelPlan,
  Path,
  Plan,
  RetryPolicy,
  ScopePlan,
  SignalPlan,
  StatePlan,
  SwitchPlan,
  Template,
  TransformPlan,
  WaitPlan,
} from '../../src/index.js';

type Extra<T> = Partial<Omit<T, 'type' | 'name'>>;

export const literal = (value: Json): Template => ({ kind: 'literal', value });
export const expression = (text: string): Template => ({ kind: 'expression', expression: text });
export const object = (fields: { readonly [key: string]: Template }): Template => ({
  kind: 'object',
  fields: Object.entries(fields),
});

export const path = (text: string): Path =>
  text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));

const once: RetryPolicy = { maxAttempts: 1, initialBackoffMs: 0, multiplier: 1, maxBackoffMs: 0 };
export const attempts = (maxAttempts: number, extra: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maxAttempts,
  initialBackoffMs: 1_000,
  multiplier: 2,
  maxBackoffMs: 60_000,
  ...extra,
});

export const operation = (
  name: string,
  next: string | null,
  extra: Extra<OperationPlan> = {},
): OperationPlan => ({
  type: 'operation',
  name,
  action: 'agent.run',
  input: literal({ agent: 'helper' }),
  target: 'worker',
  retry: once,
  catch: [],
  optional: false,
  outputValidation: 'warn',
  takesPreviousOutput: false,
  resultPath: ['steps', name],
  next,
  ...extra,
});

export const approval = (
  name: string,
  next: string | null,
  input: { readonly [key: string]: Template } = {},
  extra: Extra<OperationPlan> = {},
): OperationPlan =>
  operation(name, next, {
    action: 'human.approval',
    input: object({ message: literal('Go on?'), ...input }),
    ...extra,
  });

export const choose = (
  name: string,
  conditions: readonly (readonly [condition: string, next: string])[],
  defaultNext?: string,
  dataPath?: Path,
): SwitchPlan => ({
  type: 'switch',
  name,
  conditions: conditions.map(([condition, next]) => ({ if: condition, next })),
  ...(defaultNext === undefined ? {} : { defaultNext }),
  ...(dataPath === undefined ? {} : { dataPath }),
});

export const inject = (
  name: string,
  next: string | null,
  data: Template,
  resultPath: Path,
  extra: Extra<InjectPlan> = {},
): InjectPlan => ({
  type: 'inject',
  name,
  data,
  catch: [],
  resultPath,
  next,
  ...extra,
});

export const transform = (
  name: string,
  next: string | null,
  script: string,
  resultPath: Path,
  extra: Extra<TransformPlan> = {},
): TransformPlan => ({
  type: 'transform',
  name,
  script,
  catch: [],
  resultPath,
  next,
  ...extra,
});

export const parallel = (
  name: string,
  next: string | null,
  branches: { readonly [name: string]: ScopePlan },
  extra: Extra<ParallelPlan> = {},
): ParallelPlan => ({
  type: 'parallel',
  name,
  branches: Object.entries(branches).map(([branch, scope]) => ({ name: branch, scope })),
  join: 'all',
  maxConcurrency: 64,
  catch: [],
  resultPath: ['steps', name],
  next,
  ...extra,
});

export const foreach = (
  name: string,
  next: string | null,
  itemsPath: Path,
  iterator: ScopePlan,
  extra: Extra<ForeachPlan> = {},
): ForeachPlan => ({
  type: 'foreach',
  name,
  itemsPath,
  itemName: 'item',
  maxConcurrency: 1,
  toleratedFailures: 0,
  iterator,
  catch: [],
  resultPath: ['steps', name],
  next,
  ...extra,
});

export const wait = (name: string, next: string | null, until: WaitPlan['until']): WaitPlan => ({
  type: 'wait',
  name,
  until,
  next,
});

export const signal = (name: string, next: string | null, extra: Extra<SignalPlan> = {}): SignalPlan => ({
  type: 'signal',
  name,
  signal: 'go',
  catch: [],
  resultPath: ['steps', name],
  next,
  ...extra,
});

export const childWorkflow = (
  name: string,
  next: string | null,
  extra: Extra<ChildWorkflowPlan> = {},
): ChildWorkflowPlan => ({
  type: 'workflow',
  name,
  workflow: 'other',
  input: literal({ from: 'parent' }),
  waits: true,
  catch: [],
  resultPath: ['steps', name],
  next,
  ...extra,
});

/** A scope of these states, which begins with the first. */
export const states = (first: StatePlan, ...rest: readonly StatePlan[]): ScopePlan => ({
  start: first.name,
  states: Object.fromEntries([first, ...rest].map((state) => [state.name, state])),
});

export const plan = (root: ScopePlan, extra: Partial<Omit<Plan, 'root'>> = {}): Plan => ({
  id: 'wf',
  version: '1.0',
  name: 'Workflow',
  onFailure: 'fail',
  agents: [],
  ...extra,
  root,
});
