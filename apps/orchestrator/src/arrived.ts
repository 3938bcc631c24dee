/** A delivery as what is to be decided, and how it is answered. */
import type { Delivery } from '@signalbox/messaging';
import type { RunKey } from '@signalbox/protocol';
import type { Item } from './parking.js';
import { type BatchInput, decodeInput } from './wire/input-codec.js';
import { runKeyOfInput } from './write-path.js';

export interface Arrived extends Item {
  /** Who has delivered it; undefined for one of another connection, whose numbers mean nothing here. */
  readonly consumer: string | undefined;
  readonly runKey: RunKey | undefined;
  /** In whatever order it is handled, that changes nothing for others. */
  readonly isLoose: boolean;
  readonly sequence: number;
  /** By the server's clock, and no later than by this one's. */
  readonly storedAt: number;
}

export const arrived = (delivery: Delivery, now: number): Arrived => {
  const input = decodeInput(delivery, now);
  return {
    input,
    consumer: delivery.isCurrent ? delivery.consumer : undefined,
    runKey: runKeyOfInput(input),
    isLoose: input.kind === 'dead_letter',
    sequence: delivery.streamSequence,
    storedAt: Math.min(delivery.storedAt, now),
    settle: () => {
      if (isOwnDeadLetter(input, delivery)) delivery.term();
      else delivery.ack();
    },
    giveBack: () => undefined,
  };
};

/** The delivery itself broke the contract, rather than being a report about another message. */
const isOwnDeadLetter = (input: BatchInput, delivery: Delivery): boolean =>
  input.kind === 'dead_letter' && input.report.subject === delivery.subject;
