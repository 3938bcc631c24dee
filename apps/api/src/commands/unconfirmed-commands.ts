/**
 * Commands that were queued and whose event has not come yet. A server that is killed may have lost what it has
 * acknowledged, and one whose store was damaged may acknowledge for a while what it cannot give back; nobody but the
 * sender knows of such a command.
 *
 * 1. While the server may be such a one, which is for a while after each reconnect, what is not confirmed is sent again
 *    and again, in the order in which it was sent first. The orchestrator takes each command once.
 * 2. What follows a command on its subject, a cancel its start, may not overtake it: what should have been confirmed by then
 *    is sent again before.
 * 3. What nobody has confirmed for `maxAgeMs`, and what is too much to be kept, is left to whoever asked.
 */
import { createRounds, type Rounds, TransientError } from '@signalbox/messaging';
import { ContractError, type WireMessage } from '@signalbox/protocol';
import { type CommandOutlet, encodeCommand } from './command-outlet.js';
import type { CommandPort, OutgoingCommand } from './command-port.js';

const maxAgeMs = 60_000;
/** Where all are at work a command is confirmed sooner. */
const dueAfterMs = 1_000;
const maxKeptCount = 10_000;
const maxKeptBytes = 64 * 1024 * 1024;
/** After a reconnect; what comes last is past every number that the server has given before. */
const roundsAtMs = [0, 1_000, 3_000, 7_000, 15_000, 30_000];

interface Kept {
  readonly message: WireMessage;
  readonly sentAt: number;
}

export class UnconfirmedCommands implements CommandPort {
  readonly #outlet: CommandOutlet;
  /** By command id, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #rounds: Rounds;
  #keptBytes = 0;

  /** `fail` is told what nobody handles. */
  constructor(outlet: CommandOutlet, fail: (error: unknown) => void) {
    this.#outlet = outlet;
    this.#rounds = createRounds(roundsAtMs, () => this.#sendAgain().catch(fail));
  }

  async send(outgoing: OutgoingCommand): Promise<void> {
    const { commandId } = outgoing.command;
    const message = encodeCommand(outgoing);
    const before = this.#overdueOn(message.subject);
    this.#keep(commandId, message);
    try {
      if (before.length > 0) await Promise.all(before.map((each) => this.#outlet.publish(each)));
      await this.#outlet.publish(message);
    } catch (error) {
      this.#forget(commandId);
      throw error;
    }
  }

  /** The log tells what has become of these. */
  confirm(commandIds: Iterable<string>): void {
    if (this.#kept.size === 0) return;
    for (const id of commandIds) this.#forget(id);
  }

  /** The connection is another one. */
  onReconnect(): void {
    this.#rounds.begin();
  }

  close(): void {
    this.#rounds.close();
  }

  async #sendAgain(): Promise<void> {
    const oldestSentAt = performance.now() - maxAgeMs;
    for (const [commandId, { sentAt }] of this.#kept) if (sentAt < oldestSentAt) this.#forget(commandId);
    // All at once: they leave in this order.
    await Promise.all(
      [...this.#kept].map(async ([commandId, { message }]) => {
        try {
          await this.#outlet.publish(message);
        } catch (error) {
          // A server that has come back may take less than before; else the next round tries again.
          if (error instanceof ContractError) this.#forget(commandId);
          else if (!(error instanceof TransientError)) throw error;
        }
      }),
    );
  }

  #overdueOn(subject: string): WireMessage[] {
    const now = performance.now();
    const [oldest] = this.#kept.values();
    if (oldest === undefined || now - oldest.sentAt < dueAfterMs) return [];
    const isOverdue = ({ message, sentAt }: Kept): boolean =>
      message.subject === subject && now - sentAt >= dueAfterMs && now - sentAt <= maxAgeMs;
    return [...this.#kept.values()].filter(isOverdue).map(({ message }) => message);
  }

  #keep(commandId: string, message: WireMessage): void {
    this.#kept.set(commandId, { message, sentAt: performance.now() });
    this.#keptBytes += message.data.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxKeptCount && this.#keptBytes <= maxKeptBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(commandId: string): void {
    this.#keptBytes -= this.#kept.get(commandId)?.message.data.length ?? 0;
    this.#kept.delete(commandId);
  }
}
