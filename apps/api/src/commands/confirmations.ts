/**
 * Who waits for the event that a command causes.
 *
 * 1. Waiting begins before the command is sent, so that no event can come too early.
 * 2. A wait ends once: by the event, by the time limit, or by `close`.
 */
import type { CommandOutcome } from '../read-model/projection.js';

export interface Confirmation {
  /** Undefined when the time was up, or the process is stopping. */
  readonly outcome: Promise<CommandOutcome | undefined>;
  /** Ends the wait; the outcome is then undefined. */
  cancel(): void;
}

export class Confirmations {
  readonly #waiting = new Map<string, (outcome: CommandOutcome | undefined) => void>();
  #isClosed = false;

  constructor(private readonly timeoutMs: number) {}

  expect(commandId: string): Confirmation {
    if (this.#isClosed) return { outcome: Promise.resolve(undefined), cancel: () => undefined };
    const outcome = new Promise<CommandOutcome | undefined>((resolve) => {
      const timer = setTimeout(() => this.#waiting.get(commandId)?.(undefined), this.timeoutMs);
      this.#waiting.set(commandId, (value) => {
        clearTimeout(timer);
        this.#waiting.delete(commandId);
        resolve(value);
      });
    });
    return { outcome, cancel: () => this.#waiting.get(commandId)?.(undefined) };
  }

  isExpected(commandId: string): boolean {
    return this.#waiting.has(commandId);
  }

  /** Said when the events can be read. */
  tell(outcomes: ReadonlyMap<string, CommandOutcome>): void {
    if (this.#waiting.size === 0) return;
    for (const [commandId, outcome] of outcomes) this.#waiting.get(commandId)?.(outcome);
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  close(): void {
    this.#isClosed = true;
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }
}
