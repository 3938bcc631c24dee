/**
 * Tells a worker that nobody waits any more for a step it holds: the attempt is over, one way or another.
 *
 * 1. Only the log counts: whatever is heard makes the worker look at the last stored fact of the step, and that alone
 *    decides. Anybody might say that a run is cancelled; a task that is dropped for that would be lost.
 * 2. The subscription first, then a look: an event between the task's dispatch and the subscription is not missed.
 * 3. The look is repeated at every heartbeat: messages of a broken connection's time reach no subscription.
 */
import {
  type Connection,
  type LiveMessage,
  readLast,
  subscribeLive,
  TransientError,
  textOf,
} from '@signalbox/messaging';
import {
  ContractError,
  decodeEvent,
  EVENTS,
  type EventData,
  eventSubjects,
  type StepTask,
} from '@signalbox/protocol';
import { isAttemptOver } from './step-outcome.js';

export interface Watch {
  /** Resolves after `close()`; rejects for what is no matter of the connection. */
  readonly done: Promise<void>;
  readonly close: () => void;
}

export interface AbortWatch {
  /** Calls `onOver` at most once, with the type of the fact that ended it. */
  readonly watch: (task: StepTask, onOver: (because: string) => void) => Watch;
}

export const createAbortWatch = (connection: Connection, recheckMs: number): AbortWatch => ({
  watch: ({ workspace, runId, stepId, attempt }, onOver) => {
    const closed = new AbortController();
    const subject = eventSubjects.step(workspace, runId, stepId);
    let heard = (): void => undefined;
    const live = subscribeLive(connection, subject, () => heard());
    const close = (): void => {
      closed.abort();
      live.close();
      heard();
    };
    const look = async (): Promise<void> => {
      await live.ready;
      const fact = await lastFact(connection, subject);
      if (closed.signal.aborted || fact === undefined || !isAttemptOver(fact, attempt)) return;
      close();
      onOver(fact.type);
    };
    /** Ends with the next word on the subject, or after a heartbeat. */
    const untilHeard = (): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, recheckMs);
        heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return { done: repeatedly(look, untilHeard, closed.signal), close };
  },
});

/** The newest fact on a subject; undefined where there is none that this version can read. @throws TransientError */
export const lastFact = async (
  connection: Connection,
  subject: string,
  options: { mayLag?: boolean } = {},
): Promise<EventData | undefined> => {
  const stored = await readLast(connection, EVENTS, subject, options);
  return stored === undefined ? undefined : decodeFact(stored);
};

/** A fact of a newer version says nothing that this one could act on. */
const decodeFact = (message: LiveMessage): EventData | undefined => {
  try {
    return decodeEvent(textOf(message)).data;
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
};

/** A look that the connection fails is made up for by the next. */
const repeatedly = async (
  look: () => Promise<void>,
  untilHeard: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    // Before the look: what is heard during it asks for another.
    const next = untilHeard();
    try {
      await look();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
    await next;
  }
};
