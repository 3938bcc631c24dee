/** Starts runs at a rate while faults strike, and plays the people: decides approvals, sends signals, cancels some runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, type Promised, runs } from './client.js';
import { endCountSince, ledgerSize } from './ledger.js';
import type { Seeded } from './seeded.js';
import type { Stage } from './stage.js';

export interface LoadOptions {
  readonly perSecond: number;
  readonly seconds: number;
  readonly mix: readonly [string, ...string[]];
  /** Share of the runs that are cancelled soon after their start. */
  readonly cancelShare?: number;
}

export interface Load {
  /** Resolves when every start has been answered or given up. */
  readonly done: Promise<void>;
  /** Starts that nobody answered for as long as a client would have patience. */
  readonly unanswered: number;
}

const maxCancelDelayMs = 1_500;

export const startLoad = (stage: Stage, options: LoadOptions): Load => {
  let unanswered = 0;
  const begun: Promise<void>[] = [];
  const one = async (): Promise<void> => {
    const workflow = stage.seeded.pick(options.mix);
    const isCancelled = stage.seeded.next() < (options.cancelShare ?? 0);
    const cancelDelayMs = stage.seeded.between(0, maxCancelDelayMs);
    const started = await stage.client.start(workflow);
    if (started === undefined) unanswered += 1;
    else if (isCancelled) {
      await delay(cancelDelayMs);
      await cancelUntilAnswered(stage.client, started);
    }
  };
  const paced = async (): Promise<void> => {
    const beganAt = performance.now();
    const total = Math.ceil(options.perSecond * options.seconds);
    for (let count = 0; count < total; count += 1) {
      const dueMs = beganAt + (count * 1_000) / options.perSecond - performance.now();
      if (dueMs > 0) await delay(dueMs);
      begun.push(one());
    }
    await Promise.all(begun);
  };
  return {
    done: paced(),
    get unanswered() {
      return unanswered;
    },
  };
};

const cancelAttempts = 20;

/** A run that has ended meanwhile refuses, which is an answer as well. */
const cancelUntilAnswered = async (client: Client, { runId }: Promised): Promise<void> => {
  for (let count = 0; count < cancelAttempts; count += 1) {
    if ((await client.cancel(runId)) !== undefined) return;
    const run = await client.request('GET', `${runs}/${runId}`);
    if (run?.body?.endedAt !== null && run?.body?.endedAt !== undefined) return;
    await delay(250);
  }
};

export interface People {
  stop(): Promise<void>;
}

const lookMs = 200;

/** Decides whatever waits for a decision and signals whatever waits for a signal, again and again until told to stop. */
export const startPeople = (client: Client, seeded: Seeded): People => {
  const ended = new AbortController();
  const work = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const pending = await client.request('GET', '/api/v1/workflow-approvals?status=pending&limit=200');
      const asked: readonly { runId: string; approvalId: string }[] = pending?.body?.items ?? [];
      await Promise.all(asked.map(({ runId, approvalId }) => client.approve(runId, approvalId)));
      const waiting = await client.request('GET', `${runs}?status=WAITING_SIGNAL&limit=200`);
      const hearing: readonly { runId: string }[] = waiting?.body?.items ?? [];
      await Promise.all(hearing.map(({ runId }) => client.signal(runId, `s-${runId}`)));
      await delay(lookMs + seeded.between(0, lookMs), undefined, { signal: ended.signal }).catch(
        () => undefined,
      );
    }
  };
  const done = work();
  return {
    stop: async () => {
      ended.abort();
      await done;
    },
  };
};

/**
 * Before it strikes, so many runs of quick steps begin together, and it strikes when so many of their steps have just been
 * executed: what a server has not written down yet it forgets, and that is what has been done last.
 */
const burst = { runCount: 24, executionCount: 40, maxWaitMs: 4_000 } as const;

/** Strikes all the same when that much is not done in time. */
export const strikeWhenBusy = async (
  { client, ledgerFile }: Stage,
  strike: () => Promise<void>,
): Promise<void> => {
  const from = ledgerSize(ledgerFile);
  const until = performance.now() + burst.maxWaitMs;
  const begun = Array.from({ length: burst.runCount }, () => client.start('linear'));
  for (let count = 0; count < burst.executionCount && performance.now() < until; await delay(10))
    count = endCountSince(ledgerFile, from);
  await strike();
  await Promise.all(begun);
};
