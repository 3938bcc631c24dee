/**
 * A few threads that evaluate, so that no expression ever holds the process's own loop: its heartbeats and other steps go
 * on.
 *
 * 1. A thread has one task at a time; what more there is waits its turn.
 * 2. A task that nobody waits for any more is dropped; where a thread is at work on it, that thread is ended.
 * 3. Threads begin with their first task, and never keep the process alive.
 */
import { Worker } from 'node:worker_threads';
import type { EvaluationTask, Json } from '@signalbox/engine';

export interface Given {
  readonly task: EvaluationTask;
}

export interface Answered {
  readonly output: Json;
}

export interface EvaluationPool {
  /** Rejects when the thread fails or the signal aborts. */
  readonly evaluate: (task: EvaluationTask, signal: AbortSignal) => Promise<Json>;
  readonly close: () => Promise<void>;
}

interface Job extends Given {
  readonly resolve: (output: Json) => void;
  readonly reject: (cause: unknown) => void;
}

/** The same place from `src` and from `dist`. */
const threadFile = new URL('../../dist/expression-evaluate/evaluation-thread.js', import.meta.url);

/** Room for values of 512 KiB on their way; what an expression takes is WebAssembly memory and has its own limit. */
const resourceLimits = { maxOldGenerationSizeMb: 256 };

export const createEvaluationPool = (threadCount: number): EvaluationPool => {
  const queue: Job[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Job>();

  const next = (): void => {
    if (queue.length === 0 || busy.size >= threadCount) return;
    const job = queue.shift();
    if (job === undefined) return;
    const thread = idle.pop() ?? begin();
    busy.set(thread, job);
    thread.postMessage({ task: job.task } satisfies Given);
  };

  const begin = (): Worker => {
    const thread = new Worker(threadFile, { resourceLimits });
    thread.unref();
    thread.on('message', ({ output }: Answered) => {
      const job = busy.get(thread);
      busy.delete(thread);
      idle.push(thread);
      job?.resolve(output);
      next();
    });
    thread.on('error', (cause) => lose(thread, cause));
    thread.on('exit', () => lose(thread, new Error('the thread that evaluates has ended')));
    return thread;
  };

  const lose = (thread: Worker, cause: unknown): void => {
    const job = busy.get(thread);
    busy.delete(thread);
    const place = idle.indexOf(thread);
    if (place >= 0) idle.splice(place, 1);
    job?.reject(cause);
    next();
  };

  const drop = (job: Job, cause: unknown): void => {
    const place = queue.indexOf(job);
    if (place >= 0) queue.splice(place, 1);
    job.reject(cause);
    for (const [thread, current] of busy) if (current === job) void thread.terminate();
  };

  return {
    evaluate: (task, signal) =>
      new Promise<Json>((resolve, reject) => {
        signal.throwIfAborted();
        const job: Job = { task, resolve, reject };
        const abort = (): void => drop(job, signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        const settled =
          <T>(settle: (value: T) => void) =>
          (value: T): void => {
            signal.removeEventListener('abort', abort);
            settle(value);
          };
        queue.push(Object.assign(job, { resolve: settled(resolve), reject: settled(reject) }));
        next();
      }),
    close: async () => {
      const threads = [...idle, ...busy.keys()];
      queue.length = 0;
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
};
