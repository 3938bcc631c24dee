/**
 * Checks that may take long, in threads of their own: whoever asks goes on meanwhile.
 *
 * 1. A question that takes longer than its limit, or more memory than a thread has, ends its thread; another thread
 *    takes its place. The answer then says so. What counts is the processor time of the thread, so that a busy machine
 *    refuses nothing that an idle one takes; by the wall clock it may last `maxStretch` times as long.
 * 2. Keys take turns: many questions of one workspace do not keep the others waiting. Of one key no more than so many wait.
 * 3. A thread is started when there is something to ask.
 */
import { Worker } from 'node:worker_threads';
import type { Json } from '@signalbox/engine';
import { createQuickCheck } from '@signalbox/schema-checker';
import { openThreadTime, type ThreadTime } from '@signalbox/service';
import type { SchemaVerdict } from './schema-check.js';
import type {
  AnswerOf,
  KnownItem,
  KnownItems,
  Question,
  SentItem,
  ThreadReply,
  ThreadRequest,
} from './thread-request.js';

export interface CheckThreadsOptions {
  readonly maxThreads?: number;
  /** Questions that wait for a thread; more are answered `full`. */
  readonly maxWaiting?: number;
  /** The same of one key, so that nobody fills the room of others. */
  readonly maxWaitingOfKey?: number;
  readonly maxValueMs?: number;
  readonly maxDefinitionMs?: number;
  readonly maxStretch?: number;
  /** The processor time of a thread, by its id; that of the system by default. */
  readonly openTime?: typeof openThreadTime;
}

export type CheckOutcome<T> =
  /** `tookMs`: of a thread's processor time. */
  | { readonly kind: 'answered'; readonly answer: T; readonly tookMs: number }
  /** The check was ended; the reason is for whoever wrote the text. */
  | { readonly kind: 'too_long'; readonly reason: string; readonly tookMs: number }
  | { readonly kind: 'full' };

interface Job {
  readonly question: Question;
  readonly maxMs: number;
  readonly settle: (outcome: CheckOutcome<AnswerOf[Question['kind']]>) => void;
  readonly fail: (cause: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Digests of items whose texts it has been given. */
  readonly given: Set<string>;
  /** Undefined before it is ready. */
  time: ThreadTime | undefined;
  job: Job | undefined;
  /** By its own time. */
  startedAt: number;
  limit: Limit | undefined;
}

/** Of a job, or of a part of it that has a limit of its own. */
interface Limit {
  /** By the thread's own time. */
  readonly from: number;
  readonly wallFrom: number;
  timer: NodeJS.Timeout;
}

const maxHeapMb = 512;

export class CheckThreads {
  readonly #options: Required<CheckThreadsOptions>;
  readonly #threads = new Set<Thread>();
  readonly #waiting = new Map<string, Job[]>();
  readonly #isSurelyValid = createQuickCheck();
  #waitingCount = 0;
  #isClosed = false;

  constructor(options: CheckThreadsOptions = {}) {
    const defaults = {
      maxThreads: 2,
      maxWaiting: Number.POSITIVE_INFINITY,
      maxWaitingOfKey: 200,
      maxValueMs: 2_000,
      maxDefinitionMs: 30_000,
      maxStretch: 8,
      openTime: openThreadTime,
    };
    this.#options = { ...defaults, ...options };
  }

