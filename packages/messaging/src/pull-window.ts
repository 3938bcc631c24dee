/**
 * Owns the pull requests of one consumer and the bound on them.
 *
 * 1. Claimed (delivered and not released) plus requested never exceeds `size`, so a busy process hoards nothing
 *    that an idle one could do. Nor is more asked for than a client may have outstanding: a server that has more than its
 *    `max_pending` (64 MiB) for a connection breaks it, and would again with the same messages on the next.
 * 2. Several requests overlap: a new one is sent when a quarter of the window is free, while earlier ones still
 *    run, so deliveries do not stop for a round trip.
 * 3. Requests die with their connection. Each connection gets an inbox of its own, and the old one is given up
 *    before the client library could subscribe it again: a server that still holds an old request finds nobody.
 * 4. What the consumer's filter does not name is somebody else's and is neither handled nor answered: an answer would
 *    remove it from a work queue. A cluster delivers such messages (2.9.10) when the leader of a stream dies: the
 *    consumer still counts a number as its own that the stream has given to another message since.
 *
 * A delivery shows the subject it was published on and not the request that it answers, so requests are counted
 * together. The end of a request that has expired says how many places it leaves; after a refusal, which does
 * not, all requests are given up.
 */
import type { Msg, Subscription } from '@nats-io/nats-core';
import { type Connection, type Link, linkOf } from './connection.js';
import { isDelivery } from './delivery.js';
import { apiCodes, hasApiCode } from './errors.js';
import { subjectFilter } from './subject-filter.js';

/** How long the server keeps a request; then it says so and the places are requested anew. */
const pullExpiresMs = 30_000;
/**
 * The server speaks at least this often while a request waits. In a cluster, requests die with the leader of their
 * consumer and nobody says so: silence is all that can be noticed.
 */
const idleHeartbeatMs = 1_000;
const maxSilenceMs = 2_500;
const checkMs = 500;
/** What a dead leader had delivered comes again after the ack wait at the latest. */
const minPrepareIntervalMs = 5_000;
/** Up to this size each free place is requested at once: few long jobs must not leave a place idle. */
const maxEagerSize = 16;
/** A window that is nearly full collects free places this long before it asks for a handful. */
const lingerMs = 5;
/** Of all that is claimed: beyond it nothing is requested. */
const maxClaimedBytes = 64 * 1024 * 1024;
/** Of what one request is answered with: several windows with several requests each share a connection. */
const minRequestBytes = 2 * 1024 * 1024;
/** Of a message, beside its payload: subject, reply subject. */
const envelopeBytes = 8 * 1024;
const minRetryDelayMs = 100;
const maxRetryDelayMs = 1_000;

const status = { heartbeat: 100, notFound: 404, expired: 408, conflict: 409 } as const;
/** The request has fewer bytes left than the next message has. */
const tooFewBytes = 'Message Size Exceeds MaxBytes';

export interface PullWindowOptions {
  stream: string;
  consumer: string;
  size: number;
  /** Makes the consumer ready and gives its filter, before the first request of each connection; without it the consumer has to exist. */
  prepare?: () => Promise<string>;
  onMessage: (message: Msg) => void;
  /** Came on a subject that the consumer's filter does not name; it is left alone. */
  onStray?: (subject: string) => void;
  /** The server has said nothing for so long, though it was asked for so many; it is asked anew. */
  onSilence?: (silence: { readonly silentMs: number; readonly requestedCount: number }) => void;
  /** The consumer does not exist (yet) or refuses; called at the first of a row of refusals. */
  onRefused?: (reason: unknown) => void;
}

export class PullWindow {
  readonly #options: PullWindowOptions;
  readonly #link: Link;
  readonly #requestSubject: string;
  readonly #endWatching: () => void;
  readonly #monitor: NodeJS.Timeout;
  /** What was requested when; older than its expiry, a request cannot be open any more. */
  #recentRequests: { count: number; sentAt: number }[] = [];
  #subscription: Subscription | undefined;
  #inbox = '';
  #isOnFilter = subjectFilter('>');
  /** On this connection. */
  #preparedAt: number | undefined;
  #openings = 0;
  #lastRequest = 0;
  #claimedCount = 0;
  #claimedBytes = 0;
  #requestedCount = 0;
  #requestBytes: number;
  #heardAt = 0;
  #checkedAt = Date.now();
  #isRefillQueued = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryDelayMs = minRetryDelayMs;
  #isClosed = false;

