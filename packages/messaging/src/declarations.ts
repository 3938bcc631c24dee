/**
 * The shapes in which the protocol declares what must exist on the server. Milliseconds and bytes throughout;
 * the translation to the server's nanoseconds happens in `provision.ts` only.
 */
export interface StreamDeclaration {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: 'workqueue' | 'limits';
  readonly discard: 'new' | 'old';
  readonly duplicateWindowMs: number;
  readonly allowDirect: boolean;
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  readonly replicas: number;
}

/** Always durable, pull, explicit acknowledgement, one filter. */
export interface ConsumerDeclaration {
  readonly stream: string;
  readonly durable: string;
  readonly filterSubject: string;
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  /** Redelivery delays; the server demands fewer entries than `maxDeliver`. Empty: `ackWaitMs` alone. */
  readonly backoffMs: readonly number[];
  readonly maxAckPending: number;
}
