/**
 * What other workers have in hand although the connection broke. They say so when they are back, and again and again
 * until it is done: a server that was killed may deliver their tasks to somebody else as if nobody had them.
 */
import { randomUUID } from 'node:crypto';
import { type Connection, onDisturbance, publishLive, subscribeLive } from '@signalbox/messaging';

export interface Holders {
  /** Whether another worker has said lately that it has this attempt in hand. */
  readonly isHeld: (key: string) => boolean;
  readonly close: () => void;
}

export interface FollowHoldersOptions {
  readonly connection: Connection;
  /** Where those that claim from the same consumer hear one another. */
  readonly subject: string;
  readonly keysInHand: () => readonly string[];
  readonly heartbeatMs: number;
}

export const followHolders = (options: FollowHoldersOptions): Holders => {
  const { connection, subject, keysInHand, heartbeatMs } = options;
  const self = randomUUID();
  const heardAt = new Map<string, number>();
  const validMs = 3 * heartbeatMs;
  let survivors: ReadonlySet<string> = new Set();

  const live = subscribeLive(connection, subject, ({ data }) => {
    const [holder, ...keys] = Buffer.from(data).toString().split('\n');
    if (holder === self) return;
    const now = performance.now();
    for (const key of keys) heardAt.set(key, now);
  });
  const announce = (): void => {
    const held = new Set(keysInHand());
    survivors = new Set([...survivors].filter((key) => held.has(key)));
    if (survivors.size > 0) publishLive(connection, subject, [self, ...survivors].join('\n'));
    const now = performance.now();
    for (const [key, at] of heardAt) if (now - at > validMs) heardAt.delete(key);
  };
  const endListening = onDisturbance(connection, () => {
    survivors = new Set(keysInHand());
    announce();
  });
  const heartbeat = setInterval(announce, heartbeatMs);
  return {
    isHeld: (key) => performance.now() - (heardAt.get(key) ?? Number.NEGATIVE_INFINITY) <= validMs,
    close: () => {
      clearInterval(heartbeat);
      endListening();
      live.close();
    },
  };
};
