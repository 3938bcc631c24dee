/**
 * Publishes what the database has and the stream lacks: the catalog first, then the runs' events in the order of their
 * commits, with the ids and the text that they had. A bounded number is under way, and other work goes on meanwhile.
 *
 * What the server refuses for good is set aside as a dead letter, and the rest goes out. The dead letter is recorded
 * before it is told: a crash between leaves it to the next start, which finds it missing in the log.
 */
import {
  fittingDeadLetter,
  type OutgoingMessage,
  PublishError,
  pause,
  TransientError,
} from '@signalbox/messaging';
import { ContractError, isDeadLetterEvent, type WireMessage } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import { createCrashStore } from '../store/crash-store.js';
import { createDeadLetterStore } from '../store/dead-letter-store.js';
import { createLogStore } from '../store/log-store.js';
import { encodeDeadLetter, encodeQuarantine } from '../wire/event-codec.js';
import { unsentDeadLetter } from '../wire/input-codec.js';
import type { Missing } from './compare.js';
import { catalogEventMessage, runEventMessage } from './log-codec.js';
import { keyOfDeadLetter } from './log-fold.js';

/** Of what a log with limits may hold: with what is told after that it must leave room for what comes meanwhile. */
const shareOfRepublished = 1 / 4;
const maxAtOnce = 500;
const retryDelayMs = 250;

/** Resolves when all are stored; rejects as a publisher does. */
export interface EventOutlet {
  publishAll(messages: readonly OutgoingMessage[]): Promise<unknown>;
}

export interface RepublishParts {
  readonly sql: Database;
  readonly publisher: EventOutlet;
  readonly maxPayloadBytes: () => number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Definitions, agents, teams, quarantines, and the dead letters. Resolves with the number of messages when all are stored. */
export const republishCatalog = async (parts: RepublishParts, missing: Missing): Promise<number> => {
  const { fold, from, to } = missing;
  const store = createLogStore(parts.sql);
  const catalogCount = await republish(parts, from.catalog, to.catalog, {
    read: store.catalogEventsBehind,
    isMissing: ({ position }) => !fold.seenCatalog.has(position),
    encode: catalogEventMessage,
  });
  const quarantines = missing.isLost ? createCrashStore(parts.sql).announced() : [];
  await publishAll(parts, quarantines.map(encodeQuarantine));
  const letterCount = await republish(parts, from.letters, to.letters, {
    read: store.deadLettersBehind,
    isMissing: ({ report }) => !fold.seenDeadLetters.has(keyOfDeadLetter(report)),
    encode: ({ report }) => encodeDeadLetter(report),
  });
  return catalogCount + quarantines.length + letterCount;
};

/**
 * Where to begin. In a log with limits the older ones would push out what is published meanwhile: they are left out, as
 * if the limits had dropped them, and what is open of them is told after that.
 */
export const placeToBegin = (sql: Database, { from, to, facts }: Missing): number =>
  createLogStore(sql).placeOfLast(from.events, to.events, facts.maxBytes * shareOfRepublished);

/** What is missing behind `place`. Resolves with the number of messages when all are stored. */
export const republishEvents = (
  parts: RepublishParts,
  { fold, to }: Missing,
  place: number,
): Promise<number> => {
  const store = createLogStore(parts.sql);
  return republish(parts, place, to.events, {
    read: store.eventsBehind,
    isMissing: ({ position }) => !fold.seenEvents.has(position),
    encode: runEventMessage,
  });
};

interface Kind<R> {
  /** In the order of their positions. */
  readonly read: (position: number, limit: number) => R[];
  readonly isMissing: (row: R) => boolean;
  readonly encode: (row: R) => WireMessage;
}

const republish = async <R extends { readonly position: number }>(
  parts: RepublishParts,
  from: number,
  to: number,
  { read, isMissing, encode }: Kind<R>,
): Promise<number> => {
  let count = 0;
  for (let position = from; position < to; ) {
    const rows = read(position, maxAtOnce);
    const last = rows.at(-1);
    if (last === undefined) break;
    position = last.position;
    const missing = rows.filter((row) => row.position <= to && isMissing(row));
    count += missing.length;
    await publishAll(parts, missing.map(encode));
  }
  return count;
};

/** Resolves when the server has stored each, or has refused it for good. */
export const publishAll = async (parts: RepublishParts, messages: readonly WireMessage[]): Promise<void> => {
  const { publisher, signal } = parts;
  let waiting = messages;
  while (waiting.length > 0) {
    signal.throwIfAborted();
    try {
      await publisher.publishAll(waiting);
      return;
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      const outcomes = error instanceof PublishError ? error.outcomes : [];
      const letters = waiting.flatMap((message, index) => {
        const refusal = outcomes[index];
        return refusal instanceof ContractError ? setAside(parts, message, refusal) : [];
      });
      waiting = waiting.filter((_, index) => isToBeTried(outcomes[index]));
      await publishAll(parts, letters);
      if (waiting.length > 0) await pause(retryDelayMs, signal);
    }
  }
};

const isToBeTried = (outcome: PublishError['outcomes'][number] | undefined): boolean =>
  outcome === undefined || (outcome instanceof Error && !(outcome instanceof ContractError));

/** What has to be told of it: nothing where it is a dead letter itself, or is known. */
const setAside = (
  { sql, maxPayloadBytes, now, logger }: RepublishParts,
  message: WireMessage,
  refusal: ContractError,
): WireMessage[] => {
  const { subject, id } = message;
  logger.error('the server does not take a message of the log: it is set aside', {
    subject,
    message_id: id,
    error: refusal,
  });
  if (isDeadLetterEvent(subject)) return [];
  const { report } = unsentDeadLetter(message, refusal, now());
  const fitting = fittingDeadLetter(report, maxPayloadBytes());
  return createDeadLetterStore(sql).add(fitting) ? [encodeDeadLetter(fitting)] : [];
};
