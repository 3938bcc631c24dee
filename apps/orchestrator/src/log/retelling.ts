/**
 * Keeps in a log with limits what is still wanted of it: the catalog, dead letters that nobody has dealt with, and the
 * events of runs that have not ended.
 *
 * 1. They are told again, with the ids and the text that they had, before the limits drop what was told last: the log
 *    always holds one whole telling, so whoever begins with the first message that there is learns everything that is open.
 * 2. What is known to readers already they pass over, as any repetition. The server must take no telling for another: each
 *    has message ids of its own.
 * 3. What was told last on a subject is what the history has last: the events of a run are read and sent in one go, when
 *    all of them have been published. Whoever asks for the last fact of a step is not told an older one.
 * 4. What is open may fill no more than a part of what the log may hold, or the telling would push itself out. Where it is
 *    more, the operator is told so, and what fits goes out: the catalog, and the oldest runs, which no one else tells of.
 */
import { setImmediate } from 'node:timers/promises';
import { type OutgoingMessage, pause, type StreamFacts } from '@signalbox/messaging';
import type { RunKey, WireMessage } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { Database } from 'better-sqlite3';
import { createCrashStore } from '../store/crash-store.js';
import { createLogStore, type LogStore } from '../store/log-store.js';
import { createOpenStore, type OpenStore } from '../store/open-store.js';
import { readSetting, writeSetting } from '../store/settings-store.js';
import { encodeDeadLetter, encodeQuarantine } from '../wire/event-codec.js';
import { catalogEventMessage, runEventMessage } from './log-codec.js';
import { type EventOutlet, publishAll, type RepublishParts } from './republish.js';
import { untilReached } from './until-reached.js';

/** What the log was told last. */
export interface Telling {
  readonly streamId: string;
  /** It is behind this number, and not behind `to`. */
  readonly from: number;
  readonly to: number;
  /** So much it was, about. */
  readonly bytes: number;
  /** When it began, by the clock of this process. */
  readonly at: number;
}

export interface RetellingParts {
  readonly sql: Database;
  readonly publisher: EventOutlet;
  readonly maxPayloadBytes: () => number;
  /** Of the log, as it is now. */
  readonly readFacts: () => Promise<StreamFacts>;
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly fail: (cause: unknown) => void;
}

const settingName = 'told-to-the-log';
/** What was told is not counted on; a telling that begins before the first message is always cut. */
const forgotten = '';
/**
 * Of its age and of its bytes, what the log may have when the next telling begins, counted from where the last one did. With
 * the next one that must be less than all of it: what comes meanwhile needs room.
 */
const shareUntilNext = 1 / 2;
const shareOfTelling = 1 / 3;
const maxAtOnce = 250;
/** What is in the midst of being published is told a little later; after so many tries in any case. */
const unpublishedPauseMs = 100;
const maxTries = 20;
/** When too much is open, it is looked so much later whether that has changed. */
const restMs = 60_000;

/** Whether it is time for the next telling. The size of what came since the last is that of as many average messages. */
export const isTimeToTell = (facts: StreamFacts, last: Telling, now: number): boolean => {
  const { firstSequence, lastSequence, bytes, maxBytes, maxAgeMs } = facts;
  if (maxBytes === Number.POSITIVE_INFINITY && maxAgeMs === Number.POSITIVE_INFINITY) return false;
  const isCut = last.from + 1 < firstSequence || last.to > lastSequence;
  const bytesSince = (bytes * (lastSequence - last.to)) / Math.max(1, lastSequence - firstSequence + 1);
  const isOld = now - last.at > maxAgeMs * shareUntilNext;
  return isCut || isOld || last.bytes + bytesSince > maxBytes * shareUntilNext;
};

interface Fitting {
  readonly runKeys: readonly RunKey[];
  readonly bytes: number;
  /** With the runs that do not fit. */
  readonly bytesOfAll: number;
}

export class Retelling {
  readonly #parts: RetellingParts;
  readonly #log: LogStore;
  readonly #open: OpenStore;
  /** Another one when the log has been another one since. */
  #life = 0;
  #telling: Promise<void> | undefined;
  #restUntil = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  /** False where not even the catalog fits. */
  #hasToldSome = true;

  constructor(parts: RetellingParts) {
    this.#parts = parts;
    this.#log = createLogStore(parts.sql);
    this.#open = createOpenStore(parts.sql);
  }

