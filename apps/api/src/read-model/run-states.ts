/**
 * The folded states of runs: kept while there is room, folded again from the stored events when they are needed later.
 *
 * Room is counted in the characters of the events that were folded, so a few large runs cannot fill the memory.
 */
import { evolve, initialState, type RecordedEvent, type RunState } from '@signalbox/engine';

interface Entry {
  readonly state: RunState;
  readonly weight: number;
}

/** What a state weighs without its events' text. */
const baseWeight = 1_024;

export class RunStates {
  /** Least recently used first. */
  readonly #kept = new Map<string, Entry>();
  #keptWeight = 0;

  constructor(
    /** The stored history of a run, in order, with the weight of each event. */
    private readonly readHistory: (runId: string) => Iterable<{ recorded: RecordedEvent; weight: number }>,
    private readonly maxWeight = 128 * 1024 * 1024,
  ) {}

  get(runId: string): RunState {
    return this.#entry(runId).state;
  }

  /** Folds one event. @throws InvariantViolation where it cannot follow what is there. */
  fold(runId: string, recorded: RecordedEvent, weight: number): void {
    const before = this.#entry(runId);
    this.#keep(runId, { state: evolve(before.state, recorded), weight: before.weight + weight });
  }

  clear(): void {
    this.#kept.clear();
    this.#keptWeight = 0;
  }

  #entry(runId: string): Entry {
    const found = this.#kept.get(runId);
    if (found !== undefined) return found;
    let state: RunState = initialState;
    let weight = baseWeight;
    for (const event of this.readHistory(runId)) {
      state = evolve(state, event.recorded);
      weight += event.weight;
    }
    const entry = { state, weight };
    // A run that has no events yet is not kept: its name may come from anybody's request.
    if (state.seq > 0) this.#keep(runId, entry);
    return entry;
  }

  #keep(runId: string, entry: Entry): void {
    this.#drop(runId);
    this.#kept.set(runId, entry);
    this.#keptWeight += entry.weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptWeight <= this.maxWeight || oldest === runId) break;
      this.#drop(oldest);
    }
  }

  #drop(runId: string): void {
    const entry = this.#kept.get(runId);
    if (entry === undefined) return;
    this.#keptWeight -= entry.weight;
    this.#kept.delete(runId);
  }
}
