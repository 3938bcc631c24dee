/** Plans of every shape: all state types, nested two deep, with loops, catches, optional steps and all join modes. */
import fc from 'fast-check';
import type { CatchClause, Json, Path, Plan, ScopePlan, StatePlan } from '../../src/index.js';
import {
  approval,
  attempts,
  childWorkflow,
  choose,
  expression,
  foreach,
  inject,
  literal,
  object,
  operation,
  parallel,
  path,
  plan,
  signal,
  transform,
  wait,
} from './plans.js';

const maxDepth = 2;

export const generatedInput: Json = {
  n: 2,
  items: [{ v: 1 }, null, 'three'],
  nothing: [],
  counter0: 0,
  counter1: 0,
  counter2: 0,
  counter3: 0,
};

type Generate = fc.GeneratorValue;

const oneOf = <const T>(g: Generate, values: readonly T[]): T => {
  const drawn = values[g(fc.integer, { min: 0, max: values.length - 1 })];
  if (drawn === undefined) throw new RangeError('there is nothing to choose from');
  return drawn;
};
const chance = (g: Generate, outOfTen: number): boolean => g(fc.integer, { min: 1, max: 10 }) <= outOfTen;

/** Some paths run into one another, so that writes fail now and then. */
const resultPathOf = (g: Generate, name: string): Path =>
  oneOf(g, [['steps', name], ['steps', name], ['shared'], ['shared', 'deep'], ['result'], []]);

const catchOf = (g: Generate, later: readonly string[]): readonly CatchClause[] =>
  later.length > 0 && chance(g, 4)
    ? [
        {
          errors: [oneOf(g, ['*', 'AGENT_ERROR', 'APPROVAL_REJECTED'])],
          next: oneOf(g, later),
          ...(chance(g, 5) ? { resultPath: oneOf(g, [path('failure'), path('shared.deep')]) } : {}),
        },
      ]
    : [];

const stateOf = (
  g: Generate,
  depth: number,
  name: string,
  next: string | null,
  later: readonly string[],
): StatePlan => {
  const resultPath = resultPathOf(g, name);
  const onError = catchOf(g, later);
  const common = { resultPath, catch: onError };
  const timeout = chance(g, 5) ? { timeoutMs: 5_000 } : {};
  const nesting = depth < maxDepth ? (['parallel', 'foreach'] as const) : [];
  const type = oneOf(g, [
    'operation',
    'operation',
    'operation',
    'approval',
    'switch',
    'inject',
    'transform',
    'wait',
    'signal',
    'workflow',
    ...nesting,
    ...nesting,
  ]);
  switch (type) {
    case 'operation':
      return operation(name, next, {
        ...common,
        ...timeout,
        optional: chance(g, 3),
        retry: attempts(g(fc.integer, { min: 1, max: 3 })),
        takesPreviousOutput: chance(g, 5),
        input: chance(g, 9)
          ? object({ agent: literal('x'), v: expression('ctx.n') })
          : object({ agent: expression('missing') }),
      });
    case 'approval':
      return approval(
        name,
        next,
        {
          quorum: literal(g(fc.integer, { min: 1, max: 2 })),
          onReject: literal(oneOf(g, ['cancel', 'fail'])),
        },
        { ...common, ...timeout },
      );
    case 'switch':
      return choose(
        name,
        later.map((target) => [oneOf(g, ['n > 1', 'n > 5', 'missing']), target]),
        later[0] ?? undefined,
      );
    case 'inject':
      return inject(name, next, object({ made: expression('n') }), resultPath);
    case 'transform':
      return transform(name, next, oneOf(g, ['n + 1', 'ctx', 'missing']), resultPath);
    case 'wait':
      return wait(name, next, { delayMs: 1_000 });
    case 'signal':
      return signal(name, next, { ...common, ...timeout });
    case 'workflow':
      return childWorkflow(name, next, { ...common, waits: chance(g, 7) });
    case 'parallel': {
      const branchCount = g(fc.integer, { min: 1, max: 3 });
      const branches = Array.from({ length: branchCount }, (_, index) => [
        `b${index}`,
        scopeOf(g, depth + 1),
      ]);
      return parallel(name, next, Object.fromEntries(branches), {
        ...common,
        join: oneOf(g, ['all', 'any', 'settled']),
        maxConcurrency: g(fc.integer, { min: 1, max: 3 }),
      });
    }
    case 'foreach':
      return foreach(
        name,
        next,
        path(oneOf(g, ['items', 'items', 'items', 'nothing', 'n'])),
        scopeOf(g, depth + 1),
        {
          ...common,
          maxConcurrency: g(fc.integer, { min: 1, max: 4 }),
          toleratedFailures: g(fc.integer, { min: 0, max: 2 }),
        },
      );
  }
};

const scopeOf = (g: Generate, depth: number): ScopePlan => {
  const names = ['s0', 's1', 's2', 's3'].slice(0, g(fc.integer, { min: 1, max: 4 }));
  const states: StatePlan[] = names.map((name, index) => {
    const later = names.slice(index + 1);
    return stateOf(g, depth, name, later[0] ?? null, later);
  });
  const loops = chance(g, 3);
  const counter = `counter${depth}`;
  // Goes round the whole scope twice; the counter of a scope's depth is its own, so the end is certain.
  if (loops)
    states.unshift(
      transform('count', 'again', `${counter} + 1`, [counter]),
      choose('again', [[`ctx.${counter} < 3`, 'round']], 's0'),
      operation('round', 'count', { optional: true }),
    );
  return {
    start: loops ? 'count' : 's0',
    states: Object.fromEntries(states.map((state) => [state.name, state])),
    ...(chance(g, 2) ? { output: oneOf(g, [expression('ctx.n'), expression('missing')]) } : {}),
  };
};

export const generatedPlan: fc.Arbitrary<Plan> = fc
  .gen()
  .map((g) => plan(scopeOf(g, 0), chance(g, 3) ? { timeoutMs: 600_000 } : {}));
