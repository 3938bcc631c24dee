/**
 * What a start has to wait for: the commands that were stored before it and change what it looks up, its workflow and
 * the agents of that. They come by another consumer, and are validated by other threads. And the taking away of a workflow
 * waits for the starts of it that were stored before: their runs are what it is refused for.
 *
 * 1. Of what this process has in hand it is known which item each command is about: nobody waits for another's.
 * 2. What the consumer has not delivered yet, after it was made anew, is asked of the stream, for a workspace at a time.
 *    When nothing lies there any more nobody asks again.
 * 3. A new version waits for no start: whoever was stored before it may be decided by it.
 * 4. Whoever waits, waits for what was stored before: so nobody waits for ever.
 */
import { type StoredMessage, TransientError } from '@signalbox/messaging';
import { type CatalogCommand, consumers, filters } from '@signalbox/protocol';
import type { Clock } from '../clock.js';
import { NeedsAnswer } from '../outside.js';
import type { StartCommand } from '../starts.js';
import type { BatchInput } from '../wire/input-codec.js';

export interface CatalogOrderParts {
  /** The first message in the queue on a filter, from a number on. @throws TransientError */
  readonly next: (filterSubject: string, fromSequence: number) => Promise<StoredMessage | undefined>;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly fail: (cause: unknown) => void;
}

type CatalogInput = Extract<BatchInput, { kind: 'catalog' }>;
type StartInput = Extract<BatchInput, { kind: 'run' }> & { readonly command: StartCommand };

/** A message in the queue. */
export interface Place {
  readonly workspace: string;
  readonly sequence: number;
}

interface Delivered {
  readonly input: BatchInput;
  readonly consumer: string | undefined;
  readonly sequence: number;
}

interface Waiting extends Place {
  readonly go: () => void;
}

const { durable } = consumers.orchestratorCatalog;
/** How often the stream is asked while somebody waits for what it has not delivered. */
const askAgainMs = 250;

export class CatalogOrder {
  readonly #parts: CatalogOrderParts;
  /** Commands to the catalog, with those that wait for each. */
  readonly #inHand = new Map<CatalogInput, (() => void)[]>();
  /** The same of starts. */
  readonly #starts = new Map<StartInput, (() => void)[]>();
  /** The highest number that the consumer has delivered since it was made. */
  #deliveredUpTo = 0;
  /** Something that was stored before may lie in the queue and not be delivered. */
  #isBehind = false;
  /** By workspace, while it is behind: up to this number everything has been delivered. */
  readonly #clearUpTo = new Map<string, number>();
  /** Changes with what the numbers mean. */
  #beginning = 0;
  #waiting: readonly Waiting[] = [];
  #isLooking = false;
  #wake: (() => void) | undefined;

  constructor(parts: CatalogOrderParts) {
    this.#parts = parts;
  }

  /** To be called before a consumer of the orchestrator delivers anew. */
  beginAnew(consumer: string): void {
    this.#isBehind = true;
    this.#beginning += 1;
    this.#clearUpTo.clear();
    if (consumer === durable) this.#deliveredUpTo = 0;
  }

  /** Whatever has been delivered, before any of it is decided. */
  delivered({ input, consumer, sequence }: Delivered): void {
    if (input.kind === 'catalog') this.#inHand.set(input, []);
    else if (isStart(input)) this.#starts.set(input, []);
    if (consumer !== durable) return;
    this.#deliveredUpTo = Math.max(this.#deliveredUpTo, sequence);
    this.#wake?.();
  }

  /** What has become of it is committed. */
  decided(input: BatchInput): void {
    if (input.kind === 'catalog') letGo(this.#inHand, input);
    else if (isStart(input)) letGo(this.#starts, input);
  }

  /** @throws NeedsAnswer while something of the workspace that stands before `place` may not be delivered. */
  requireDelivered(place: Place): void {
    if (!this.#isClear(place)) throw new NeedsAnswer(() => this.#delivery(place));
  }

  /** @throws NeedsAnswer while a command in hand that is about it, and stands before `place`, is undecided. */
  requireDecided({ workspace, sequence }: Place, isAbout: (command: CatalogCommand) => boolean): void {
    for (const [input, waiting] of this.#inHand) {
      const { command, message } = input;
      if (command.workspace !== workspace || message.streamSequence > sequence || !isAbout(command)) continue;
      throw new NeedsAnswer(() => endOf(this.#inHand, input, waiting));
    }
  }

  /** @throws NeedsAnswer while a start in hand, of that workflow, that stands before `place` is undecided. */
  requireStarted({ workspace, sequence }: Place, workflowId: string): void {
    for (const [input, waiting] of this.#starts) {
      const { command, message } = input;
      if (command.workflowId !== workflowId || command.workspace !== workspace) continue;
      if (message.streamSequence < sequence) throw new NeedsAnswer(() => endOf(this.#starts, input, waiting));
    }
  }

  #isClear({ workspace, sequence }: Place): boolean {
    return !this.#isBehind || sequence <= (this.#clearUpTo.get(workspace) ?? 0);
  }

  #delivery(place: Place): Promise<void> {
    return new Promise((go) => {
      this.#waiting = [...this.#waiting, { ...place, go }];
      if (this.#isLooking) this.#wake?.();
      else this.#look().catch(this.#parts.fail);
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#waiting.length > 0) {
      try {
        await this.#ask();
      } catch (cause) {
        // Another connection is on its way, and with it another order of things.
        if (!(cause instanceof TransientError)) throw cause;
      }
      const [clear, others] = partition(this.#waiting, (place) => this.#isClear(place));
      this.#waiting = others;
      for (const { go } of clear) go();
      if (others.length > 0) await this.#pause();
    }
    this.#isLooking = false;
  }

  async #ask(): Promise<void> {
    const beginning = this.#beginning;
    const asked = this.#waiting;
    const { next } = this.#parts;
    const isOver = (await next(filters.allCatalogTasks, this.#deliveredUpTo + 1)) === undefined;
    if (beginning !== this.#beginning) return;
    this.#isBehind = !isOver;
    for (const workspace of isOver ? [] : new Set(asked.map((place) => place.workspace))) {
      const first = await next(filters.catalogTasks(workspace), this.#deliveredUpTo + 1);
      if (beginning !== this.#beginning) return;
      const last = asked.reduce((most, place) => Math.max(most, place.sequence), 0);
      this.#clearUpTo.set(workspace, first === undefined ? last : first.sequence - 1);
    }
  }

  #pause(): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      const timer = clock.setTimer(clock.now() + askAgainMs, () => this.#wake?.());
      this.#wake = () => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const isStart = (input: BatchInput): input is StartInput =>
  input.kind === 'run' && input.command.type === 'start';

const letGo = <T>(inHand: Map<T, (() => void)[]>, input: T): void => {
  const waiting = inHand.get(input) ?? [];
  inHand.delete(input);
  for (const go of waiting) go();
};

const endOf = <T>(inHand: Map<T, (() => void)[]>, input: T, waiting: (() => void)[]): Promise<void> =>
  new Promise((resolve) => {
    if (inHand.has(input)) waiting.push(resolve);
    else resolve();
  });

const partition = <T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] => {
  const first: T[] = [];
  const second: T[] = [];
  for (const one of all) (isFirst(one) ? first : second).push(one);
  return [first, second];
};
