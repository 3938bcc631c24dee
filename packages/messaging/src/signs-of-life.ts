/**
 * Whether anybody has a message of a work queue in hand that its consumer has delivered. Who has one says so to the server
 * every few seconds, and whoever may hear that hears it, too.
 *
 * A consumer cannot tell: one whose stream has lost its newest messages has passed the numbers that others get since, and
 * counts as in hand what is not there any more, for ever (2.9.10).
 *
 * 1. One listens only to what was asked about, and as long as it is asked about again.
 * 2. Only silence that this process could have heard broken counts: it was connected, and did not stand still itself.
 */
import type { Msg, Subscription } from '@nats-io/nats-core';
import { type Connection, linkOf } from './connection.js';

const tickMs = 500;
/** What goes beyond is listened to when others are done. */
const maxListenedCount = 200;
/** Later than the sign of life of anybody who is well. */
const doubtfulMs = 4_000;

export interface SignsOfLife {
  /** True when nobody has given a sign of life for too long; one listens from the first question on. */
  isSilent(sequence: number): boolean;
  /** Somebody who is well would have been heard of by now: it is worth asking again soon. */
  readonly isDoubtful: boolean;
  /** Nothing is heard any more of what was not asked about since the last call. */
  forgetUnasked(): void;
  close(): void;
}

interface Listening {
  readonly subscriptions: readonly Subscription[];
  isReady: boolean;
  isAsked: boolean;
  silentMs: number;
}

export function listenForSigns(
  connection: Connection,
  { stream, maxSilenceMs }: { readonly stream: string; readonly maxSilenceMs: number },
): SignsOfLife {
  const link = linkOf(connection);
  const listened = new Map<number, Listening>();
  let timer: NodeJS.Timeout | undefined;
  /** The server does not let this user hear: then silence says nothing. */
  let isDeaf = false;

  const tick = (): void => {
    if (connection.status !== 'connected') return;
    for (const each of listened.values()) if (each.isReady) each.silentMs += tickMs;
  };
  const forget = (sequence: number): void => {
    for (const subscription of listened.get(sequence)?.subscriptions ?? []) subscription.unsubscribe();
    listened.delete(sequence);
    if (listened.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const forgetAll = (): void => {
    for (const sequence of [...listened.keys()]) forget(sequence);
  };
  const listen = (sequence: number): void => {
    const hear = (message: Msg): void => {
      listening.silentMs = -delayAskedFor(message);
    };
    const onRefused = (): void => {
      isDeaf = true;
    };
    const listening: Listening = {
      subscriptions: answersAbout(stream, sequence).map((subject) => link.listen(subject, hear, onRefused)),
      isReady: false,
      isAsked: true,
      silentMs: 0,
    };
    listened.set(sequence, listening);
    timer ??= setInterval(tick, tickMs);
    link.nats.flush().then(
      () => {
        listening.isReady = true;
      },
      () => undefined,
    );
  };
  const endWatching = link.watch({ onDown: forgetAll });
  return {
    isSilent: (sequence) => {
      const listening = listened.get(sequence);
      if (listening !== undefined) listening.isAsked = true;
      else if (connection.status === 'connected' && listened.size < maxListenedCount) listen(sequence);
      return !isDeaf && (listening?.silentMs ?? 0) >= maxSilenceMs;
    },
    get isDoubtful() {
      return !isDeaf && [...listened.values()].some(({ silentMs }) => silentMs >= doubtfulMs);
    },
    forgetUnasked: () => {
      for (const [sequence, listening] of [...listened]) {
        if (!listening.isAsked) forget(sequence);
        listening.isAsked = false;
      }
    },
    close: () => {
      endWatching();
      forgetAll();
    },
  };
}

/** Newer servers put domain and account before the stream. */
const answersAbout = (stream: string, sequence: number): readonly string[] => [
  `$JS.ACK.${stream}.*.*.${sequence}.>`,
  `$JS.ACK.*.*.${stream}.*.*.${sequence}.>`,
];

/** Who gives a message back may ask that it comes again later. */
const delayAskedFor = (message: Msg): number => {
  const delayNs = /"delay":\s*(\d+)/.exec(message.string())?.[1];
  return delayNs === undefined ? 0 : Number(delayNs) / 1e6;
};
