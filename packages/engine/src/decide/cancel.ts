/**
 * Takes back what is in flight. Each thing that ends here gets its own event; the caller records why.
 *
 * One decision takes back as much as its budget allows. What is left is under way as it was, and the next decision
 * begins where this one ended.
 */
import type { RunEnd } from '../event.js';
import { childPath, rootScope } from '../scope-path.js';
import type { Turn } from './turn.js';

/** All children of a join, and whatever is in flight below them; false when some are left. */
export const cancelChildren = (turn: Turn, joinStepId: string): boolean => {
  const { live, childPrefix, branches } = turn.join(joinStepId);
  for (const index of live.keys()) {
    if (turn.budget <= 0) return false;
    const path = childPath(childPrefix, branches[Number(index)]?.name ?? index);
    if (!cancelWhatIsAt(turn, path)) return false;
    turn.spendOnCancel();
    turn.emit({ type: 'scope.cancelled', scope: path });
  }
  return true;
};

/** The run ends so: at once, or when everything that is in flight in it has been taken back by the next decisions. */
export const endRun = (turn: Turn, end: RunEnd): void => {
  if (cancelWhatIsAt(turn, rootScope)) {
    turn.emit(end);
    return;
  }
  if (turn.run.phase.kind !== 'ending') turn.emit({ type: 'run.ending', end });
  turn.yieldToOthers();
};

const cancelWhatIsAt = (turn: Turn, path: string): boolean => {
  const { cursor } = turn.scope(path);
  if (cursor.kind !== 'at') return true;
  const step = turn.step(cursor.stepId);
  const { stepId } = step;
  if (step.open?.kind === 'join' && !cancelChildren(turn, stepId)) return false;
  // Taken back already, where the decision that did it is continued.
  if (step.open !== undefined) turn.emit({ type: 'step.cancelled', stepId });
  const approval = turn.run.approvals.get(stepId);
  if (approval?.status === 'PENDING')
    turn.emit({ type: 'approval.closed', approvalId: approval.request.approvalId, stepId });
  return true;
};
