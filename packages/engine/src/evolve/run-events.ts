import { contextOf, emptyContext } from '../context.js';
import type { Instant, RunStarted } from '../event.js';
import { PersistentMap } from '../persistent-map.js';
import type { Phase, Run } from '../run-state.js';
import { rootScope } from '../scope-path.js';
import { withScope } from './edit.js';

export const runStarted = (event: RunStarted, at: Instant): Run => {
  const { runId, workflow, workspace, input } = event;
  const startedAt = new Date(at).toISOString();
  const run = {
    id: runId,
    workflow: workflow.id,
    version: workflow.version,
    workspace,
    startedAt,
    attempt: 1,
  };
  const none: Run = {
    kind: 'run',
    seq: 1,
    started: event,
    startedAt: at,
    phase: { kind: 'running' },
    scopes: PersistentMap.empty(),
    steps: PersistentMap.empty(),
    open: PersistentMap.empty(),
    joins: PersistentMap.empty(),
    ready: PersistentMap.empty(),
    forkable: PersistentMap.empty(),
    closing: PersistentMap.empty(),
    approvals: PersistentMap.empty(),
    signals: { seen: PersistentMap.empty(), kept: PersistentMap.empty(), waiting: PersistentMap.empty() },
    counts: { moving: 0, approvals: 0, signals: 0 },
    refusedCount: 0,
    yieldedAt: undefined,
  };
  return withScope(none, {
    path: rootScope,
    context: contextOf(input, { input, run }),
    writes: emptyContext,
    visits: PersistentMap.empty(),
    idleVisits: PersistentMap.empty(),
    cursor: { kind: 'ready', state: event.start },
    parent: undefined,
    foreachIndex: undefined,
    previous: undefined,
    answers: undefined,
  });
};

/** The run, over. Scopes and steps stay as they were, so that a later retry can go on from them. */
export const runEnded = (run: Run, phase: Phase): Run => ({
  ...run,
  phase,
  ready: PersistentMap.empty(),
  forkable: PersistentMap.empty(),
  closing: PersistentMap.empty(),
});
