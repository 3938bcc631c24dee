/** A message as it goes to a stream. Made here only, so that no process writes a version header or a subject itself. */
import { headers, protocolVersion } from './headers.js';

type Headers = Readonly<Record<string, string>>;

export interface WireMessage {
  readonly subject: string;
  /** `Nats-Msg-Id`: however often it is sent within the stream's duplicate window, it is stored once. Not sent in a cluster. */
  readonly id: string;
  readonly headers: Headers;
  /** JSON text. */
  readonly data: string;
}

export interface WireMessageMarks {
  /** `workspace:runID:stepID:attempt`. */
  readonly idempotencyKey?: string | undefined;
  /** Headers of the message that caused this one; its trace goes on. */
  readonly cause?: Headers | undefined;
}

const versionOnly: Headers = Object.freeze({ [headers.version]: protocolVersion });

export const wireMessage = (
  subject: string,
  id: string,
  data: string,
  marks: WireMessageMarks = {},
): WireMessage => ({ subject, id, headers: headersOf(marks), data });

const headersOf = ({ idempotencyKey, cause }: WireMessageMarks): Headers => {
  if (idempotencyKey === undefined && cause === undefined) return versionOnly;
  const marked: Record<string, string> = { ...versionOnly };
  if (idempotencyKey !== undefined) marked[headers.idempotencyKey] = idempotencyKey;
  for (const name of [headers.traceparent, headers.tracestate]) {
    const value = cause?.[name];
    if (value !== undefined) marked[name] = value;
  }
  return marked;
};

/** The same, saying that it may have been stored before: whoever claims it asks whether it is done already. */
export const repeatedMessage = <M extends { readonly headers?: Headers }>(message: M): M => ({
  ...message,
  headers: { ...message.headers, [headers.repeated]: '1' },
});
