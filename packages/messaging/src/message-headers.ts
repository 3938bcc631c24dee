/** Translates between plain records and the client library's header objects. */
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
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

/** The bytes of the headers of one message: `NATS/1.0`, a line for each, an empty one. */
class EncodedHeaders {
  constructor(private readonly text: string) {}

  encode(): Uint8Array {
    return Buffer.from(this.text);
  }
}

/** A line end in a value would begin another header, or the message. */
export const isHeaderValue = (value: string): boolean => !/[\r\n]/.test(value);

/**
 * The same bytes as the client library writes, without its map of lists for each message: it asks what it is given for
 * nothing but `encode()`. The values are header values.
 */
export function headersOnWire(
  plain: MessageHeaders | undefined,
  { id, isRepeated }: { readonly id: string | undefined; readonly isRepeated: boolean },
): MsgHdrs {
  let text = 'NATS/1.0\r\n';
  if (id !== undefined) text += `${names.messageId}: ${id}\r\n`;
  for (const name in plain) if (name !== names.repeated) text += `${name}: ${plain[name]}\r\n`;
  if (isRepeated || plain?.[names.repeated] !== undefined) text += `${names.repeated}: 1\r\n`;
  return new EncodedHeaders(`${text}\r\n`) as unknown as MsgHdrs;
}
