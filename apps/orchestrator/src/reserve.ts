/**
 * Keeps time free for those who want little, where somebody wants all there is.
 *
 * 1. Who has had more than a twentieth of the last second is heavy. (What was had counts ever less as it gets older.) It
 *    is so until next to nothing of that is left: the tail of one large run does not slow down the next.
 * 2. While anybody else is served who is not heavy, all heavy ones together get a quarter of the time, in short turns, and
 *    pause in between. So whoever comes next finds the thread free, and the bus, the disk and the read model behind it
 *    not filled; on a machine of few processors these pause with it.
 * 3. Where nobody else was served twice lately, nobody pauses: a workflow that is stored, say, and then run.
 */

/** What somebody has had. */
export interface Usage {
  usedMs: number;
  /** When that was counted, on the monotonic clock. */
  usedAt: number;
  isHeavy: boolean;
}

export const unused = (): Usage => ({ usedMs: 0, usedAt: 0, isHeavy: false });

const windowMs = 1_000;
const heavyMs = 50;
const lightMs = 2;
/** Of the time, for all heavy ones together. */
const heavyShare = 1 / 4;
/** Whatever was had while nobody had to pause. */
const maxPauseMs = 100;
/** Of others, within `recentMs`, for somebody to pause. */
const leastServedCount = 2;
const recentMs = 500;
const maxRememberedCount = 8;

interface Served {
  readonly usage: Usage;
  readonly at: number;
}

export class Reserve {
  /** Who was served and is not heavy, the last one last. */
  #light: Served[] = [];
  /** When the heavy ones may go on. */
  #heavyFrom = Number.NEGATIVE_INFINITY;
  #pausedAt = Number.NEGATIVE_INFINITY;

  /** It has had so much, until now. */
  served(usage: Usage, spentMs: number, now: number): void {
    usage.usedMs = leftOf(usage, now) + spentMs;
    usage.usedAt = now;
    usage.isHeavy = usage.usedMs > (usage.isHeavy ? lightMs : heavyMs);
    if (usage.isHeavy) {
      const pauseMs = spentMs / heavyShare - spentMs;
      this.#heavyFrom = Math.min(Math.max(this.#heavyFrom, now) + pauseMs, now + maxPauseMs);
      return;
    }
    this.#light.push({ usage, at: now });
    if (this.#light.length > maxRememberedCount) this.#light.shift();
  }

  /** When it may be served; now, or earlier, where it need not pause. */
  freeAt(usage: Usage, now: number): number {
    if (!isHeavy(usage, now) || !this.#areOthersServed(now)) return now;
    this.#pausedAt = now;
    return this.#heavyFrom;
  }

  /** Somebody heavy makes room. */
  isKept(now: number): boolean {
    return now - this.#pausedAt < windowMs;
  }

  #areOthersServed(now: number): boolean {
    const others = this.#light.filter(({ usage, at }) => now - at < recentMs && !isHeavy(usage, now));
    return others.length >= leastServedCount;
  }
}

const isHeavy = (usage: Usage, now: number): boolean => usage.isHeavy && leftOf(usage, now) > lightMs;

/** Of what was had, as much as still counts. */
const leftOf = ({ usedMs, usedAt }: Usage, now: number): number =>
  usedMs * Math.exp(Math.min(0, usedAt - now) / windowMs);
