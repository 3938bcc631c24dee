/** Approves whatever waits, again and again, until it is stopped; an api that is down is asked again. */
import type { World } from '@signalbox/testing';

interface Pending {
  readonly approvalId: string;
  readonly runId: string;
}

export const startApprover = (world: World): { stop(): Promise<void> } => {
  const stopped = new AbortController();
  const work = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const pending = await world
        .call<{ items: Pending[] }>('GET', '/api/v1/workflow-approvals?status=pending&limit=100')
        .catch(() => ({ items: [] }));
      for (const { runId, approvalId } of pending.items) {
        const path = `/api/v1/workflow-runs/${runId}/approvals/${approvalId}/approve`;
        // Refused when somebody (this loop, before a crash) has decided already; the auditor sees to the rest.
        await world.call('POST', path, {}).catch(() => undefined);
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  const done = work();
  return {
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
};
