/** What holds of every state between two commands: the indexes say what the scopes, steps and joins say. */
import { expect } from 'vitest';
import type { RunState } from '../../src/index.js';

export const expectSoundState = (state: RunState): void => {
  if (state.kind === 'none') return;
  const steps = [...state.steps.values()];
  const openSteps = steps.filter(({ open }) => open !== undefined);
  expect(new Set(state.open.keys())).toEqual(new Set(openSteps.map(({ stepId }) => stepId)));
  const counted = (...kinds: readonly string[]): number =>
    openSteps.filter(({ open }) => kinds.includes(open?.kind ?? '')).length;
  expect(state.counts).toEqual({
    moving: counted('dispatched', 'retrying', 'wait', 'workflow'),
    approvals: counted('approval'),
    signals: counted('signal'),
  });
  const waiting = [...state.signals.waiting.values()].flatMap((ids) => [...ids.keys()]);
  expect(waiting.toSorted()).toEqual(
    openSteps
      .filter(({ open }) => open?.kind === 'signal')
      .map(({ stepId }) => stepId)
      .toSorted(),
  );
  for (const join of state.joins.values()) {
    expect(join.live.size).toBeLessThanOrEqual(join.maxConcurrency);
    expect(join.forkedCount).toBe(join.live.size + join.succeededCount + join.failedCount);
  }
  if (state.phase.kind !== 'running' && state.phase.kind !== 'paused') {
    expect([state.open.size, state.joins.size, state.ready.size]).toEqual([0, 0, 0]);
    return;
  }
  const scopes = [...state.scopes.values()];
  const canGoOn = scopes.filter(({ cursor }) => cursor.kind === 'ready' || cursor.kind === 'finished');
  expect(new Set(state.ready.keys())).toEqual(new Set(canGoOn.map(({ path }) => path)));
  expect(scopes.filter(({ cursor }) => cursor.kind === 'failing')).toEqual([]);
  expect(new Set(scopes.flatMap(({ cursor }) => (cursor.kind === 'at' ? [cursor.stepId] : [])))).toEqual(
    new Set(openSteps.map(({ stepId }) => stepId)),
  );
};