  constructor(connection: Connection, options: PullWindowOptions) {
    this.#options = options;
    this.#link = linkOf(connection);
    this.#requestBytes = Math.max(minRequestBytes, connection.maxPayloadBytes + envelopeBytes);
    this.#requestSubject = `${this.#link.apiPrefix}.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    this.#endWatching = this.#link.watch({
      onDown: () => {
        this.#preparedAt = undefined;
        this.#dropRequests();
      },
      onUp: () => void this.#open(),
    });
    this.#monitor = setInterval(() => this.#check(), checkMs);
    if (connection.status === 'connected') void this.#open();
  }

  /** Delivered and not released. */
  get claimedCount(): number {
    return this.#claimedCount;
  }

  /** Asked of the server and not delivered yet. */
  get requestedCount(): number {
    return this.#requestedCount;
  }

  /** Gives the place of a handled delivery back. */
  release(message: Msg): void {
    this.#claimedCount -= 1;
    this.#claimedBytes -= message.data.length;
    this.#queueRefill();
  }

  /** As on a new connection: the consumer is made ready before the next request. */
  beginAnew(): void {
    if (this.#subscription === undefined) return;
    this.#preparedAt = undefined;
    void this.#open();
  }

  /** Withdraws what is requested; what is on its way still reaches `onMessage` before this resolves. */
  async drain(): Promise<void> {
    const subscription = this.#subscription;
    this.#end();
    this.#subscription = undefined;
    // Rejected by a broken connection, on which nothing is on its way.
    await subscription?.drain().catch(() => undefined);
    this.#requestedCount = 0;
  }

  #end(): void {
    this.#isClosed = true;
    this.#endWatching();
    clearInterval(this.#monitor);
    clearTimeout(this.#lingerTimer);
    clearTimeout(this.#retryTimer);
  }

  /** Nobody answers a request to a consumer that does not exist, so that is found out first. */
  async #open(): Promise<void> {
    if (this.#isClosed) return;
    this.#dropRequests();
    const opening = this.#openings;
    const refusal = await this.#prepare().then(
      (filter) => {
        this.#isOnFilter = subjectFilter(filter);
        return undefined;
      },
      (error: unknown) => error,
    );
    if (this.#isClosed || opening !== this.#openings) return;
    if (refusal !== undefined) {
      this.#onRefusal(refusal);
      return;
    }
    this.#inbox = `${this.#link.newInbox()}.`;
    this.#heardAt = Date.now();
    this.#subscription = this.#link.listen(
      `${this.#inbox}*`,
      (message) => this.#onMessage(message),
      (error) => this.#onRefusal(error),
    );
    this.#refill();
  }

  /**
   * A consumer that fell silent has no leader for the moment, and neither may those have who would make it anew: first it
   * is waited for, and what was made anew just now is not made anew for its silence.
   */
  async #prepare(): Promise<string> {
    const { stream, consumer, prepare } = this.#options;
    if (prepare !== undefined && this.#preparedAt === undefined) return this.#prepareBy(prepare);
    try {
      const { config } = await this.#link.manager.consumers.info(stream, consumer);
      const isRecent = Date.now() - (this.#preparedAt ?? 0) < minPrepareIntervalMs;
      if (prepare === undefined || isRecent) return config.filter_subject ?? '>';
    } catch (error) {
      if (prepare === undefined || !hasApiCode(error, apiCodes.consumerNotFound)) throw error;
    }
    return this.#prepareBy(prepare);
  }

  async #prepareBy(prepare: () => Promise<string>): Promise<string> {
    const opening = this.#openings;
    const filter = await prepare();
    if (opening === this.#openings) this.#preparedAt = Date.now();
    return filter;
  }

  #onRefusal(reason: unknown): void {
    if (this.#retryDelayMs === minRetryDelayMs) this.#options.onRefused?.(reason);
    this.#dropRequests();
    this.#retryLater();
  }

  #dropRequests(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    // An opening that still waits for its answer is overtaken.
    this.#openings += 1;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#recentRequests = [];
    this.#requestedCount = 0;
  }

  #onMessage(message: Msg): void {
    this.#heardAt = Date.now();
    if (!isDelivery(message)) {
      this.#onStatus(message);
      return;
    }
    this.#retryDelayMs = minRetryDelayMs;
    this.#requestedCount = Math.max(0, this.#requestedCount - 1);
    if (this.#isOnFilter(message.subject)) {
      this.#claimedCount += 1;
      this.#claimedBytes += message.data.length;
      this.#options.onMessage(message);
    } else this.#options.onStray?.(message.subject);
    this.#queueRefill();
  }

  #onStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === status.heartbeat) return;
    const leftCount = readLeft(message, 'Nats-Pending-Messages');
    if (code === status.conflict && message.headers?.description === tooFewBytes && leftCount !== undefined) {
      // Nothing of the whole request was enough: the message is of a server that took larger ones.
      if ((readLeft(message, 'Nats-Pending-Bytes') ?? 0) >= this.#requestBytes) this.#requestBytes *= 2;
      this.#takeBack(leftCount);
      return;
    }
    if (code === status.expired || code === status.notFound) {
      this.#retryDelayMs = minRetryDelayMs;
      if (leftCount === undefined) void this.#open();
      else this.#takeBack(leftCount);
      return;
    }
    this.#onRefusal({ code, description: message.headers?.description });
  }

  #takeBack(count: number): void {
    this.#requestedCount = Math.max(0, this.#requestedCount - count);
    this.#queueRefill();
  }

  #retryLater(): void {
    if (this.#isClosed || this.#retryTimer !== undefined) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      void this.#open();
    }, this.#retryDelayMs);
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, maxRetryDelayMs);
  }

  #queueRefill(): void {
    if (this.#isRefillQueued) return;
    this.#isRefillQueued = true;
    queueMicrotask(() => {
      this.#isRefillQueued = false;
      this.#refill();
    });
  }

  #refill(hasLingered = false): void {
    if (this.#subscription === undefined) return;
    const { size } = this.#options;
    const freeCount = size - this.#claimedCount - this.#requestedCount;
    if (freeCount <= 0 || this.#claimedBytes >= maxClaimedBytes) return;
    const isWorthwhile = size <= maxEagerSize || freeCount * 4 >= size || hasLingered;
    if (isWorthwhile) this.#request(freeCount);
    else if (this.#requestedCount === 0) this.#linger();
  }

  #linger(): void {
    this.#lingerTimer ??= setTimeout(() => {
      this.#lingerTimer = undefined;
      this.#refill(true);
    }, lingerMs);
  }

  #request(count: number): void {
    this.#requestedCount += count;
    const now = Date.now();
    const last = this.#recentRequests.at(-1);
    if (last !== undefined && now - last.sentAt < 1_000) last.count += count;
    else this.#recentRequests.push({ count, sentAt: now });
    this.#lastRequest += 1;
    this.#link.acks.send();
    this.#link.nats.publish(
      this.#requestSubject,
      `{"batch":${count},"max_bytes":${this.#requestBytes},"expires":${pullExpiresMs * 1e6},"idle_heartbeat":${idleHeartbeatMs * 1e6}}`,
      { reply: `${this.#inbox}${this.#lastRequest}` },
    );
  }

  #check(): void {
    if (this.#subscription === undefined) return;
    const now = Date.now();
    const lateMs = now - this.#checkedAt - checkMs;
    this.#checkedAt = now;
    // This process itself stood still: what the server has said meanwhile has not been read yet.
    if (lateMs > checkMs) this.#heardAt = now;
    const silentMs = now - this.#heardAt;
    if (this.#requestedCount > 0 && silentMs > maxSilenceMs) {
      this.#options.onSilence?.({ silentMs, requestedCount: this.#requestedCount });
      this.#link.disturbed();
      void this.#open();
      return;
    }
    this.#recentRequests = this.#recentRequests.filter(
      ({ sentAt }) => now - sentAt < pullExpiresMs + maxSilenceMs,
    );
    const maxOpenCount = this.#recentRequests.reduce((sum, { count }) => sum + count, 0);
    this.#requestedCount = Math.min(this.#requestedCount, maxOpenCount);
    this.#queueRefill();
  }
}

function readLeft(message: Msg, of: 'Nats-Pending-Messages' | 'Nats-Pending-Bytes'): number | undefined {
  const text = message.headers?.get(of) ?? '';
  return text === '' ? undefined : Number(text);
}
