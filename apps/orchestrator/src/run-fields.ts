import { type RunKey, runOfKey } from '@signalbox/protocol';

/** A run as the fields of a log line. */
export const runFields = (runKey: RunKey): { readonly workspace: string; readonly run_id: string } => {
  const { workspace, runId } = runOfKey(runKey);
  return { workspace, run_id: runId };
};
