/**
 * The folded states of runs: kept while there is room, folded again from the stored events when they are needed later.
 *
 * Room is counted in the characters of the events that were folded, so a few large runs cannot fill the memory.
 */
import { evolve, initialState, type RecordedEvent, type RunState } from '@signalbox/engine';

interface Entry {
  state: RunState;
  weight: number;
  /** When it was used last. */
  round: number;
}

/** What a state weighs without its events' text. */
const baseWeight = 1_024;

export class RunStates {
  /** Least recently used first. */
  readonly #kept = new Map<string, Entry>();
  #keptWeight = 0;
  #round = 0;

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
    const entry = this.#entry(runId);
    const state = evolve(entry.state, recorded);
    if (entry.round !== this.#round) this.#keep(runId, entry);
    entry.state = state;
    entry.weight += weight;
    this.#keptWeight += weight;
    this.#makeRoom(runId);
  }

  /** What is used from now on is newer: within a round all is used at the same time, which spares the sorting. */
  nextRound(): void {
    this.#round += 1;
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
    const entry = { state, weight, round: -1 };
    // A run that has no events yet is not kept: its name may come from anybody's request.
    if (state.seq > 0) this.#keep(runId, entry);
    this.#makeRoom(runId);
    return entry;
  }

  #keep(runId: string, entry: Entry): void {
    this.#drop(runId);
    entry.round = this.#round;
    this.#kept.set(runId, entry);
    this.#keptWeight += entry.weight;
  }

  #makeRoom(needed: string): void {
    if (this.#keptWeight <= this.maxWeight) return;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptWeight <= this.maxWeight) break;
      if (oldest !== needed) this.#drop(oldest);
    }
  }

  #drop(runId: string): void {
    const entry = this.#kept.get(runId);
    if (entry === undefined) return;
    this.#keptWeight -= entry.weight;
    this.#kept.delete(runId);
  }
}
