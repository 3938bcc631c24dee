/** What is said of a run that is not there. */
import type { ApiContext } from './api-context.js';
import { type Problem, problem } from './problem.js';

/** A start that was answered 202 may have been refused since: here its caller learns why. */
export const noRun = (api: ApiContext, runId: string): Problem => {
  const refused = api.readModel.findRefusedStart(runId);
  return refused === undefined
    ? problem('RUN_NOT_FOUND', `There is no run "${runId}"`)
    : problem(
        'RUN_START_REFUSED',
        `There is no run "${runId}", its start was refused: ${refused.message} (${refused.code})`,
      );
};
