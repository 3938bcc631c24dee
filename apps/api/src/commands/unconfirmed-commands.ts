/**
 * Commands that were queued and whose event has not come yet. A server that is killed may have lost what it has
 * acknowledged, and one whose store was damaged may acknowledge for a while what it cannot give back; nobody but the
 * sender knows of such a command.
 *
 * 1. While the server may be such a one, which is for a while after each reconnect, what is not confirmed is sent again
 *    and again, in the order in which it was sent first: the first time before anything else goes out. The orchestrator
 *    takes each command once.
 * 2. What follows a command in its run, or in the catalog, a cancel its start, may not overtake it: what may be lost since it
 *    was sent goes out again before. Once for each time that it may be: a thousand commands that wait for an orchestrator
 *    which is away are a thousand messages.
 * 3. What nobody has confirmed for `maxAgeMs`, and what is too much to be kept, is left to whoever asked.
 */
import { createRounds, type Rounds, TransientError } from '@signalbox/messaging';
import { ContractError, type WireMessage } from '@signalbox/protocol';
import { type CommandOutlet, encodeCommand } from './command-outlet.js';
import type { CommandPort, OutgoingCommand } from './command-port.js';

const maxAgeMs = 60_000;
const maxKeptCount = 10_000;
const maxKeptBytes = 64 * 1024 * 1024;
/** After the first, at a reconnect; what comes last is past every number that the server has given before. */
const roundsAtMs = [1_000, 3_000, 7_000, 15_000, 30_000];

const unknown = -1;

interface Kept {
  readonly message: WireMessage;
  /** What keeps its order. */
  readonly order: string;
  readonly sentAt: number;
  /** In which it was sent the last time. */
  stretch: number;
}

const orderOf = ({ kind, command }: OutgoingCommand, { subject }: WireMessage): string =>
  kind === 'catalog' ? `catalog/${command.workspace}` : subject;

export class UnconfirmedCommands implements CommandPort {
  readonly #outlet: CommandOutlet;
  /** By command id, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #rounds: Rounds;
  readonly #fail: (error: unknown) => void;
  #keptBytes = 0;
  /** Ends whenever what was sent in it may be lost. */
  #stretch = 0;

  /** `fail` is told what nobody handles. */
  constructor(outlet: CommandOutlet, fail: (error: unknown) => void) {
    this.#outlet = outlet;
    this.#fail = fail;
    this.#rounds = createRounds(roundsAtMs, () => this.#sendAgain());
  }

  async send(outgoing: OutgoingCommand): Promise<void> {
    const { commandId } = outgoing.command;
    const message = encodeCommand(outgoing);
    const order = orderOf(outgoing, message);
    const before = this.#doubtfulIn(order);
    this.#keep(commandId, { message, order, sentAt: performance.now(), stretch: this.#stretch });
    try {
      if (before.length > 0) await Promise.all(before.map((each) => this.#outlet.publish(each.message)));
      await this.#outlet.publish(message);
    } catch (error) {
      for (const each of before) each.stretch = unknown;
      this.#forget(commandId);
      throw error;
    }
  }

  /** The log tells what has become of these. */
  confirm(commandIds: Iterable<string>): void {
    if (this.#kept.size === 0) return;
    for (const id of commandIds) this.#forget(id);
  }

  /** What was on its way may be lost, and what comes meanwhile waits for another connection. */
  onDisconnect(): void {
    this.#stretch += 1;
  }

  /** The connection is another one, and nothing has been sent on it. */
  onReconnect(): void {
    this.#sendAgain();
    this.#rounds.begin();
  }

  close(): void {
    this.#rounds.close();
  }

  #sendAgain(): void {
    this.#stretch += 1;
    const oldestSentAt = performance.now() - maxAgeMs;
    for (const [commandId, kept] of this.#kept) {
      if (kept.sentAt < oldestSentAt) this.#forget(commandId);
      else this.#sendOneAgain(commandId, kept).catch(this.#fail);
    }
  }

  /** All of a round at once: they leave in this order. */
  async #sendOneAgain(commandId: string, kept: Kept): Promise<void> {
    kept.stretch = this.#stretch;
    try {
      await this.#outlet.publish(kept.message);
    } catch (error) {
      // A server that has come back may take less than before; else the next round tries again.
      if (error instanceof ContractError) this.#forget(commandId);
      else if (!(error instanceof TransientError)) throw error;
    }
  }

  /** Of that order what was sent in an earlier stretch; it is in this one from here on. */
  #doubtfulIn(order: string): readonly Kept[] {
    const oldestSentAt = performance.now() - maxAgeMs;
    const isDoubtful = (kept: Kept): boolean =>
      kept.order === order && kept.stretch !== this.#stretch && kept.sentAt >= oldestSentAt;
    const doubtful = [...this.#kept.values()].filter(isDoubtful);
    for (const kept of doubtful) kept.stretch = this.#stretch;
    return doubtful;
  }

  #keep(commandId: string, kept: Kept): void {
    this.#kept.set(commandId, kept);
    this.#keptBytes += kept.message.data.length;
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
