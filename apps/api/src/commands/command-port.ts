/** What the api asks of the owner of the truth, and how it is asked: a port, so that routes know no bus. */
import type { ApprovalDecision, CatalogCommand, RunCommand } from '@signalbox/protocol';

export type OutgoingCommand =
  | { readonly kind: 'run'; readonly command: RunCommand }
  | { readonly kind: 'catalog'; readonly command: CatalogCommand }
  /** Goes to the approval service, which forwards it. */
  | { readonly kind: 'decision'; readonly command: ApprovalDecision };

export interface CommandPort {
  /**
   * Resolves when the command is durably queued. The same command id is queued once.
   * @throws TransientError when nobody knows whether it is; ContractError when it is too large.
   */
  send(command: OutgoingCommand): Promise<void>;
}
