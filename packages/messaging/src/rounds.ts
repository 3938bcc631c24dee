/** Something that is done again and again for a while after it has begun; beginning anew ends what was left of it. */
export interface Rounds {
  begin(): void;
  close(): void;
}

/** `atMs`: when, after it has begun. They keep no process alive. */
export const createRounds = (atMs: readonly number[], round: () => void): Rounds => {
  let timers: NodeJS.Timeout[] = [];
  const close = (): void => {
    for (const timer of timers.splice(0)) clearTimeout(timer);
  };
  return {
    begin: () => {
      close();
      timers = atMs.map((afterMs) => setTimeout(round, afterMs).unref());
    },
    close,
  };
};
