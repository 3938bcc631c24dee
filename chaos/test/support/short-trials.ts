/** Trials in their short form, some side by side. In full length: `pnpm chaos`. */
import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../src/scenario.js';

/** Nothing here is a measurement: trials run side by side, and the machine may be doing anything else meanwhile. */
const patience = 200;
/** More than all that a trial waits for: what is not kept shall be told by the trial, and not only by the clock. */
const timeoutMs = 480_000;

export const shortTrials = (what: string, scenarios: readonly Scenario[]): void => {
  describe.concurrent(what, () => {
    for (const { name, promise, shortSeconds, run } of scenarios) {
      if (shortSeconds === undefined) continue;
      test(`${name}: ${promise}`, { timeout: timeoutMs }, async () => {
        const { broken } = await run({ seconds: shortSeconds, seed: 1, patience });
        expect(broken).toEqual([]);
      });
    }
  });
};
