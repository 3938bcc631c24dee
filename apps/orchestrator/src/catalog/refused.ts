/** The answer to a command of the catalog that is not carried out. */
import type { CatalogCommand, CatalogEventMessage, IssueMessage } from '@signalbox/protocol';

export const refused = (
  command: CatalogCommand,
  code: string,
  message: string,
  issues?: readonly IssueMessage[],
): CatalogEventMessage => ({
  type: 'catalog.command_refused',
  actor: command.actor,
  command: command.type,
  code,
  message,
  ...(issues === undefined ? {} : { issues: [...issues] }),
});
