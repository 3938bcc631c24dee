import type { OutgoingMessage, RowKind } from '@signalbox/messaging';
import { headers, isAttemptTask, isEvent } from '@signalbox/protocol';

/**
 * Which messages of the orchestrator go out in a row, with two acknowledgements. Nobody else publishes events. Of tasks for
 * attempts `in-flight.ts` looks whether they lie in the queue; what may have been stored before has an
 * acknowledgement of its own, which says so.
 */
export const rowKindOf = ({ subject, headers: said }: OutgoingMessage): RowKind | undefined => {
  if (isEvent(subject)) return 'sole';
  return isAttemptTask(subject) && said?.[headers.repeated] === undefined ? 'watched' : undefined;
};
