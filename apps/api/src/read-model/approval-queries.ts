/** Reads of approvals. */
import type { ApprovalResource, ApprovalStatus } from '../resources/run.js';
import { toInstantText, toOptionalInstantText } from '../resources/shapes.js';
import { type ListPosition, type Page, start, toPage } from './page.js';
import type { ReadModelDatabase } from './schema.js';

interface ApprovalRow {
  run_id: string;
  approval_id: string;
  step_id: string;
  workflow_id: string;
  requested_sequence: number;
  status: ApprovalStatus;
  message: string;
  summary: string | null;
  summary_digest: string;
  approvers: string;
  quorum: number;
  allow_requester: number;
  requested_by: string;
  requested_at: number;
  expires_at: number | null;
  endorsements: string;
  decided_by: string | null;
  decided_at: number | null;
  comment: string | null;
  data: string | null;
}

type StoredEndorsement = { actor: string; comment?: string; at: number };

const toApproval = (row: ApprovalRow): ApprovalResource => ({
  approvalId: row.approval_id,
  runId: row.run_id,
  stepId: row.step_id,
  workflowId: row.workflow_id,
  status: row.status,
  message: row.message,
  ...(row.summary === null ? {} : { summary: JSON.parse(row.summary) as unknown }),
  summaryDigest: row.summary_digest,
  approvers: JSON.parse(row.approvers) as string[],
  quorum: row.quorum,
  allowRequester: row.allow_requester === 1,
  requestedBy: row.requested_by,
  requestedAt: toInstantText(row.requested_at),
  expiresAt: toOptionalInstantText(row.expires_at),
  endorsements: (JSON.parse(row.endorsements) as StoredEndorsement[]).map((endorsement) => ({
    ...endorsement,
    at: toInstantText(endorsement.at),
  })),
  decidedBy: row.decided_by,
  decidedAt: toOptionalInstantText(row.decided_at),
  comment: row.comment,
  ...(row.data === null ? {} : { data: JSON.parse(row.data) as unknown }),
});

export const createApprovalQueries = (db: ReadModelDatabase) => {
  const one = db.prepare<[string, string], ApprovalRow>(
    'SELECT * FROM approvals WHERE run_id = ? AND approval_id = ?',
  );
  const ofRun = db.prepare<[string, number, string, number], ApprovalRow>(
    `SELECT * FROM approvals WHERE run_id = ? AND (requested_sequence, approval_id) > (?, ?)
     ORDER BY requested_sequence, approval_id LIMIT ?`,
  );
  const behind = `(requested_at, run_id || '/' || approval_id) < (?, ?)
    ORDER BY requested_at DESC, run_id || '/' || approval_id DESC LIMIT ?`;
  const all = db.prepare<unknown[], ApprovalRow>(`SELECT * FROM approvals WHERE ${behind}`);
  const ofStatus = db.prepare<unknown[], ApprovalRow>(
    `SELECT * FROM approvals WHERE status = ? AND ${behind}`,
  );
  return {
    findApproval: (runId: string, approvalId: string): ApprovalResource | undefined => {
      const row = one.get(runId, approvalId);
      return row === undefined ? undefined : toApproval(row);
    },
    /** In the order in which they were asked for. */
    listApprovalsOfRun: (
      runId: string,
      limit: number,
      after: ListPosition = { at: 0, id: '' },
    ): Page<ApprovalResource> =>
      toPage(ofRun.all(runId, after.at, after.id, limit + 1), limit, toApproval, (row) => ({
        at: row.requested_sequence,
        id: row.approval_id,
      })),
    /** Newest first. */
    listApprovals: (
      status: ApprovalStatus | undefined,
      limit: number,
      after: ListPosition = start,
    ): Page<ApprovalResource> => {
      const tail = [after.at, after.id, limit + 1] as const;
      const rows = status === undefined ? all.all(...tail) : ofStatus.all(status, ...tail);
      return toPage(rows, limit, toApproval, (row) => ({
        at: row.requested_at,
        id: `${row.run_id}/${row.approval_id}`,
      }));
    },
  };
};