  /** What an operator has to know. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins to tell, where it is time. The stream must be whole, and said so a moment ago. */
  look(facts: StreamFacts): void {
    const { now, signal, fail } = this.#parts;
    if (this.#telling !== undefined) return;
    const isTime = isTimeToTell(facts, this.#last(facts), now());
    const isOfInterest = this.#problem === undefined ? isTime : isTime && this.#hasToldSome;
    if (!isOfInterest && (this.#problem === undefined || now() < this.#restUntil)) return;
    this.#telling = this.#tell(facts, isTime)
      .catch((error: unknown) => {
        if (!signal.aborted) fail(error);
      })
      .finally(() => {
        this.#telling = undefined;
      });
  }

  /** Resolves when the telling that has begun is over. */
  async told(): Promise<void> {
    await this.#telling;
  }

  /** The log has lost something, a telling perhaps: it is time for the next one. */
  forget(): void {
    this.#life += 1;
    writeSetting(this.#parts.sql, settingName, forgotten);
  }

  /** Without a telling the beginning of the log counts as one: everything was told there for the first time. */
  #last({ id, firstAt }: StreamFacts): Telling {
    const text = readSetting(this.#parts.sql, settingName);
    const isKnown = text !== undefined && text !== forgotten;
    const last = isKnown ? (JSON.parse(text) as Telling) : undefined;
    return last?.streamId === id
      ? last
      : {
          streamId: id,
          from: text === forgotten ? -1 : 0,
          to: 0,
          bytes: 0,
          at: firstAt ?? this.#parts.now(),
        };
  }

  async #tell({ id, maxBytes, lastSequence: from }: StreamFacts, isTime: boolean): Promise<void> {
    const { sql, now, logger, signal, readFacts } = this.#parts;
    const life = this.#life;
    const at = now();
    const mayHave = maxBytes * shareOfTelling;
    const catalogBytes = this.#open.catalogBytes();
    const runs = await this.#fitting(mayHave - catalogBytes);
    this.#judge(catalogBytes + runs.bytesOfAll, mayHave);
    this.#hasToldSome = catalogBytes <= mayHave;
    if (!isTime || !this.#hasToldSome) return;
    const parts = this.#publishing(`told/${at}/${from}`);
    await this.#tellCatalog(parts);
    await this.#tellRuns(parts, runs.runKeys);
    const { lastSequence: to } = await untilReached(readFacts, signal);
    if (life !== this.#life) return;
    const bytes = catalogBytes + runs.bytes;
    const telling: Telling = { streamId: id, from, to, bytes, at };
    writeSetting(sql, settingName, JSON.stringify(telling));
    logger.info('what is open was told to the log again', { run_count: runs.runKeys.length, bytes });
  }

  /** The oldest runs that together are no more than so many bytes. */
  async #fitting(mayHave: number): Promise<Fitting> {
    const runKeys: RunKey[] = [];
    let bytes = 0;
    let bytesOfAll = 0;
    for (const [index, runKey] of this.#open.runKeys().entries()) {
      bytesOfAll += this.#open.bytesOf(runKey);
      if (bytesOfAll <= mayHave) {
        runKeys.push(runKey);
        bytes = bytesOfAll;
      }
      if (index % maxAtOnce === 0) await setImmediate();
    }
    return { runKeys, bytes, bytesOfAll };
  }

  #judge(bytes: number, mayHave: number): void {
    const isTooMuch = bytes > mayHave;
    this.#restUntil = this.#parts.now() + restMs;
    if (isTooMuch && this.#problem === undefined)
      this.#parts.logger.error(tooMuch(mayHave), { open_bytes: bytes });
    this.#problem = isTooMuch ? tooMuch(mayHave) : undefined;
  }

  #publishing(as: string): RepublishParts {
    const { publisher } = this.#parts;
    const toldAs = (message: OutgoingMessage): OutgoingMessage => ({
      ...message,
      id: `${message.id}/${as}`,
    });
    return {
      ...this.#parts,
      publisher: { publishAll: (messages) => publisher.publishAll(messages.map(toldAs)) },
    };
  }

  /** All of it: each reader takes its events in their order, without a gap. */
  async #tellCatalog(parts: RepublishParts): Promise<void> {
    for (let position = 0; ; ) {
      const rows = this.#log.catalogEventsBehind(position, maxAtOnce);
      await publishAll(parts, rows.map(catalogEventMessage));
      const last = rows.at(-1);
      if (last === undefined) break;
      position = last.position;
    }
    await publishAll(parts, createCrashStore(parts.sql).announced().map(encodeQuarantine));
    for (let position = 0; ; ) {
      const letters = this.#open.deadLettersBehind(position, maxAtOnce);
      await publishAll(
        parts,
        letters.map(({ report }) => encodeDeadLetter(report)),
      );
      const last = letters.at(-1);
      if (last === undefined) break;
      position = last.position;
    }
  }

  async #tellRuns(parts: RepublishParts, runKeys: readonly RunKey[]): Promise<void> {
    let waiting = runKeys;
    for (let tryCount = 1; waiting.length > 0; tryCount += 1) {
      if (tryCount > 1) await pause(unpublishedPauseMs, parts.signal);
      waiting = await this.#tellSome(parts, waiting, tryCount === maxTries);
    }
  }

  /** Returns those of which something is not published yet. */
  async #tellSome(parts: RepublishParts, runKeys: readonly RunKey[], isLastTry: boolean): Promise<RunKey[]> {
    const left: RunKey[] = [];
    let messages: WireMessage[] = [];
    const send = async (): Promise<void> => {
      const going = messages;
      messages = [];
      await publishAll(parts, going);
    };
    for (const runKey of runKeys) {
      if (!isLastTry && !this.#open.isPublished(runKey)) {
        left.push(runKey);
        continue;
      }
      for (let seq: number | undefined = 0; seq !== undefined; ) {
        const rows = this.#open.eventsBehind(runKey, seq, maxAtOnce);
        messages.push(...rows.map(runEventMessage));
        seq = rows.length < maxAtOnce ? undefined : rows.at(-1)?.seq;
        if (messages.length >= maxAtOnce) await send();
      }
    }
    await send();
    return left;
  }
}

const tooMuch = (mayHave: number): string =>
  `what is open is more than a third of what the log may hold (${Math.floor(mayHave)} bytes): what of it the limits drop, no process can learn that starts later. Give the log more room, or end runs (docs/operations/nats-lost.md)`;
