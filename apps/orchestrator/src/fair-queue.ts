/**
 * What waits to be decided, by lane: a lane keeps its order; workspaces share the time evenly, within each its families
 * do, and within each of those its lanes (`fair-line.ts`): ten thousand runs below one root run have the share of one.
 *
 * What is taken counts as an estimate until it is said what it has cost. A family that wants all the time there is pauses
 * where it has to (`reserve.ts`): nothing of it is taken meanwhile.
 */
import { FairLine, Member } from './fair-line.js';
import { Reserve, type Usage, unused } from './reserve.js';

/** What keeps its order (a run, a workspace's catalog), and who pays for it. */
export interface Lane {
  readonly workspace: string;
  /** What shares one share: a root run with all runs below it. */
  readonly family: string;
  /** No two workspaces have the same. */
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

class Family<T> extends Member {
  readonly lanes = new FairLine<Waiting<T>>((lane) => new Waiting(lane));
  readonly usage: Usage = unused();
  itemCount = 0;
  isPaused = false;

  constructor(key: string) {
    super(key, firstEstimateMs);
  }
}

class Workspace<T> extends Member {
  readonly families = new FairLine<Family<T>>((family) => new Family(family));

  constructor(key: string) {
    super(key, 0);
  }
}

/** Where an item stands, or stood. */
interface Place<T> {
  readonly workspace: Workspace<T>;
  readonly family: Family<T>;
  readonly lane: Waiting<T>;
}

export interface Taken<T> extends Entry<T>, Place<T> {
  readonly workspaceTime: number;
  readonly familyTime: number;
  readonly laneTime: number;
  /** As they were charged. */
  readonly familyEstimateMs: number;
  readonly laneEstimateMs: number;
}

interface Barrier {
  readonly upTo: number;
  leftCount: number;
  readonly resolve: () => void;
}

/** As many of a family, on average, as no usual tree of runs has waiting at once. */
const minCrowdCount = 16;

/** Everything costs something, however coarse the clock is. */
const minCostMs = 0.05;

export class FairQueue<T> {
  readonly #laneOf: (item: T) => Lane;
  readonly #monotonic: () => number;
  readonly #workspaces = new FairLine<Workspace<T>>((key) => new Workspace(key));
  /** Lanes that hold something: what comes behind it goes there too, whatever is known of its family by then. */
  readonly #lanes = new Map<string, Place<T>>();
  #reserve = new Reserve();
  #paused: { readonly workspace: Workspace<T>; readonly family: Family<T> }[] = [];
  #pausedCount = 0;
  #goesOnAt: number | undefined;
  #familyCount = 0;
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

  /** Of that what does not pause. */
  get readyCount(): number {
    return this.#count - this.#pausedCount;
  }

  /** When to call `goOn`, on the monotonic clock; undefined where nobody pauses. */
  get goesOnAt(): number | undefined {
    return this.#goesOnAt;
  }

  /** Somebody makes room for others: turns are to be short. */
  get isReserving(): boolean {
    return this.#reserve.isKept(this.#monotonic());
  }

  /** What waits is of few families, each of many runs. */
  get isCrowded(): boolean {
    return this.#familyCount > 0 && this.#lanes.size >= minCrowdCount * this.#familyCount;
  }

  /** Behind what waits in the lane of each, or before it. */
  add(items: readonly T[], place: 'last' | 'first' = 'last'): void {
    const now = this.#monotonic();
    for (const item of place === 'first' ? items.toReversed() : items) {
      const { workspace, family, lane } = this.#placeOf(this.#laneOf(item));
      this.#lastNumber += 1;
      const entry = { item, number: this.#lastNumber };
      if (place === 'first') lane.entries.unshift(entry);
      else lane.entries.push(entry);
      this.#count += 1;
      family.lanes.enter(lane, now);
      family.itemCount += 1;
      if (family.isPaused) this.#pausedCount += 1;
      else this.#enter(workspace, family, now);
    }
  }

  /** The pause is over. */
  goOn(): void {
    const now = this.#monotonic();
    const paused = this.#paused;
    this.#paused = [];
    this.#pausedCount = 0;
    this.#goesOnAt = undefined;
    for (const { workspace, family } of paused) {
      family.isPaused = false;
      this.#enter(workspace, family, now);
    }
  }

  #enter(workspace: Workspace<T>, family: Family<T>, now: number): void {
    if (!family.isWaiting) this.#familyCount += 1;
    workspace.families.enter(family, now);
    this.#workspaces.enter(workspace, now);
  }

