/** The one way from a message's bytes to the text that the decoders of the protocol take. */
import { ContractError, headers, type IncomingText } from '@signalbox/protocol';
import type { MessageHeaders } from './message-headers.js';

export interface IncomingBytes {
  readonly subject: string;
  readonly headers?: MessageHeaders;
  readonly data: Uint8Array;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws ContractError where the bytes are not UTF-8. */
export const textOf = (message: IncomingBytes): IncomingText => {
  const { subject } = message;
  const version = message.headers?.[headers.version];
  try {
    const text = utf8.decode(message.data);
    return { subject, text, ...(version === undefined ? {} : { version }) };
  } catch (cause) {
    throw new ContractError(`the message on ${subject} is not UTF-8`, subject, { cause });
  }
};
