/** Translates between plain records and the client library's header objects. */
import { headers, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { headers as names } from '@signalbox/protocol';

/** Names are kept as written. A name that occurs several times on the wire shows its first value. */
export type MessageHeaders = Readonly<Record<string, string>>;

const none: MessageHeaders = Object.freeze({});

export function readHeaders(message: Pick<Msg, 'headers'>): MessageHeaders {
  const received = message.headers;
  if (received === undefined) return none;
  const plain: Record<string, string> = {};
  for (const [name, values] of received) plain[name] = values[0] ?? '';
  return plain;
}

export function writeHeaders(id: string | undefined, plain: MessageHeaders | undefined): MsgHdrs | undefined {
  if (id === undefined && plain === undefined) return undefined;
  const written = headers();
  if (id !== undefined) written.set(names.messageId, id);
  for (const [name, value] of Object.entries(plain ?? {})) written.set(name, value);
  return written;
}
