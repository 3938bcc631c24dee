/** Takes back what is in flight. Each thing that ends here gets its own event; the caller records why. */
import { required } from '../invariant-violation.js';
import { childPath, rootScope } from '../scope-path.js';
import type { Turn } from './turn.js';

/** All children of a join, and whatever is in flight below them. */
export const cancelChildren = (turn: Turn, joinStepId: string): void => {
  const { live, childPrefix, branches } = turn.join(joinStepId);
  for (const index of live.keys()) {
    const path = childPath(childPrefix, branches[Number(index)]?.name ?? index);
    cancelWhatIsAt(turn, path);
    turn.emit({ type: 'scope.cancelled', scope: path });
  }
};

/** Everything in flight in the run. */
export const cancelAll = (turn: Turn): void => cancelWhatIsAt(turn, rootScope);

const cancelWhatIsAt = (turn: Turn, path: string): void => {
  const { cursor } = turn.scope(path);
  if (cursor.kind !== 'at') return;
  const step = turn.step(cursor.stepId);
  const { stepId } = step;
  if (step.open?.kind === 'join') cancelChildren(turn, stepId);
  turn.emit({ type: 'step.cancelled', stepId });
  if (step.open?.kind !== 'approval') return;
  const { request } = required(turn.run.approvals.get(stepId), `approval ${stepId}`);
  turn.emit({ type: 'approval.closed', approvalId: request.approvalId, stepId });
};
