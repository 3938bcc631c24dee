/**
 * What waits to be decided, by lane: a lane keeps its order; workspaces share the time evenly, and within each its lanes
 * do (`fair-line.ts`).
 *
 * What is taken counts as an estimate until it is said what it has cost.
 */
import { FairLine, Member } from './fair-line.js';

/** What keeps its order (a run, a workspace's catalog), and who pays for it. */
export interface Lane {
  readonly workspace: string;
  readonly key: string;
}

interface Entry<T> {
  readonly item: T;
  /** In order of arrival. */
  readonly number: number;
}

const firstEstimateMs = 0.2;

class Waiting<T> extends Member {
  readonly entries: Entry<T>[] = [];

  constructor(key: string) {
    super(key, firstEstimateMs);
  }
}

class Workspace<T> extends Member {
  readonly lanes = new FairLine<Waiting<T>>((lane) => new Waiting(lane));

  constructor(key: string) {
    super(key, 0);
  }
}

export interface Taken<T> {
  readonly item: T;
  readonly entry: Entry<T>;
  readonly workspace: Workspace<T>;
  readonly lane: Waiting<T>;
  readonly workspaceTime: number;
  readonly laneTime: number;
  readonly estimateMs: number;
}

interface Barrier {
  readonly upTo: number;
  leftCount: number;
  readonly resolve: () => void;
}

/** Everything costs something, however coarse the clock is. */
const minCostMs = 0.05;

export class FairQueue<T> {
  readonly #laneOf: (item: T) => Lane;
  readonly #monotonic: () => number;
  readonly #workspaces = new FairLine<Workspace<T>>((key) => new Workspace(key));
  #count = 0;
  #lastNumber = 0;
  #barriers: Barrier[] = [];

  constructor(laneOf: (item: T) => Lane, monotonic: () => number) {
    this.#laneOf = laneOf;
    this.#monotonic = monotonic;
  }

  get count(): number {
    return this.#count;
  }

  /** Behind what waits in the lane of each, or before it. */
  add(items: readonly T[], place: 'last' | 'first' = 'last'): void {
    const now = this.#monotonic();
    for (const item of place === 'first' ? items.toReversed() : items) {
      const { workspace: name, key } = this.#laneOf(item);
      const workspace = this.#workspaces.get(name);
      const lane = workspace.lanes.get(key);
      this.#lastNumber += 1;
      const entry = { item, number: this.#lastNumber };
      if (place === 'first') lane.entries.unshift(entry);
      else lane.entries.push(entry);
      this.#count += 1;
      workspace.lanes.enter(lane, now);
      this.#workspaces.enter(workspace, now);
    }
  }

  /** The next one, in fair order. It has to be settled. */
  take(): Taken<T> | undefined {
    const workspace = this.#workspaces.next;
    const lane = workspace?.lanes.next;
    const entry = lane?.entries.shift();
    if (workspace === undefined || lane === undefined || entry === undefined) return undefined;
    const { time: laneTime, estimate: estimateMs } = lane;
    const { time: workspaceTime } = workspace;
    this.#count -= 1;
    if (lane.entries.length === 0) workspace.lanes.leave(lane);
    if (workspace.lanes.next === undefined) this.#workspaces.leave(workspace);
    workspace.lanes.charge(lane, estimateMs);
    this.#workspaces.charge(workspace, estimateMs);
    return { item: entry.item, entry, workspace, lane, workspaceTime, laneTime, estimateMs };
  }

  /** It has been decided, and that took so long. */
  settle({ entry, workspace, lane, workspaceTime, laneTime, estimateMs }: Taken<T>, spentMs: number): void {
    const costMs = Math.max(minCostMs, spentMs);
    workspace.lanes.serve(laneTime, costMs);
    this.#workspaces.serve(workspaceTime, costMs);
    workspace.lanes.charge(lane, costMs - estimateMs, costMs);
    this.#workspaces.charge(workspace, costMs - estimateMs);
    const now = this.#monotonic();
    workspace.lanes.rest(now);
    this.#workspaces.rest(now);
    for (const barrier of this.#barriers) if (entry.number <= barrier.upTo) barrier.leftCount -= 1;
    this.#openBarriers();
  }

  /** Resolves when everything that waits now is decided, or taken out. */
  passed(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#barriers.push({ upTo: this.#lastNumber, leftCount: this.#count, resolve });
    });
  }

  takeAll(): T[] {
    const items: T[] = [];
    for (let one = this.take(); one !== undefined; one = this.take()) items.push(one.item);
    for (const barrier of this.#barriers) barrier.leftCount = 0;
    this.#openBarriers();
    return items;
  }

  #openBarriers(): void {
    if (this.#barriers.length === 0) return;
    for (const { leftCount, resolve } of this.#barriers) if (leftCount === 0) resolve();
    this.#barriers = this.#barriers.filter(({ leftCount }) => leftCount > 0);
  }
}
