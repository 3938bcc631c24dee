import { describe, expect, test } from 'vitest';
import { attempts, operation, plan, states } from '../../test/support/plans.js';
import { failed, fired, given, start, startTime, stepId, succeeded } from '../../test/support/scenario.js';
import { stepView } from '../index.js';

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

  const givenBack = (by: number) =>
    ({ type: 'step_given_back', stepId: a, attempt: 1, beginning: `b${by}`, worker: 'w' }) as const;

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

  test('is not counted where its worker gives it back in an orderly stop', () => {
    const stopped = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((by) => [begun(by), givenBack(by)]);
    given(twoSteps, start(), ...stopped)
      .when(begun(9))
      .thenEvents({ type: 'step.started', beginning: 'b9' });
    given(twoSteps, start(), ...[1, 2, 3, 4, 5].map(begun), givenBack(3), begun(6))
      .when(begun(7))
      .thenTypes('step.failed', 'step.exhausted', 'run.failed');
    // Of what is not on record nothing can be taken back, and nothing twice.
    given(twoSteps, start(), begun(1)).when(givenBack(2)).thenEvents();
    given(twoSteps, start(), begun(1), givenBack(1)).when(givenBack(1)).thenEvents();
  });

  test('waits for a worker once it was given back, and is with whoever had begun it since', () => {
    const { state: waiting } = given(twoSteps, start(), begun(1))
      .when(givenBack(1))
      .thenTypes('step.given_back');
    expect(stepView(waiting, a)).toMatchObject({ status: 'PENDING', attempt: 1 });
    expect(stepView(waiting, a)).not.toHaveProperty('worker');
    expect(stepView(waiting, a)).not.toHaveProperty('startedAt');
    const { state } = given(twoSteps, start(), begun(1), { ...begun(2), worker: 'v' })
      .when(givenBack(1))
      .thenTypes('step.given_back');
    expect(stepView(state, a)).toMatchObject({ status: 'RUNNING', worker: 'v', startedAt: startTime });
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