  /** `key`: whose question it is. @throws where the threads are closed, or the check itself is broken. */
  ask<K extends Question['kind']>(
    key: string,
    question: Extract<Question, { readonly kind: K }>,
  ): Promise<CheckOutcome<AnswerOf[K]>> {
    const { maxWaiting, maxWaitingOfKey, maxValueMs, maxDefinitionMs } = this.#options;
    if (this.#isClosed) return Promise.reject(new Error('the check threads are closed'));
    const waitingOfKey = this.#waiting.get(key)?.length ?? 0;
    if (this.#waitingCount >= maxWaiting || waitingOfKey >= maxWaitingOfKey)
      return Promise.resolve({ kind: 'full' });
    return new Promise((resolve, reject) => {
      const maxMs = question.kind === 'value' ? maxValueMs : maxDefinitionMs;
      // The answer to a question of a kind is of that kind.
      const settle = resolve as Job['settle'];
      this.#enqueue(key, { question, maxMs, settle, fail: reject });
      this.#assign();
    });
  }

  /** Whether a value keeps a schema: answered at once where little work shows that it does. */
  async checkValue(key: string, schema: Json, value: Json): Promise<SchemaVerdict> {
    if (this.#isSurelyValid(schema, value)) return { kind: 'valid' };
    const question = { kind: 'value', schema: JSON.stringify(schema), value: JSON.stringify(value) } as const;
    const outcome = await this.ask(key, question);
    switch (outcome.kind) {
      case 'answered':
        return outcome.answer;
      case 'too_long':
        return { kind: 'unusable', reason: outcome.reason };
      case 'full':
        return { kind: 'unusable', reason: 'too many checks wait' };
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const threads = [...this.#threads];
    const jobs = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#threads.clear();
    for (const thread of threads) release(thread);
    for (const job of [...jobs, ...threads.flatMap((thread) => thread.job ?? [])]) {
      job.fail(new Error('the check threads are closed'));
    }
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #enqueue(key: string, job: Job): void {
    const queue = this.#waiting.get(key);
    if (queue === undefined) this.#waiting.set(key, [job]);
    else queue.push(job);
    this.#waitingCount += 1;
  }

  /** The next job of the key whose turn it is; the key goes to the end. */
  #next(): Job | undefined {
    for (const [key, [job, ...rest]] of this.#waiting) {
      this.#waiting.delete(key);
      if (rest.length > 0) this.#waiting.set(key, rest);
      if (job === undefined) continue;
      this.#waitingCount -= 1;
      return job;
    }
    return undefined;
  }

  #assign(): void {
    for (const thread of this.#threads) {
      if (thread.time === undefined || thread.job !== undefined) continue;
      const job = this.#next();
      if (job === undefined) return;
      this.#give(thread, job, false);
    }
    const startingCount = [...this.#threads].filter(({ time }) => time === undefined).length;
    if (this.#waitingCount > startingCount && this.#threads.size < this.#options.maxThreads) this.#start();
  }

  #start(): void {
    const worker = new Worker(new URL('./check-thread.js', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    // A process that has nothing else to do ends.
    worker.unref();
    const thread: Thread = {
      worker,
      given: new Set(),
      time: undefined,
      job: undefined,
      startedAt: 0,
      limit: undefined,
    };
    this.#threads.add(thread);
    worker.on('message', (reply: ThreadReply) => this.#heard(thread, reply));
    worker.on('error', (error) => this.#lost(thread, error));
    worker.on('exit', () => this.#lost(thread, new Error('a check thread has ended by itself')));
    this.#assign();
  }

  #give(thread: Thread, job: Job, withAllTexts: boolean): void {
    thread.job = job;
    if (thread.limit === undefined) {
      thread.startedAt = thread.time?.read() ?? 0;
      this.#limit(thread, job);
    }
    thread.worker.postMessage(requestOf(job.question, withAllTexts ? new Set() : thread.given));
    if (job.question.kind !== 'workflow' || job.question.known === undefined) return;
    const { agents, workflows } = job.question.known;
    for (const item of [...agents, ...workflows]) thread.given.add(itemKey(item));
  }

  #heard(thread: Thread, reply: ThreadReply): void {
    const { job } = thread;
    if (reply.kind === 'ready') thread.time = this.#options.openTime(reply.threadId);
    else if (reply.kind === 'unknown_items' && job !== undefined) {
      this.#give(thread, job, true);
      return;
    } else if (reply.kind === 'progress') {
      if (job !== undefined) this.#limit(thread, job);
      return;
    } else {
      clearTimeout(thread.limit?.timer);
      thread.job = undefined;
      thread.limit = undefined;
      if (reply.kind === 'answered')
        job?.settle({ kind: 'answered', answer: reply.answer, tookMs: tookMsOf(thread) });
      if (reply.kind === 'threw') job?.fail(new Error(`a check has failed: ${reply.reason}`));
    }
    this.#assign();
  }

  /** What the job does from now on has the whole limit. */
  #limit(thread: Thread, job: Job): void {
    clearTimeout(thread.limit?.timer);
    const from = thread.time?.read() ?? 0;
    const timer = setTimeout(() => this.#lookAt(thread, job), job.maxMs);
    thread.limit = { from, wallFrom: performance.now(), timer };
  }

  #lookAt(thread: Thread, job: Job): void {
    const { time, limit } = thread;
    if (time === undefined || limit === undefined) return;
    const leftMs = job.maxMs - (time.read() - limit.from);
    const leftWallMs = this.#options.maxStretch * job.maxMs - (performance.now() - limit.wallFrom);
    if (leftMs > 0 && leftWallMs > 0) {
      limit.timer = setTimeout(() => this.#lookAt(thread, job), Math.ceil(Math.min(leftMs, leftWallMs)));
      return;
    }
    const outcome = {
      kind: 'too_long',
      reason: `the check takes longer than ${job.maxMs} ms`,
      tookMs: tookMsOf(thread),
    } as const;
    this.#drop(thread);
    job.settle(outcome);
    this.#assign();
  }

  #lost(thread: Thread, error: Error): void {
    if (!this.#threads.has(thread)) return;
    const { job } = thread;
    const isStarted = thread.time !== undefined;
    const tookMs = tookMsOf(thread);
    this.#drop(thread);
    const isOutOfMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const reason = `the check takes more than ${maxHeapMb} MiB`;
    if (isOutOfMemory) job?.settle({ kind: 'too_long', reason, tookMs });
    else job?.fail(error);
    // A thread that cannot even start fails whoever waits, instead of being started for ever.
    if (!isStarted) this.#next()?.fail(error);
    this.#assign();
  }

  #drop(thread: Thread): void {
    release(thread);
    this.#threads.delete(thread);
    void thread.worker.terminate();
  }
}

const tookMsOf = ({ time, startedAt }: Thread): number => (time?.read() ?? startedAt) - startedAt;

const release = (thread: Thread): void => {
  clearTimeout(thread.limit?.timer);
  thread.time?.close();
};

const itemKey = ({ name, digest }: KnownItem): string => `${name}/${digest}`;

const requestOf = (question: Question, given: ReadonlySet<string>): ThreadRequest => {
  if (question.kind !== 'workflow' || question.known === undefined) return question as ThreadRequest;
  const sent = ({ name, digest, text }: KnownItem): SentItem =>
    given.has(itemKey({ name, digest, text })) ? { name, digest } : { name, digest, text: text() };
  const { agents, workflows, ...more } = question.known satisfies KnownItems;
  const known = { ...more, agents: agents.map(sent), workflows: workflows.map(sent) };
  return { kind: 'workflow', source: question.source, known };
};
