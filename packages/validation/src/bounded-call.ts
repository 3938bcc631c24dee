/**
 * Runs a synchronous function for a bounded time. A pattern that backtracks for ever, or a schema that refers to
 * itself without end, would otherwise hold the worker and all its steps.
 *
 * The engine's own watchdog ends the call, also inside of a regular expression; the price is a thread's start, some
 * tens of microseconds.
 */
import { createContext, Script } from 'node:vm';

export type BoundedResult<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'too_long' }
  | { readonly kind: 'threw'; readonly error: unknown };

const sandbox: { work: () => unknown } = { work: () => undefined };
const context = createContext(sandbox);
const script = new Script('work()');

export const boundedCall = <T>(work: () => T, maxMs: number): BoundedResult<T> => {
  let result: BoundedResult<T> = { kind: 'too_long' };
  sandbox.work = () => {
    try {
      result = { kind: 'returned', value: work() };
    } catch (error) {
      result = { kind: 'threw', error };
    }
  };
  try {
    script.runInContext(context, { timeout: maxMs });
  } catch (error) {
    if (!isTimeout(error)) throw error;
  } finally {
    sandbox.work = () => undefined;
  }
  return result;
};

/** The error is of the sandbox's realm: no instance of this one's `Error`. */
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
