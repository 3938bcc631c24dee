import type { Logger } from '@signalbox/telemetry';

/** Says the same thing once in a while, however often it happens. */
const everyMs = 30_000;
/** Of those that were said lately; a process has a few dozen subjects that it may not use, at most. */
const maxRemembered = 100;

interface Said {
  readonly at: number;
  leftOutCount: number;
}

export interface Seldom {
  /** How often it was left out since it was said last; undefined where it is not to be said now. */
  leftOut(what: string): number | undefined;
}

export const createSeldom = (now: () => number = () => performance.now()): Seldom => {
  const said = new Map<string, Said>();
  return {
    leftOut: (what) => {
      const last = said.get(what);
      const at = now();
      if (last !== undefined && at - last.at < everyMs) {
        last.leftOutCount += 1;
        return undefined;
      }
      if (said.size >= maxRemembered) said.clear();
      said.set(what, { at, leftOutCount: 0 });
      return last?.leftOutCount ?? 0;
    },
  };
};

/** Warns, with how often that was left out before, or leaves it out. */
export const warnSeldom = (
  seldom: Seldom,
  what: string,
  logger: Logger,
  text: string,
  facts: Record<string, unknown>,
): void => {
  const leftOut = seldom.leftOut(what);
  if (leftOut !== undefined) logger.warn(text, leftOut === 0 ? facts : { ...facts, left_out: leftOut });
};
