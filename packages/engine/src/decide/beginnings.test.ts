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

  test('is not counted again when its worker says that nothing came of its last beginning', () => {
    const replacing = { ...begun(6), replaces: 'b5' };
    given(twoSteps, start(), ...[1, 2, 3, 4, 5].map(begun))
      .when(replacing)
      .thenEvents({ type: 'step.started', beginning: 'b6', replaces: 'b5' });
    given(twoSteps, start(), ...[1, 2, 3, 4, 5].map(begun), replacing, { ...begun(7), replaces: 'b6' })
      .when(begun(8))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
    // Of what is not on record nothing can be taken back.
    given(twoSteps, start(), ...[1, 2, 3, 4, 5].map(begun))
      .when({ ...begun(6), replaces: 'b9' })
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
  });

  test('is counted once, also where its report comes again behind that of another worker', () => {
    given(twoSteps, start(), ...[1, 2, 1, 2, 3, 1, 4, 3, 5].map(begun))
      .when(begun(1))
      .thenEvents();
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
