/**
 * Commands that were queued and whose event has not come yet. A server that is killed may have lost what it has
 * acknowledged, and one whose store was damaged may acknowledge for a while what it cannot give back; nobody but the
 * sender knows of such a command.
 *
 * 1. While the server may be such a one, which is for a while after each reconnect, what is not confirmed is sent again
 *    and again, in the order in which it was sent first. The orchestrator takes each command once.
 * 2. What nobody has confirmed for `maxAgeMs`, and what is too much to be kept, is left to whoever asked.
 */
import { TransientError } from '@signalbox/messaging';
import { ContractError } from '@signalbox/protocol';
import type { CommandPort, OutgoingCommand } from './command-port.js';

const maxAgeMs = 60_000;
const maxKeptCount = 10_000;
const maxKeptBytes = 64 * 1024 * 1024;
/** After a reconnect; what comes last is past every number that the server has given before. */
const roundsAtMs = [0, 1_000, 3_000, 7_000, 15_000, 30_000];

interface Kept {
  readonly command: OutgoingCommand;
  readonly sentAt: number;
  readonly bytes: number;
}

export class UnconfirmedCommands implements CommandPort {
  readonly #port: CommandPort;
  /** By command id, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  #rounds: NodeJS.Timeout[] = [];

  constructor(port: CommandPort) {
    this.#port = port;
  }

  async send(command: OutgoingCommand): Promise<void> {
    this.#keep(command);
    try {
      await this.#port.send(command);
    } catch (error) {
      this.#forget(command.command.commandId);
      throw error;
    }
  }

  /** The log tells what has become of these. */
  confirm(commandIds: Iterable<string>): void {
    if (this.#kept.size === 0) return;
    for (const id of commandIds) this.#forget(id);
  }

  /** The connection is another one. `fail` is told what nobody handles. */
  onReconnect(fail: (error: unknown) => void): void {
    this.close();
    this.#rounds = roundsAtMs.map((afterMs) =>
      setTimeout(() => this.#sendAgain().catch(fail), afterMs).unref(),
    );
  }

  close(): void {
    for (const round of this.#rounds.splice(0)) clearTimeout(round);
  }

  async #sendAgain(): Promise<void> {
    const now = performance.now();
    const waiting = [...this.#kept.values()];
    for (const { command, sentAt } of waiting)
      if (now - sentAt > maxAgeMs) this.#forget(command.command.commandId);
    const sent = waiting.filter(({ command }) => this.#kept.has(command.command.commandId));
    // All at once: they leave in this order.
    await Promise.all(
      sent.map(async ({ command }) => {
        try {
          await this.#port.send(command);
        } catch (error) {
          // A server that has come back may take less than before; else the next round tries again.
          if (error instanceof ContractError) this.#forget(command.command.commandId);
          else if (!(error instanceof TransientError)) throw error;
        }
      }),
    );
  }

  #keep(command: OutgoingCommand): void {
    const bytes = JSON.stringify(command.command).length;
    this.#kept.set(command.command.commandId, { command, sentAt: performance.now(), bytes });
    this.#keptBytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxKeptCount && this.#keptBytes <= maxKeptBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(commandId: string): void {
    this.#keptBytes -= this.#kept.get(commandId)?.bytes ?? 0;
    this.#kept.delete(commandId);
  }
}
