/** The log's messages: from the database's rows, and back into events. */
import type { StoredMessage } from '@signalbox/messaging';
import { decodeEvent, type EventEnvelope, headers, type WireMessage } from '@signalbox/protocol';
import type { CatalogRow } from '../store/log-store.js';
import {
  encodeCatalogEvent,
  encodeRunEvent,
  fromRunEventRow,
  type RunEventRow,
} from '../wire/event-codec.js';

export interface LogMessage {
  readonly message: StoredMessage;
  readonly envelope: EventEnvelope;
  readonly text: string;
}

const utf8 = new TextDecoder();

/** @throws ContractError where the message is no event of this protocol. */
export const readLogMessage = (message: StoredMessage): LogMessage => {
  const { subject } = message;
  const version = message.headers[headers.version];
  const text = utf8.decode(message.data);
  return {
    message,
    text,
    envelope: decodeEvent({ subject, text, ...(version === undefined ? {} : { version }) }),
  };
};

/** The data of an event as the database keeps it, in the order of its fields on the wire. */
export const dataOf = (text: string): { readonly [field: string]: unknown } =>
  (JSON.parse(text) as { data: { readonly [field: string]: unknown } }).data;

export const runEventMessage = (row: RunEventRow): WireMessage =>
  encodeRunEvent(row.run_key, fromRunEventRow(row), row.causation_id ?? undefined, row.data);

export const catalogEventMessage = ({ workspace, seq, at, event, causationId }: CatalogRow): WireMessage =>
  encodeCatalogEvent(workspace, seq, at, event, causationId);
