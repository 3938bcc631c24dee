/**
 * Tells a worker that nobody waits any more for a step it holds: the run has ended, or the attempt is over.
 *
 * 1. Subscriptions first, then a look at the last stored message of both subjects: an event between the task's
 *    dispatch and the subscription is not missed.
 * 2. The look is repeated at every heartbeat: messages of a broken connection's time reach no subscription.
 * 3. Steps of one run share the subscription to the run's subject; with 500 items of a foreach at work each of
 *    its facts would otherwise be delivered 500 times.
 */
import {
  type Connection,
  type LiveMessage,
  type LiveSubscription,
  pause,
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
import { isAttemptOver, isRunOver } from './step-outcome.js';

export interface Watch {
  /** Resolves after `close()`; rejects for what is no matter of the connection. */
  readonly done: Promise<void>;
  readonly close: () => void;
}

export interface AbortWatch {
  /** Calls `onOver` at most once, with the type of the fact that ended it. */
  readonly watch: (task: StepTask, onOver: (because: string) => void) => Watch;
}

interface RunSubscription {
  readonly live: LiveSubscription;
  readonly listeners: Set<(fact: EventData) => void>;
}

export const createAbortWatch = (connection: Connection, recheckMs: number): AbortWatch => {
  const runs = new Map<string, RunSubscription>();

  const joinRun = (runSubject: string, listener: (fact: EventData) => void): RunSubscription => {
    const known = runs.get(runSubject);
    if (known !== undefined) {
      known.listeners.add(listener);
      return known;
    }
    const listeners = new Set([listener]);
    const live = subscribeLive(connection, runSubject, (message) => {
      const fact = decodeFact(message);
      if (fact !== undefined) for (const each of [...listeners]) each(fact);
    });
    const joined = { live, listeners };
    runs.set(runSubject, joined);
    return joined;
  };

  const leaveRun = (runSubject: string, listener: (fact: EventData) => void): void => {
    const run = runs.get(runSubject);
    if (run === undefined) return;
    run.listeners.delete(listener);
    if (run.listeners.size > 0) return;
    run.live.close();
    runs.delete(runSubject);
  };

  return {
    watch: (task, onOver) => {
      const { workspace, runId, stepId, attempt } = task;
      const runSubject = eventSubjects.run(workspace, runId);
      const closed = new AbortController();
      const onFact = (fact: EventData): void => {
        if (closed.signal.aborted || !(isRunOver(fact) || isAttemptOverFor(fact, stepId, attempt))) return;
        close();
        onOver(fact.type);
      };
      const run = joinRun(runSubject, onFact);
      const stepSubject = eventSubjects.step(workspace, runId, stepId);
      const step = subscribeLive(connection, stepSubject, (message) => {
        const fact = decodeFact(message);
        if (fact !== undefined) onFact(fact);
      });
      const close = (): void => {
        closed.abort();
        step.close();
        leaveRun(runSubject, onFact);
      };
      const look = async (): Promise<void> => {
        await Promise.all([run.live.ready, step.ready]);
        for (const subject of [runSubject, stepSubject]) {
          const fact = await lastFact(connection, subject);
          if (fact !== undefined) onFact(fact);
        }
      };
      return { done: repeatedly(look, recheckMs, closed.signal), close };
    },
  };
};

const isAttemptOverFor = (fact: EventData, stepId: string, attempt: number): boolean =>
  'stepId' in fact && fact.stepId === stepId && isAttemptOver(fact, attempt);

/** The newest fact on a subject; undefined where there is none that this version can read. @throws TransientError */
export const lastFact = async (connection: Connection, subject: string): Promise<EventData | undefined> => {
  const stored = await readLast(connection, EVENTS, subject);
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

/** Runs `look` now and every `everyMs` until the signal aborts. A look that the connection fails is made up for by the next. */
const repeatedly = async (look: () => Promise<void>, everyMs: number, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
    await pause(everyMs, signal);
  }
};
