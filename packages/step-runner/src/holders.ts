/**
 * What other workers have in hand.
 *
 * 1. Those who had something in hand when the connection broke say so when they are back, and again and again until it
 *    is done: a server that was killed may deliver their tasks to somebody else as if nobody had them.
 * 2. Whoever is about to begin what may have been begun before asks first: a task that had to be sent twice may lie in
 *    the queue twice. Who has it in hand answers; of two that ask at the same time, one goes on.
 * 3. Who has finished it lately answers too, and reports it again: a server that was lost may have taken the result along.
 */
import { randomUUID } from 'node:crypto';
import { type Connection, onDisturbance, pause, publishLive, subscribeLive } from '@signalbox/messaging';

export interface Holders {
  /** Whether another worker has said lately that it has this attempt in hand. */
  readonly isHeld: (key: string) => boolean;
  /** Asks for it, as the task with that claim. Who is told that nobody has it begins it in the same turn, or another one may. */
  readonly isFree: (key: string, claim: string) => Promise<boolean>;
  readonly close: () => void;
}

export interface FollowHoldersOptions {
  readonly connection: Connection;
  /** Where those that claim from the same consumer hear one another. */
  readonly subject: string;
  readonly keysInHand: () => readonly string[];
  /** Reports it again, under that claim, where it was finished here lately; false where it was not. */
  readonly reportFinished: (key: string, claim: string) => boolean;
  readonly heartbeatMs: number;
  /** How long an answer is waited for. Default 300 ms. */
  readonly answerMs?: number;
}

const defaultAnswerMs = 300;
const questionMark = '?';

export const followHolders = (options: FollowHoldersOptions): Holders => {
  const { connection, subject, keysInHand, reportFinished, heartbeatMs } = options;
  const answerMs = options.answerMs ?? defaultAnswerMs;
  const self = randomUUID();
  const heardAt = new Map<string, number>();
  /** With the claim that it is asked for under. */
  const asked = new Map<string, string>();
  const validMs = 3 * heartbeatMs;
  let survivors: ReadonlySet<string> = new Set();

  const say = (keys: Iterable<string>): void => publishLive(connection, subject, [self, ...keys].join('\n'));
  const isHeld = (key: string): boolean =>
    performance.now() - (heardAt.get(key) ?? Number.NEGATIVE_INFINITY) <= validMs;
  const hear = (key: string): void => void heardAt.set(key, performance.now());
  /** Neither a key nor a claim has a space in it. */
  const ask = (key: string, claim: string): void =>
    publishLive(connection, subject, `${questionMark}${self}\n${key} ${claim}`);
  /** Of those that ask at the same time the lowest goes on, who may have asked before the other was listening. */
  const answer = (asker: string, question: string): void => {
    const [key = '', claim = ''] = question.split(' ');
    const ownClaim = asked.get(key);
    if (keysInHand().includes(key) || reportFinished(key, claim)) say([key]);
    else if (ownClaim !== undefined && !isHeld(key)) {
      if (self < asker) ask(key, ownClaim);
      else hear(key);
    }
  };
  const live = subscribeLive(connection, subject, ({ data }) => {
    const [sender = '', ...keys] = Buffer.from(data).toString().split('\n');
    const isQuestion = sender.startsWith(questionMark);
    const other = isQuestion ? sender.slice(questionMark.length) : sender;
    if (other === self) return;
    for (const key of keys) {
      if (isQuestion) answer(other, key);
      else hear(key);
    }
  });
  const announce = (): void => {
    const held = new Set(keysInHand());
    survivors = new Set([...survivors].filter((key) => held.has(key)));
    if (survivors.size > 0) say(survivors);
    const now = performance.now();
    for (const [key, at] of heardAt) if (now - at > validMs) heardAt.delete(key);
  };
  const endListening = onDisturbance(connection, () => {
    survivors = new Set(keysInHand());
    announce();
  });
  const heartbeat = setInterval(announce, heartbeatMs);
  return {
    isHeld,
    isFree: async (key, claim) => {
      asked.set(key, claim);
      try {
        ask(key, claim);
        await pause(answerMs);
        return !isHeld(key);
      } finally {
        asked.delete(key);
      }
    },
    close: () => {
      clearInterval(heartbeat);
      endListening();
      live.close();
    },
  };
};
