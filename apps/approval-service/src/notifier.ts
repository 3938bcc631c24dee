/** Tells people that somebody waits for their decision. The log is the only channel so far; chat and mail get a notifier each. */
import type { ApprovalRequest } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';

export interface Notifier {
  /** May be called again for the same approval. A `TransientError` puts the request back for later. */
  readonly approvalRequested: (request: ApprovalRequest) => Promise<void>;
}

export const createLogNotifier = (logger: Logger): Notifier => ({
  approvalRequested: async (request) => {
    logger.info('approval requested', {
      run_id: request.runId,
      step_id: request.stepId,
      approval_id: request.approvalId,
      workspace: request.workspace,
      approver_count: request.approvers.length,
      quorum: request.quorum,
      ...(request.expiresAt === undefined ? {} : { expires_at: new Date(request.expiresAt).toISOString() }),
    });
  },
});
