/**
 * One attempt of a step in the hands of this worker: the executor runs beside everything that may end it.
 *
 * 1. The first ending counts; what the executor still does afterwards is not reported.
 * 2. Only a step that outlasts `startedReportMs` costs more than its result: a report that it has started, a watch
 *    on the run and the step. A shorter one is over before a cancellation could be acted on.
 * 3. An executor that ignores its signal holds its slot for `abortGraceMs` at most.
 */
import type { Execution, ExecutorRegistry } from '@signalbox/executors';
import type { StepTask } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { AbortWatch, Watch } from './abort-watch.js';

export type Ending =
  | { readonly kind: 'finished'; readonly execution: Execution }
  /** It has lasted for `timeoutMs`. */
  | { readonly kind: 'timed_out' }
  /** Nobody waits for the result any more; `because` is the type of the event that says so. */
  | { readonly kind: 'abandoned'; readonly because: string }
  /** The process stops and its grace time is over. */
  | { readonly kind: 'given_back' };

export interface ExecuteStepOptions {
  readonly registry: ExecutorRegistry;
  readonly abortWatch: AbortWatch;
  readonly worker: string;
  readonly logger: Logger;
  readonly startedReportMs: number;
  readonly abortGraceMs: number;
  /** Aborts when the grace time of the process is over. */
  readonly stopping: AbortSignal;
  /** Called once when the step has outlasted `startedReportMs`. A rejection is a defect and ends the process. */
  readonly onOutlasting: () => Promise<void>;
}

/** A longer timer fires at once; such a timeout is left to the orchestrator. */
const maxTimerMs = 2 ** 31 - 1;

/** Resolves when the executor has ended or was given up. Rejects only for defects. */
export const executeStep = async (task: StepTask, options: ExecuteStepOptions): Promise<Ending> => {
  const controller = new AbortController();
  const { logger, registry, worker } = options;
  const execution = registry.execute(task, { signal: controller.signal, logger, worker });
  const interruption = watchForInterruption(task, options);
  try {
    const ending = await Promise.race([
      execution.then((done): Ending => ({ kind: 'finished', execution: done })),
      interruption.first,
    ]);
    if (ending.kind !== 'finished') {
      controller.abort(new Error(`the step is not wanted any more: ${ending.kind}`));
      await untilSettled(execution, ending, options);
    }
    return ending;
  } finally {
    interruption.end();
  }
};

interface Interruption {
  /** Resolves with whatever ends the step from outside; never, when nothing does. */
  readonly first: Promise<Ending>;
  readonly end: () => void;
}

const watchForInterruption = (task: StepTask, options: ExecuteStepOptions): Interruption => {
  const { timeoutMs } = task;
  let end = (): void => undefined;
  const first = new Promise<Ending>((resolve, reject) => {
    let watch: Watch | undefined;
    const outlasting = setTimeout(() => {
      watch = options.abortWatch.watch(task, (because) => resolve({ kind: 'abandoned', because }));
      watch.done.catch(reject);
      options.onOutlasting().catch(reject);
    }, options.startedReportMs);
    const timeout =
      timeoutMs === undefined || timeoutMs > maxTimerMs
        ? undefined
        : setTimeout(() => resolve({ kind: 'timed_out' }), timeoutMs);
    const giveBack = (): void => resolve({ kind: 'given_back' });
    if (options.stopping.aborted) giveBack();
    options.stopping.addEventListener('abort', giveBack);
    end = () => {
      clearTimeout(outlasting);
      clearTimeout(timeout);
      options.stopping.removeEventListener('abort', giveBack);
      watch?.close();
    };
  });
  return { first, end: () => end() };
};

const untilSettled = async (
  execution: Promise<Execution>,
  ending: Ending,
  options: ExecuteStepOptions,
): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const graceIsOver = new Promise<'ignored'>((resolve) => {
    timer = setTimeout(() => resolve('ignored'), options.abortGraceMs);
  });
  const how = await Promise.race([execution, graceIsOver]);
  clearTimeout(timer);
  if (how === 'ignored') {
    options.logger.warn('an executor ignores its abort signal; its slot is taken back', {
      ending: ending.kind,
      grace_ms: options.abortGraceMs,
    });
  }
};
