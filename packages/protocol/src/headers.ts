export const headers = {
  messageId: 'Nats-Msg-Id',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  idempotencyKey: 'idempotency-key',
  version: 'signalbox-version',
  /** `1` on a message that may have been stored before: whoever claims it asks whether it is done already. */
  repeated: 'signalbox-repeated',
} as const;

export const protocolVersion = '1';

/** Largest rendered input and largest output of one step, in bytes of JSON. */
export const maxStepPayloadBytes = 512 * 1024;
