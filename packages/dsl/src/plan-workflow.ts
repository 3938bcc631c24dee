/** A valid definition as the plan that the engine runs: every default is written out, every text of the author is parsed. */
import type {
  CatchClause,
  CompensationPlan,
  Json,
  OperationPlan,
  Path,
  Plan,
  RetryPolicy,
  ScopePlan,
  StatePlan,
  Template,
} from '@signalbox/engine';
import type {
  ActionDefinition,
  CatchDefinition,
  ForeachDefinition,
  OperationDefinition,
  ParallelDefinition,
  RetryDefinition,
  ScopeDefinition,
  SignalDefinition,
  StateDefinition,
  SwitchDefinition,
  WorkflowDefinition,
} from './definition.js';
import { parsePath } from './language/path.js';
import { templateOfJson } from './language/template.js';
import { limits } from './limits.js';

const msOf = (seconds: number): number => Math.max(1, Math.round(seconds * 1000));

const timeoutOf = (seconds: number | undefined) =>
  seconds === undefined ? {} : { timeoutMs: msOf(seconds) };

const pathOf = (text: string): Path => {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new Error(`the path "${text}" of a checked definition ${parsed.message}`);
  return parsed.path;
};

const retryOf = (retry: RetryDefinition = {}): RetryPolicy => ({
  maxAttempts: retry.maxAttempts ?? 1,
  initialBackoffMs: Math.round((retry.backoffSeconds ?? 1) * 1000),
  multiplier: retry.multiplier ?? 2,
  maxBackoffMs: Math.round((retry.maxBackoffSeconds ?? 60) * 1000),
  ...(retry.retryOn === undefined ? {} : { retryOn: retry.retryOn }),
  ...(retry.abortOn === undefined ? {} : { abortOn: retry.abortOn }),
});

const catchOf = (clauses: readonly CatchDefinition[] = []): readonly CatchClause[] =>
  clauses.map(({ errors, next, resultPath }) => ({
    errors,
    next,
    ...(resultPath === undefined ? {} : { resultPath: pathOf(resultPath) }),
  }));

const baseOf = (state: StateDefinition) => ({
  name: state.name,
  ...(state.checkpoint === undefined || state.checkpoint === false
    ? {}
    : { checkpoint: state.checkpoint === true ? state.name : state.checkpoint }),
});

type Continuing = Exclude<StateDefinition, SwitchDefinition>;

const continuingOf = (state: Continuing) => ({ ...baseOf(state), next: state.next ?? null });

const writingOf = (state: Exclude<Continuing, { type: 'wait' }>) => ({
  ...continuingOf(state),
  resultPath: state.resultPath === undefined ? ['steps', state.name] : pathOf(state.resultPath),
});

const inputDefaults: { readonly [action in ActionDefinition['action']]: { readonly [field: string]: Json } } =
  {
    'agent.run': {},
    'human.approval': { approvers: [], quorum: 1, allowRequester: false, onReject: 'cancel' },
    'tool.call': {},
    'llm.chat': {},
    'document.render': { format: 'markdown' },
  };

/** `summaryPath` is a list of keys and indexes: the engine parses no text of an author. */
const inputOf = ({ action, input }: ActionDefinition): Template => {
  const { summaryPath, ...fields } = { ...inputDefaults[action], ...input };
  return templateOfJson(
    typeof summaryPath === 'string' ? { ...fields, summaryPath: pathOf(summaryPath) } : fields,
  );
};

const takesPreviousOutput = ({ action, input }: ActionDefinition): boolean =>
  action === 'agent.run' && !Object.hasOwn(input, 'task') && !Object.hasOwn(input, 'variables');

const compensationOf = (compensate: ActionDefinition): CompensationPlan => ({
  action: compensate.action,
  input: inputOf(compensate),
  target: compensate.target ?? 'worker',
});

const operationOf = (state: OperationDefinition): OperationPlan => ({
  ...writingOf(state),
  type: 'operation',
  action: state.action,
  input: inputOf(state),
  target: state.target ?? 'worker',
  ...timeoutOf(state.timeoutSeconds),
  retry: retryOf(state.retry),
  catch: catchOf(state.catch),
  optional: state.optional ?? false,
  outputValidation: state.outputValidation ?? 'warn',
  ...(state.compensate === undefined ? {} : { compensate: compensationOf(state.compensate) }),
  takesPreviousOutput: takesPreviousOutput(state),
});

