import type { Join } from './run-state.js';

/** What the children that have ended say of a join; undefined while it goes on, or is being closed already. */
export const verdictOn = (join: Join): 'succeeded' | 'failed' | 'complete' | undefined => {
  const { mode, total, succeededCount, failedCount, toleratedFailures, closing } = join;
  if (closing !== undefined) return undefined;
  if (mode === 'any' && total > 0) {
    if (succeededCount > 0) return 'succeeded';
    return failedCount === total ? 'failed' : undefined;
  }
  if (mode === 'all' && failedCount > toleratedFailures) return 'failed';
  return succeededCount + failedCount === total ? 'complete' : undefined;
};
