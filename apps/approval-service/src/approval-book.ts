/**
 * Which approvals are pending, as the event stream says, and what this process has forwarded but not yet seen come back.
 *
 * 1. Only events make an approval pending or end it.
 * 2. What has been forwarded counts as if it had happened, until an event says otherwise: between the two a second
 *    decision must not slip through.
 * 3. Memory is bounded by what is pending: of an ended approval only its id is kept, and of those the
 *    `maxRemembered` newest.
 */
import { type EventEnvelope, type RunEventMessage, type RunRef, runKeyOf } from '@signalbox/protocol';

export type ApprovalRequest = Extract<RunEventMessage, { type: 'approval.requested' }>;

interface ApprovalRef extends RunRef {
  readonly approvalId: string;
}

export interface ForwardedDecision {
  readonly commandId: string;
  readonly actor: string;
  readonly decision: 'approve' | 'reject';
}

export interface PendingApproval {
  readonly runId: string;
  readonly workspace: string;
  readonly request: ApprovalRequest;
  /** Who has approved under a quorum, as recorded. */
  readonly endorsedBy: ReadonlySet<string>;
  /** By command id. */
  readonly forwarded: ReadonlyMap<string, ForwardedDecision>;
}

export type ApprovalRecord =
  | { readonly kind: 'pending'; readonly approval: PendingApproval }
  | { readonly kind: 'ended' }
  | { readonly kind: 'unknown' };

interface MutableApproval extends PendingApproval {
  readonly endorsedBy: Set<string>;
  readonly forwarded: Map<string, ForwardedDecision>;
}

const endsApproval = (fact: { readonly type: string }): boolean => endings.has(fact.type);

const endings: ReadonlySet<string> = new Set<RunEventMessage['type']>([
  'approval.approved',
  'approval.rejected',
  'approval.expired',
  'approval.closed',
]);

export class ApprovalBook {
  readonly #pending = new Map<string, MutableApproval>();
  /** In order of their end. */
  readonly #ended = new Set<string>();
  readonly #maxRemembered: number;

  constructor(options: { readonly maxRemembered?: number } = {}) {
    this.#maxRemembered = options.maxRemembered ?? 10_000;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Applies one event; those that say nothing about an approval change nothing. */
  apply(envelope: EventEnvelope): void {
    const { data, runId, workspace } = envelope;
    if (runId === null || !('approvalId' in data)) return;
    const key = keyOf({ workspace, runId, approvalId: data.approvalId });
    if (data.type === 'approval.requested') {
      if (this.#ended.has(key) || this.#pending.has(key)) return;
      this.#pending.set(key, {
        runId,
        workspace,
        request: data,
        endorsedBy: new Set(),
        forwarded: new Map(),
      });
    } else if (endsApproval(data)) {
      this.#pending.delete(key);
      this.#remember(key);
    } else if (data.type === 'approval.endorsed') {
      this.#pending.get(key)?.endorsedBy.add(data.actor);
    } else if (data.type === 'approval.decision_refused' && envelope.causationId !== undefined) {
      this.#pending.get(key)?.forwarded.delete(envelope.causationId);
    }
  }

  find(ref: ApprovalRef): ApprovalRecord {
    const key = keyOf(ref);
    const approval = this.#pending.get(key);
    if (approval !== undefined) return { kind: 'pending', approval };
    return this.#ended.has(key) ? { kind: 'ended' } : { kind: 'unknown' };
  }

  /** To be called before the decision is sent, so that no other one can be judged in between. */
  noteForwarded(ref: ApprovalRef, forwarded: ForwardedDecision): void {
    this.#pending.get(keyOf(ref))?.forwarded.set(forwarded.commandId, forwarded);
  }

  #remember(key: string): void {
    this.#ended.delete(key);
    this.#ended.add(key);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= this.#maxRemembered) break;
      this.#ended.delete(oldest);
    }
  }
}

const keyOf = (ref: ApprovalRef): string => `${runKeyOf(ref)}/${ref.approvalId}`;
