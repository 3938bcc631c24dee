/** A message on its way out: what it was given with, and how often and where it was sent. */
import type { MessageHeaders } from './message-headers.js';
import type { Outcome } from './pub-ack.js';
import type { Row, RowKind } from './row.js';

export interface OutgoingMessage {
  readonly subject: string;
  /** `Nats-Msg-Id`. Without one a repeated publish may store the message twice. */
  readonly id?: string;
  readonly headers?: MessageHeaders;
  readonly data: Uint8Array | string;
}

/** What was given together, and is answered when all of it is decided. */
export interface Given {
  readonly outcomes: Outcome[];
  leftCount: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
}

export interface Entry {
  readonly token: number;
  readonly given: Given;
  readonly place: number;
  readonly rowKind: RowKind | undefined;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MessageHeaders | undefined;
  id: string | undefined;
  isRepeated: boolean;
  readonly givenAt: number;
  readonly deadlineAt: number;
  sentAt: number;
  /** Of the connection that it went out on first, or undefined. */
  firstSentOn: number | undefined;
  /** Under this id. */
  sendCount: number;
  /** It is being looked whether the stream holds it. */
  isLookedFor: boolean;
  /** Nobody was there to take it; to be sent again at this time, rather than when its acknowledgement is late. */
  againAt: number | undefined;
  /** In which it went out, while that may still prove it. */
  row: Row<Entry> | undefined;
}

export const settle = ({ given, place }: Pick<Entry, 'given' | 'place'>, outcome: Outcome): void => {
  given.outcomes[place] = outcome;
  given.leftCount -= 1;
  if (given.leftCount === 0) given.resolve(given.outcomes);
};

/** What the server then calls a duplicate is looked for. */
export const forgetSending = (entry: Entry): void => {
  entry.firstSentOn = undefined;
  entry.sendCount = 0;
};
