/** Owns what a process has opened, and closes it in reverse order. */

type Stoppable = { close(): unknown } | { stop(): unknown };

export class Scope {
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;

  /** Returns the resource. It is closed by `close`, else by its own `close()`, else by its own `stop()`. */
  use<T extends Stoppable>(resource: T): T;
  use<T>(resource: T, close: (resource: T) => unknown): T;
  use<T>(resource: T, close?: (resource: T) => unknown): T {
    this.#closers.push(() => (close ?? closeItself)(resource));
    return resource;
  }

  /** Closes everything even when one fails, and then throws what failed. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed');
  }
}

function closeItself(resource: unknown): unknown {
  const { close, stop } = resource as { close?: () => unknown; stop?: () => unknown };
  return close === undefined ? stop?.call(resource) : close.call(resource);
}
