import type { RunState } from './run-state.js';
import type { RunStatus } from './run-status.js';

/**
 * The run's status. The waiting ones are derived: a run waits for an approval (or a signal) when nothing else in it
 * can move by itself. Costs the same for every run.
 */
export const runStatus = (state: RunState): RunStatus => {
  if (state.kind === 'none') return 'PENDING';
  switch (state.phase.kind) {
    case 'paused':
      return 'PAUSED';
    case 'completed':
      return 'COMPLETED';
    case 'failed':
      return 'FAILED';
    case 'cancelled':
      return 'CANCELLED';
    case 'timed_out':
      return 'TIMED_OUT';
    case 'ending':
      return 'RUNNING';
    case 'running':
      break;
  }
  const { counts, ready, forkable, closing } = state;
  if (counts.moving > 0 || ready.size > 0 || forkable.size > 0 || closing.size > 0) return 'RUNNING';
  if (counts.approvals > 0) return 'WAITING_APPROVAL';
  return counts.signals > 0 ? 'WAITING_SIGNAL' : 'RUNNING';
};
