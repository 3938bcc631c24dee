/** What a join hands to its scope. */
import type { Json } from '../json.js';
import type { Join, Outcome } from '../run-state.js';

/**
 * Of a parallel: `{ <branch>: <its writes or output> }`, in the order of the branches. Mode `any` has the branch that
 * was first alone. Mode `settled` has every branch as `{ status: 'succeeded', output }` or `{ status: 'failed', error }`.
 *
 * Of a foreach: a list in item order, with null for an item whose failure was tolerated.
 */
export const joinOutput = (join: Join): Json => {
  if (join.kind === 'foreach') {
    const items: Json[] = [];
    for (let index = 0; index < join.total; index += 1) {
      const outcome = join.outcomes.get(String(index));
      items.push(outcome?.ok === true ? outcome.value : null);
    }
    return items;
  }
  const fields: [string, Json][] = [];
  for (const [index, branch] of join.branches.entries()) {
    const outcome = join.outcomes.get(String(index));
    if (outcome === undefined) continue;
    if (join.mode === 'settled') fields.push([branch.name, settled(outcome)]);
    else if (outcome.ok) fields.push([branch.name, outcome.value]);
  }
  return Object.fromEntries(fields);
};

const settled = (outcome: Outcome): Json =>
  outcome.ok
    ? { status: 'succeeded', output: outcome.value }
    : { status: 'failed', error: { ...outcome.error } };
