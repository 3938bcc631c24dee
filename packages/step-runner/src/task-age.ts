/**
 * Which tasks are older than the connection they come on. The server may have lost what happened to them, and those
 * who knew are just coming back: such a task is judged only when the connection has settled. The same when a leader of
 * a cluster is lost: its successor may deliver anew, as first deliveries, what it does not know to be delivered.
 *
 * Nor does a process that stood still know what became of what was delivered to it meanwhile: after the ack wait somebody
 * else has it. The same then, too.
 *
 * Age is a matter of the stream's numbers, not of clocks.
 */
import { setMaxListeners } from 'node:events';
import {
  type Connection,
  type Delivery,
  onDisturbance,
  pause,
  readStreamFacts,
  TransientError,
} from '@signalbox/messaging';

export interface TaskAge {
  /** Resolves at once for a task that was stored after this connection was made. */
  readonly isOld: (delivery: Delivery) => Promise<boolean>;
  /** Resolves when the connection has lasted long enough to believe what others say. */
  readonly settled: () => Promise<void>;
  readonly close: () => void;
}

const retryMs = 100;

export interface TaskAgeOptions {
  /** How long a new connection has to last before others are believed. */
  readonly settlingMs: number;
  /** A standstill that nobody can have noticed; well under the ack wait. */
  readonly maxStandstillMs: number;
}

export const followTaskAge = (
  connection: Connection,
  stream: string,
  { settlingMs, maxStandstillMs }: TaskAgeOptions,
): TaskAge => {
  const closed = new AbortController();
  // One for each connection of the last while.
  setMaxListeners(0, closed.signal);
  let boundary: Promise<number>;
  let settling: Promise<void>;
  let connectionCount = 0;

  const lastSequence = async (count: number): Promise<number> => {
    while (!closed.signal.aborted) {
      if (count !== connectionCount) return boundary;
      try {
        return (await readStreamFacts(connection, stream)).lastSequence;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        await pause(retryMs, closed.signal);
      }
    }
    return Number.POSITIVE_INFINITY;
  };
  const begin = (): void => {
    connectionCount += 1;
    boundary = lastSequence(connectionCount);
    settling = pause(settlingMs, closed.signal);
    // Reported to whoever asks.
    boundary.catch(() => undefined);
  };
  begin();
  const endListening = onDisturbance(connection, begin);
  let tickedAt = performance.now();
  const tick = (): void => {
    const stoodStill = performance.now() - tickedAt > maxStandstillMs;
    tickedAt = performance.now();
    if (stoodStill) begin();
  };
  const ticking = setInterval(tick, maxStandstillMs / 4).unref();
  return {
    isOld: async ({ streamSequence }) => {
      // What has come meanwhile is read before any timer fires.
      tick();
      return streamSequence <= (await boundary);
    },
    settled: async () => {
      for (let seen: Promise<void> | undefined; seen !== settling; ) {
        seen = settling;
        await seen;
      }
    },
    close: () => {
      closed.abort();
      clearInterval(ticking);
      endListening();
    },
  };
};
