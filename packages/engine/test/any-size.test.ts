/** Whatever sizes come in and are made: no event grows past what a message holds, and every run ends. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command, Decision, Json } from '../src/index.js';
import { ChancePlayer } from './support/chance-player.js';
import { generatedInput, generatedPlan } from './support/generated-plan.js';
import { start } from './support/scenario.js';

const limit = 4_000;
/** Of an event beside what is limited: names, paths, an error with its advice. */
const besidesBytes = 16_000;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

class SizedPlayer extends ChancePlayer {
  sizeOf: () => number = () => 0;

  override send(command: Command): Decision {
    return super.send(this.#swollen(command));
  }

  #swollen(command: Command): Command {
    const blob = (): Json => ({ blob: 'x'.repeat(this.sizeOf()) });
    switch (command.type) {
      case 'step_succeeded':
        return { ...command, output: blob() };
      case 'signal':
        return { ...command, payload: blob() };
      case 'approval_decision':
        return { ...command, comment: 'c'.repeat(this.sizeOf()), data: blob() };
      case 'step_failed':
        return { ...command, error: { ...command.error, message: 'm'.repeat(4 * this.sizeOf()) } };
      case 'child_ended':
        return command.outcome.ok ? { ...command, outcome: { ok: true, output: blob() } } : command;
      default:
        return command;
    }
  }
}

test('with sizes around the limit, no event exceeds it and every run ends', () => {
  const sizes = fc.infiniteStream(
    fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: limit / 4, max: limit + 50 })),
  );
  fc.assert(
    fc.property(generatedPlan, sizes, fc.nat(), fc.nat({ max: 30 }), (plan, drawn, seed, moveCount) => {
      const player = new SizedPlayer(plan, { resultBytes: limit, inputBytes: limit });
      player.sizeOf = () => drawn.next().value as number;
      player.send(start(generatedInput));
      let draws = seed;
      const draw = (below: number): number => {
        draws = (Math.imul(draws, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((draws / 2 ** 32) * below);
      };
      for (let moves = 0; moves < moveCount && !player.isOver; moves += 1) player.move(draw);
      // What is refused for its size is sent again, smaller.
      player.sizeOf = () => 0;
      player.finish();
      expect(player.isOver).toBe(true);
      for (const { event } of player.history) {
        expect(bytesOf(event)).toBeLessThan(limit + besidesBytes);
        for (const key of ['output', 'input', 'payload', 'data'])
          if (key in event)
            expect(bytesOf((event as Record<string, unknown>)[key])).toBeLessThanOrEqual(limit * (9 / 8));
      }
    }),
    { numRuns: 200 },
  );
});
