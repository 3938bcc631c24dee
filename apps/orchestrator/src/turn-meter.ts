/**
 * How long turns take: what others on the event loop have to wait. The longest counts, and not the mean.
 *
 * The processor time says what the turn itself did, however busy the machine is with something else. Node gives that of
 * the process, with the threads that compile, collect and check beside the turn; Linux says it of the thread, up to the
 * length of a tick behind. The least of them, and of what the turn lasted, is an upper bound of the turn's own.
 */
import { openSync, readSync } from 'node:fs';

const tickMs = 4;

/** Processor time of this thread, so far; undefined where the system does not say it. */
const openThreadTime = (): (() => number | undefined) => {
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const buffer = Buffer.alloc(64);
    const read = (): number => {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      return Number.parseInt(buffer.toString('latin1', 0, length), 10) / 1e6;
    };
    // A kernel that does not count says 0.
    return read() > 0 ? read : () => undefined;
  } catch {
    // Not every system has it.
    return () => undefined;
  }
};

export interface TurnFigures {
  readonly count: number;
  readonly longestMs: number;
  readonly longestProcessorMs: number;
}

const none: TurnFigures = { count: 0, longestMs: 0, longestProcessorMs: 0 };
const rounded = (ms: number): number => Math.round(ms * 100) / 100;

export class TurnMeter {
  #figures = none;
  readonly #threadMs = openThreadTime();

  measure<T>(turn: () => T): T {
    const thread = this.#threadMs();
    const processor = process.cpuUsage();
    const from = performance.now();
    try {
      return turn();
    } finally {
      const ms = performance.now() - from;
      const { user, system } = process.cpuUsage(processor);
      const now = this.#threadMs();
      const threadMs = thread === undefined || now === undefined ? ms : now - thread + tickMs;
      const processorMs = Math.min(ms, (user + system) / 1_000, threadMs);
      const { count, longestMs, longestProcessorMs } = this.#figures;
      this.#figures = {
        count: count + 1,
        longestMs: Math.max(longestMs, rounded(ms)),
        longestProcessorMs: Math.max(longestProcessorMs, rounded(processorMs)),
      };
    }
  }

  /** Since the last `reset`. */
  get figures(): TurnFigures {
    return this.#figures;
  }

  reset(): void {
    this.#figures = none;
  }
}