  #leave(workspace: Workspace<T>, family: Family<T>): void {
    this.#familyCount -= 1;
    workspace.families.leave(family);
    if (workspace.families.next === undefined) this.#workspaces.leave(workspace);
  }

  /** Whose turn it is. Those that have to pause do so from here on. */
  #next(): { readonly workspace: Workspace<T>; readonly family: Family<T> } | undefined {
    const now = this.#monotonic();
    for (;;) {
      const workspace = this.#workspaces.next;
      const family = workspace?.families.next;
      if (workspace === undefined || family === undefined) return undefined;
      const freeAt = this.#reserve.freeAt(family.usage, now);
      if (freeAt <= now) return { workspace, family };
      this.#leave(workspace, family);
      family.isPaused = true;
      this.#paused.push({ workspace, family });
      this.#pausedCount += family.itemCount;
      this.#goesOnAt = freeAt;
    }
  }

  #placeOf({ workspace: name, family: root, key }: Lane): Place<T> {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const workspace = this.#workspaces.get(name);
    const family = workspace.families.get(root);
    const place = { workspace, family, lane: family.lanes.get(key) };
    this.#lanes.set(key, place);
    return place;
  }

  /** The next one, in fair order. It has to be settled. */
  take(): Taken<T> | undefined {
    const next = this.#next();
    const lane = next?.family.lanes.next;
    const entry = lane?.entries.shift();
    if (next === undefined || lane === undefined || entry === undefined) return undefined;
    const { workspace, family } = next;
    const taken = {
      item: entry.item,
      number: entry.number,
      workspace,
      family,
      lane,
      workspaceTime: workspace.time,
      familyTime: family.time,
      laneTime: lane.time,
      familyEstimateMs: family.estimate,
      laneEstimateMs: lane.estimate,
    };
    this.#count -= 1;
    family.itemCount -= 1;
    if (lane.entries.length === 0) {
      this.#lanes.delete(lane.key);
      family.lanes.leave(lane);
    }
    if (family.itemCount === 0) this.#leave(workspace, family);
    family.lanes.charge(lane, taken.laneEstimateMs);
    workspace.families.charge(family, taken.familyEstimateMs);
    this.#workspaces.charge(workspace, taken.familyEstimateMs);
    return taken;
  }

  /** It has been decided, and that took so long; `turnMs` with all that belongs to its turn. */
  settle(taken: Taken<T>, spentMs: number, now = this.#monotonic(), turnMs = spentMs): void {
    const { number, workspace, family, lane, workspaceTime, familyTime, laneTime } = taken;
    const costMs = Math.max(minCostMs, spentMs);
    family.lanes.serve(laneTime, costMs);
    workspace.families.serve(familyTime, costMs);
    this.#workspaces.serve(workspaceTime, costMs);
    family.lanes.charge(lane, costMs - taken.laneEstimateMs, costMs);
    workspace.families.charge(family, costMs - taken.familyEstimateMs, costMs);
    this.#workspaces.charge(workspace, costMs - taken.familyEstimateMs);
    this.#reserve.served(family.usage, turnMs, now);
    family.lanes.rest(now);
    workspace.families.rest(now);
    this.#workspaces.rest(now);
    for (const barrier of this.#barriers) if (number <= barrier.upTo) barrier.leftCount -= 1;
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
    this.#reserve = new Reserve();
    this.goOn();
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
