/** Applies a large batch a part at a time: between two parts whatever else waits for the thread has its turn. */
import { setImmediate } from 'node:timers/promises';
import type { StreamMessage } from './projection.js';
import type { ReadModel } from './read-model.js';

/** So many are applied between two looks at the clock. */
const partSize = 32;
/** What waits for the thread meanwhile waits so long. */
const maxTurnMs = 8;

/** `caughtUp` is said with the last of them. */
export const applyInTurns = async (
  readModel: Pick<ReadModel, 'apply'>,
  messages: readonly StreamMessage[],
  { caughtUp }: { readonly caughtUp: boolean },
): Promise<void> => {
  let turnBeganAt = performance.now();
  for (let from = 0; ; from += partSize) {
    const isLast = from + partSize >= messages.length;
    readModel.apply(messages.slice(from, from + partSize), { caughtUp: caughtUp && isLast });
    if (isLast) return;
    if (performance.now() - turnBeganAt < maxTurnMs) continue;
    await setImmediate();
    turnBeganAt = performance.now();
  }
};
