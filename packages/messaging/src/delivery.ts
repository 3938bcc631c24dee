/** Owns one message as a consumer delivers it, and the answer to it. */
import type { Msg } from '@nats-io/nats-core';
import { InvariantViolation } from './errors.js';
import type { LateAcks } from './late-acks.js';
import { type MessageHeaders, readHeaders } from './message-headers.js';

export interface Delivery {
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
  readonly headers: MessageHeaders;
  readonly data: Uint8Array;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  readonly streamSequence: number;
  /** When the stream stored the message, by the server's clock: milliseconds since 1970. */
  readonly storedAt: number;
  /** Messages that waited behind this one when it was delivered. */
  readonly pendingCount: number;
  readonly isSettled: boolean;
  /** It came on the connection that there is: before, its number may have meant another message. */
  readonly isCurrent: boolean;
  /**
   * The first of `ack`, `nak` and `term` settles the delivery; later ones do nothing. None waits for an answer, and `ack` goes
   * out with what is sent next (`late-acks.ts`). None is
   * sent on another connection than the delivery came on: answers name a number, and a server that has lost messages
   * gives their numbers to others, which it would remove. What it still has, it delivers again.
   */
  ack(): void;
  /** Redelivered after `delayMs`, at once without it. */
  nak(delayMs?: number): void;
  /** Never delivered again. Sent bare: a reason is misread by servers before 2.10.4. */
  term(): void;
  /** Restarts the server's ack wait, on any connection: it removes nothing. */
  working(): void;
}

/** What a message's reply subject says of its delivery. */
export interface DeliveryFacts {
  stream: string;
  consumer: string;
  deliveryCount: number;
  streamSequence: number;
  /** Counts the consumer's deliveries from 1, without a gap. */
  consumerSequence: number;
  /** Milliseconds since 1970. */
  storedAt: number;
  pendingCount: number;
}

export const isDelivery = (message: Msg): boolean => message.reply?.startsWith('$JS.ACK.') === true;

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>`; newer servers put domain and account before the stream. */
export function readFacts(message: Msg): DeliveryFacts {
  const tokens = (message.reply ?? '').split('.');
  const from = tokens.length === 9 ? 2 : 4;
  const stream = tokens[from];
  const consumer = tokens[from + 1];
  if (stream === undefined || consumer === undefined || tokens.length < 9) {
    throw new InvariantViolation(`not the reply subject of a delivery: ${message.reply}`);
  }
  return {
    stream,
    consumer,
    deliveryCount: Number(tokens[from + 2]),
    streamSequence: Number(tokens[from + 3]),
    consumerSequence: Number(tokens[from + 4]),
    storedAt: Number((tokens[from + 5] ?? '').slice(0, -6)),
    pendingCount: Number(tokens[from + 6]),
  };
}

const answers = {
  nak: Buffer.from('-NAK'),
  term: Buffer.from('+TERM'),
  working: Buffer.from('+WPI'),
} as const;

export class PulledDelivery implements Delivery {
  readonly stream: string;
  readonly consumer: string;
  readonly deliveryCount: number;
  readonly streamSequence: number;
  readonly storedAt: number;
  readonly pendingCount: number;
  readonly #message: Msg;
  readonly #onSettled: (delivery: PulledDelivery) => void;
  readonly #isCurrent: () => boolean;
  readonly #acks: LateAcks;
  #headers: MessageHeaders | undefined;
  #isSettled = false;

  /** `isCurrent`: the connection is the one that it came on. */
  constructor(
    message: Msg,
    onSettled: (delivery: PulledDelivery) => void,
    isCurrent: () => boolean,
    acks: LateAcks,
  ) {
    const facts = readFacts(message);
    this.stream = facts.stream;
    this.consumer = facts.consumer;
    this.deliveryCount = facts.deliveryCount;
    this.streamSequence = facts.streamSequence;
    this.storedAt = facts.storedAt;
    this.pendingCount = facts.pendingCount;
    this.#message = message;
    this.#onSettled = onSettled;
    this.#isCurrent = isCurrent;
    this.#acks = acks;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get headers(): MessageHeaders {
    this.#headers ??= readHeaders(this.#message);
    return this.#headers;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get isCurrent(): boolean {
    return this.#isCurrent();
  }

  ack(): void {
    this.#settle(() => this.#acks.add(this.#message));
  }

  nak(delayMs?: number): void {
    const delayNs = Math.round((delayMs ?? 0) * 1_000_000);
    const answer = delayNs > 0 ? Buffer.from(`-NAK {"delay": ${delayNs}}`) : answers.nak;
    this.#settle(() => this.#message.respond(answer));
  }

  term(): void {
    this.#settle(() => this.#message.respond(answers.term));
  }

  working(): void {
    if (!this.#isSettled) this.#message.respond(answers.working);
  }

  #settle(answer: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.isCurrent) answer();
    this.#onSettled(this);
  }
}
