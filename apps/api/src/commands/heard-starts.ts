/**
 * A start is answered as soon as its event is known to be on the log, by what the event itself says: how far the read
 * model is behind is nobody's wait who only starts runs, up to a second. Whoever reads then waits until it is there (`promises.ts`).
 */
import { textOf } from '@signalbox/messaging';
import { ContractError, decodeEvent, type EventEnvelope } from '@signalbox/protocol';
import type { ReadModel } from '../read-model/read-model.js';
import type { Confirmations } from './confirmations.js';

export interface HeardEvent {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Of an event on the wire; its encoder writes it so, and of any other form the read model tells. */
const causeBegin = '"causationid":"';

const causeOf = ({ data }: HeardEvent): string | undefined => {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const from = text.indexOf(causeBegin);
  if (from === -1) return undefined;
  const begin = from + causeBegin.length;
  return text.toString('latin1', begin, text.indexOf('"', begin));
};

export const createStartListener =
  (
    workspace: string,
    confirmations: Pick<Confirmations, 'isExpected' | 'tell' | 'waitingCount'>,
    readModel: Pick<ReadModel, 'promise'>,
  ) =>
  (message: HeardEvent, streamSequence: number): void => {
    if (confirmations.waitingCount === 0) return;
    const cause = causeOf(message);
    if (cause === undefined || !confirmations.isExpected(cause)) return;
    const event = startOf(message);
    if (event?.workspace !== workspace || event.causationId !== cause) return;
    if (!readModel.promise(streamSequence)) return;
    confirmations.tell(new Map([[cause, { kind: 'done', event }]]));
  };

/** What cannot be read is told by the read model. */
const startOf = (message: HeardEvent): EventEnvelope | undefined => {
  try {
    const event = decodeEvent(textOf(message));
    return event.data.type === 'run.started' ? event : undefined;
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
};
