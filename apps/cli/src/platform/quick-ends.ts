/** How often something has ended soon after its start, and how long to wait before it is started again. */

/** What ends within this time of its start counts as failing. */
const quickEndMs = 5_000;
const maxQuickEndCount = 5;
const firstDelayMs = 100;

export interface QuickEnds {
  /** It is started now. */
  begin(): void;
  /** It has ended: milliseconds until it should be started again, or undefined when that has not helped often enough. */
  count(): number | undefined;
}

export const noQuickEnds = (now: () => number = () => performance.now()): QuickEnds => {
  let beganAt = now();
  let endCount = 0;
  return {
    begin: () => {
      beganAt = now();
    },
    count: () => {
      endCount = now() - beganAt < quickEndMs ? endCount + 1 : 0;
      if (endCount >= maxQuickEndCount) return undefined;
      return endCount === 0 ? 0 : firstDelayMs * 4 ** (endCount - 1);
    },
  };
};
