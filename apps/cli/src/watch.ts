/** Follows a run to its end over server-sent events. */
import { event as eventSchema } from './api-types.js';
import type { CliContext } from './context.js';
import { renderEvent } from './event-line.js';
import { CliError, exitCodes } from './exit-code.js';
import { showRun } from './timeline.js';

/** Prints each event as it comes, then the timeline. @throws CliError when the run did not complete. */
export const watchRun = async ({ api, output }: CliContext, runId: string): Promise<void> => {
  const path = `/api/v1/workflow-runs/${encodeURIComponent(runId)}`;
  await api.stream(`${path}/stream`, (message) => {
    const parsed = eventSchema.safeParse(JSON.parse(message.data));
    if (parsed.success) output.line(parsed.data, renderEvent);
  });
  output.note('');
  const run = await showRun(api, output, runId);
  if (run.status !== 'COMPLETED') {
    throw new CliError(
      `run ${runId} ended ${run.status}${run.error === null ? '' : `: ${run.error.message}`}`,
      exitCodes.refused,
    );
  }
};
