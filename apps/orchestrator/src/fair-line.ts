/**
 * Who is next where many want the same time: whoever has had the least of it lately (start-time fair queuing).
 *
 * 1. Each member has a time of its own that goes on by what it has cost. Next is the member whose time will be the
 *    earliest when it has been served, so that what is dear lets what is cheap pass; of equal ones who has waited longest.
 * 2. The line's own time is that of whoever was served last. Who comes with an earlier one begins there: nobody saves up,
 *    and a newcomer stands before all that have had more than their share.
 * 3. Nobody waits for ever, however many newcomers there are: the line's time goes on with everything that is served, and
 *    while nobody waits it goes on by itself, so that what somebody once had is forgotten.
 */
export class Member {
  time = 0;
  /** What the next of it is likely to cost. */
  estimate: number;
  /** Among equal times. */
  order = 0;
  isWaiting = false;

  constructor(
    readonly key: string,
    estimate: number,
  ) {
    this.estimate = estimate;
  }
}

/** Of everything that is served, for those who have waited behind newcomers: small beside the share of each. */
const ageingShare = 1 / 1_000;
const minSweepCount = 1_024;

export class FairLine<M extends Member> {
  readonly #members = new Map<string, M>();
  readonly #create: (key: string) => M;
  /** The next one last. */
  #waiting: M[] = [];
  #time = 0;
  #orderCount = 0;
  #idleSince: number | undefined;
  #sweepAt = minSweepCount;

  constructor(create: (key: string) => M) {
    this.#create = create;
  }

  get(key: string): M {
    const known = this.#members.get(key);
    if (known !== undefined) return known;
    if (this.#members.size >= this.#sweepAt) this.#sweep();
    const member = this.#create(key);
    this.#members.set(key, member);
    return member;
  }

  get next(): M | undefined {
    return this.#waiting.at(-1);
  }

  /** It has something that waits. `now` on the monotonic clock. */
  enter(member: M, now: number): void {
    if (member.isWaiting) return;
    if (this.#idleSince !== undefined) this.#time += Math.max(0, now - this.#idleSince);
    this.#idleSince = undefined;
    this.#orderCount += 1;
    member.order = this.#orderCount;
    member.time = Math.max(member.time, this.#time);
    this.#insert(member);
  }

  /** All that waited of it is being served. */
  leave(member: M): void {
    this.#remove(member);
  }

  /** What was being served is done. */
  rest(now: number): void {
    if (this.#waiting.length === 0) this.#idleSince = now;
  }

  /** What it has had is more, or less, than was thought. */
  charge(member: M, cost: number, estimate = member.estimate): void {
    const { isWaiting } = member;
    if (isWaiting) this.#remove(member);
    member.time += cost;
    member.estimate = estimate;
    if (isWaiting) this.#insert(member);
  }

  /** Somebody whose time was `from` has been served. */
  serve(from: number, cost: number): void {
    this.#time = Math.max(this.#time, from) + cost * ageingShare;
  }

  #insert(member: M): void {
    member.isWaiting = true;
    this.#waiting.splice(this.#placeOf(member), 0, member);
  }

  #remove(member: M): void {
    if (!member.isWaiting) return;
    member.isWaiting = false;
    if (this.next === member) this.#waiting.pop();
    else this.#waiting.splice(this.#placeOf(member), 1);
  }

  /** Where it stands, or would stand: behind all that come later. */
  #placeOf(member: M): number {
    let from = 0;
    let to = this.#waiting.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = this.#waiting[middle];
      if (other !== undefined && isBefore(member, other)) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Whose time is not ahead of the line's would begin as a newcomer does. */
  #sweep(): void {
    for (const [key, { isWaiting, time }] of this.#members)
      if (!isWaiting && time <= this.#time) this.#members.delete(key);
    this.#sweepAt = Math.max(minSweepCount, 2 * this.#members.size);
  }
}

const isBefore = (a: Member, b: Member): boolean => {
  const [first, second] = [a.time + a.estimate, b.time + b.estimate];
  return first === second ? a.order < b.order : first < second;
};
