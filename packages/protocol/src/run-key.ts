/**
 * A run id counts within its workspace: two workspaces may have a run of the same id, and neither learns of the other.
 * So a run is known by its key, `<workspace>/<runID>`; ids hold no slash.
 */
export interface RunRef {
  readonly workspace: string;
  readonly runId: string;
}

declare const kind: unique symbol;

/** A text of its own type, so that no bare run id is taken for it. */
export type RunKey = string & { readonly [kind]: 'run key' };

export const runKeyOf = ({ workspace, runId }: RunRef): RunKey => `${workspace}/${runId}` as RunKey;

export const runOfKey = (key: RunKey): RunRef => {
  const slash = key.indexOf('/');
  return { workspace: key.slice(0, slash), runId: key.slice(slash + 1) };
};

/** Names an attempt to whoever executes it, and to the tools that it calls: never the same for two of them. */
export const attemptKeyOf = ({
  workspace,
  runId,
  stepId,
  attempt,
}: RunRef & { readonly stepId: string; readonly attempt: number }): string =>
  `${workspace}:${runId}:${stepId}:${attempt}`;
