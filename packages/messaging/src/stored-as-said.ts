/**
 * What an acknowledgement is worth that calls a message a duplicate: the server knows the id, and no more. It may have
 * lost the message since, or may have let somebody remove the one in its place; or somebody else has taken the id.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Connection } from './connection.js';
import { getMessage, peekLast, type StoredMessage } from './stream-access.js';

/** `number`: whatever lies at a number may be read. `subject`: only the last message on each subject that is published on. */
export type Sight = 'number' | 'subject';

export interface SaidMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Whether the stream holds the message there; false also where it has been handled and removed. @throws TransientError */
export async function isStoredAsSaid(
  connection: Connection,
  place: { readonly stream: string; readonly sequence: number },
  said: SaidMessage,
  sight: Sight,
): Promise<boolean> {
  const { stream, sequence } = place;
  const there =
    sight === 'number'
      ? await getMessage(connection, stream, sequence)
      : await peekLast(connection, stream, said.subject);
  return there !== undefined && saysTheSame(there, said);
}

const saysTheSame = (there: StoredMessage, { subject, data }: SaidMessage): boolean => {
  if (there.subject !== subject) return false;
  const [one, other] = [Buffer.from(there.data).toString(), Buffer.from(data).toString()];
  return one === other || isDeepStrictEqual(jsonOf(one), jsonOf(other));
};

/** Text that is no JSON stands for itself. */
const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return text;
    throw cause;
  }
};
