import { describe, test } from 'vitest';
import { attempts, operation, plan, states } from '../../test/support/plans.js';
import { failed, fired, given, start, startTime, stepId, succeeded } from '../../test/support/scenario.js';

const a = stepId('a');
const twoSteps = plan(states(operation('a', 'b'), operation('b', null)));

describe('an attempt that is begun again and again', () => {
  const begun = (by: number) =>
    ({
      type: 'step_started',
      stepId: a,
      attempt: 1,
      beginning: `b${by}`,
      startedAt: startTime,
      worker: 'w',
    }) as const;

  test('fails as poison when it was begun five times without coming to an end, whatever its worker’s clock said', () => {
    const often = [1, 2, 3, 4, 5].map(begun);
    given(twoSteps, start(), ...often)
      .when(begun(6))
      .thenEvents(
        { type: 'step.failed', error: { code: 'POISON_MESSAGE' } as never },
        { type: 'step.exhausted' },
        { type: 'run.failed' },
      );
    given(twoSteps, start(), ...often)
      .when(succeeded(a))
      .thenTypes('step.succeeded', 'step.scheduled');
  });

  test('is counted for each attempt by itself, and a report that comes twice counts once', () => {
    const retried = plan(states(operation('a', null, { retry: attempts(2) })));
    const second = { ...begun(7), attempt: 2 };
    given(
      retried,
      start(),
      ...[1, 2, 3, 4, 4, 5].map(begun),
      failed(a),
      fired({ kind: 'retry_due', stepId: a, attempt: 2 }),
    )
      .when(second)
      .thenEvents({ type: 'step.started', attempt: 2 });
  });
});