const switchOf = (state: SwitchDefinition): StatePlan => ({
  ...baseOf(state),
  type: 'switch',
  ...(state.dataPath === undefined ? {} : { dataPath: pathOf(state.dataPath) }),
  conditions: state.conditions.map((condition) => ({ if: condition.if.trim(), next: condition.next })),
  ...(state.defaultNext === undefined ? {} : { defaultNext: state.defaultNext }),
});

const parallelOf = (state: ParallelDefinition): StatePlan => ({
  ...writingOf(state),
  type: 'parallel',
  branches: state.branches.map((branch) => ({ name: branch.name, scope: scopeOf(branch) })),
  join: state.join?.mode ?? 'all',
  maxConcurrency: state.maxConcurrency ?? Math.min(state.branches.length, limits.maxParallelConcurrency),
  catch: catchOf(state.catch),
});

const foreachOf = (state: ForeachDefinition): StatePlan => ({
  ...writingOf(state),
  type: 'foreach',
  itemsPath: pathOf(state.itemsPath),
  itemName: state.itemName ?? 'item',
  maxConcurrency: state.maxConcurrency ?? 1,
  toleratedFailures: state.toleratedFailures ?? 0,
  iterator: scopeOf(state.iterator),
  catch: catchOf(state.catch),
});

const signalOf = (state: SignalDefinition): StatePlan => ({
  ...writingOf(state),
  type: 'signal',
  signal: state.signal,
  ...timeoutOf(state.timeoutSeconds),
  ...(state.schema === undefined ? {} : { schema: state.schema }),
  catch: catchOf(state.catch),
});

const stateOf = (state: StateDefinition): StatePlan => {
  switch (state.type) {
    case 'operation':
      return operationOf(state);
    case 'switch':
      return switchOf(state);
    case 'parallel':
      return parallelOf(state);
    case 'foreach':
      return foreachOf(state);
    case 'inject':
      return {
        ...writingOf(state),
        type: 'inject',
        data: templateOfJson(state.data),
        catch: catchOf(state.catch),
      };
    case 'transform':
      return {
        ...writingOf(state),
        type: 'transform',
        script: state.expression,
        catch: catchOf(state.catch),
      };
    case 'wait':
      return {
        ...continuingOf(state),
        type: 'wait',
        until:
          state.until === undefined
            ? { delayMs: Math.round((state.seconds ?? 0) * 1000) }
            : { instant: templateOfJson(state.until) },
      };
    case 'signal':
      return signalOf(state);
    case 'workflow':
      return {
        ...writingOf(state),
        type: 'workflow',
        workflow: state.workflow,
        input: templateOfJson(state.input ?? {}),
        waits: state.wait ?? true,
        catch: catchOf(state.catch),
      };
  }
};

const scopeOf = (scope: ScopeDefinition): ScopePlan => ({
  start: scope.start ?? scope.states[0]?.name ?? '',
  states: Object.fromEntries(scope.states.map((state) => [state.name, stateOf(state)])),
  ...(scope.output === undefined ? {} : { output: templateOfJson(scope.output) }),
});

const agentsIn = (scope: ScopeDefinition): readonly string[] =>
  scope.states.flatMap((state) => {
    if (state.type === 'parallel') return state.branches.flatMap(agentsIn);
    if (state.type === 'foreach') return agentsIn(state.iterator);
    if (state.type !== 'operation') return [];
    return [state, ...(state.compensate === undefined ? [] : [state.compensate])].flatMap(
      ({ action, input }) => (action === 'agent.run' && typeof input.agent === 'string' ? [input.agent] : []),
    );
  });

/** The definition must have passed validation; anything else throws. */
export const planWorkflow = (definition: WorkflowDefinition): Plan => ({
  id: definition.id,
  version: String(definition.version ?? '1'),
  name: definition.name ?? definition.id,
  ...(definition.inputSchema === undefined ? {} : { inputSchema: definition.inputSchema }),
  ...(definition.outputSchema === undefined ? {} : { outputSchema: definition.outputSchema }),
  ...timeoutOf(definition.timeoutSeconds),
  onFailure: definition.onFailure ?? 'fail',
  ...(definition.maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns: definition.maxConcurrentRuns }),
  ...(definition.maxEvents === undefined ? {} : { maxEvents: definition.maxEvents }),
  ...(definition.maxStateVisits === undefined ? {} : { maxStateVisits: definition.maxStateVisits }),
  ...(definition.maxFamilyRuns === undefined ? {} : { maxFamilyRuns: definition.maxFamilyRuns }),
  root: scopeOf(definition),
  agents: [...new Set(agentsIn(definition))].sort(),
});
