/** What holds of every run, of any plan, whatever happens to it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Command,
  decide,
  type Effect,
  evolve,
  initialState,
  type Json,
  type Plan,
  pendingDispatch,
  pendingDispatches,
  type RecordedEvent,
  type RunState,
  react,
  restore,
  runView,
  snapshot,
  stepIds,
  stepView,
  timers,
  type World,
} from '../src/index.js';
import { ChancePlayer } from './support/chance-player.js';
import { deepFreeze } from './support/deep-freeze.js';
import { generatedInput, generatedPlan } from './support/generated-plan.js';
import { expectSoundState } from './support/invariants.js';
import { fired, start } from './support/scenario.js';

/** How many moves are drawn, and from what. */
const chances = fc.record({ seed: fc.integer(), moveCount: fc.nat({ max: 60 }) });
type Chances = typeof chances extends fc.Arbitrary<infer T> ? T : never;

/** Mulberry32: even draws, where generated lists of numbers lean to the small ones. */
const drawFrom = (seed: number): ((below: number) => number) => {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const runs = { numRuns: 300 };

/** The run, played until it ends: drawn moves first, and then everything goes well. */
const played = (
  plan: Plan,
  { seed, moveCount }: Chances,
  watch: (player: ChancePlayer) => void = () => undefined,
): ChancePlayer => {
  const player = new ChancePlayer(plan);
  player.drawBudgets((moment) => drawFrom(seed + moment));
  watch(player);
  player.send(start(generatedInput));
  const draw = drawFrom(seed);
  for (let moves = 0; moves < moveCount && !player.isOver; moves += 1) player.move(draw);
  player.finish();
  return player;
};

/** What was decided; the states that come with it must be those of the fold. */
const answerTo = (state: RunState, command: Command, world: World): unknown => {
  const decision = decide(state, command, world);
  if (decision.kind === 'refused') return decision;
  let folded = state;
  for (const [index, event] of decision.events.entries()) {
    folded = evolve(folded, { seq: folded.seq + 1, at: world.now, event });
    const decided = decision.states[index];
    if (index === decision.events.length - 1 && decided !== undefined)
      expect(snapshot(decided)).toStrictEqual(snapshot(folded));
  }
  return decision.events;
};

const foldOf = (history: readonly RecordedEvent[]): RunState => history.reduce(evolve, initialState);

describe('every run', () => {
  test('ends, when those it waits for do their part', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        const player = played(plan, drawn);
        expect(player.isOver).toBe(true);
        expect(timers(player.state)).toEqual([]);
      }),
      runs,
    );
  });

  test('has the state that its history folds to, at every moment and after a snapshot', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        const player = played(plan, drawn, (watched) => {
          watched.onDecision = (before, command) => {
            expectSoundState(watched.state);
            const stored = JSON.parse(JSON.stringify(snapshot(before))) as Json;
            expect(stored).toStrictEqual(snapshot(before));
            const restored = restore(stored);
            expect(snapshot(restored)).toStrictEqual(stored);
            // A restored run decides as the run itself.
            expect(answerTo(restored, command, watched.world)).toEqual(
              answerTo(before, command, watched.world),
            );
          };
        });
        const folded = foldOf(player.history);
        expect(snapshot(folded)).toStrictEqual(snapshot(player.state));
        expect(runView(folded)).toEqual(runView(player.state));
        for (const id of stepIds(folded))
          expect(stepView(folded, id)).toStrictEqual(stepView(player.state, id));
      }),
      { numRuns: 150 },
    );
  });

  test('goes on where its history breaks off in the middle of a decision', () => {
    fc.assert(
      fc.property(generatedPlan, chances, fc.nat(), (plan, drawn, place) => {
        const breaks: { readonly history: readonly RecordedEvent[]; readonly now: number }[] = [];
        played(plan, drawn, (watched) => {
          watched.onDecision = (before, _command, decision) => {
            if (decision.kind === 'refused') return;
            for (let count = before.seq + 1; count < watched.history.length; count += 1)
              breaks.push({ history: watched.history.slice(0, count), now: watched.now });
          };
        });
        if (breaks.length === 0) return;
        const { history, now } = breaks[place % breaks.length] as (typeof breaks)[number];
        const player = new ChancePlayer(plan);
        player.drawBudgets((moment) => drawFrom(drawn.seed + moment));
        player.now = now;
        for (const { event, at } of history) player.record(event, at);
        const goesOn = timers(player.state).find(
          ({ purpose }) => purpose.kind === 'interrupted' || purpose.kind === 'yield_over',
        );
        // What a paused run has not begun it begins when it is resumed.
        if (player.status !== 'PAUSED') expect(goesOn).toBeDefined();
        if (goesOn !== undefined) player.play(fired(goesOn.purpose));
        expectSoundState(player.state);
        player.finish();
        expect(player.isOver).toBe(true);
      }),
      runs,
    );
  });

  test('leaves its plan, its events, its commands and its earlier states as they are', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        played(deepFreeze(plan), drawn, (watched) => {
          const { send } = watched;
          watched.send = (command) => {
            deepFreeze(command);
            deepFreeze(watched.state);
            for (const recorded of watched.history) deepFreeze(recorded);
            return send.call(watched, command);
          };
        });
      }),
      { numRuns: 100 },
    );
  });

  test('has an outbox that is exactly react over its history, and no attempt twice in it', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        const { history, effects } = played(plan, drawn);
        let state = initialState;
        const outbox: Effect[] = [];
        for (const recorded of history) {
          state = evolve(state, recorded);
          outbox.push(...react(state, recorded));
        }
        expect(outbox).toEqual(effects);
        const attempts = outbox.flatMap((effect) =>
          effect.type === 'dispatch_step' ? [`${effect.stepId}:${effect.attempt}`] : [],
        );
        expect(new Set(attempts).size).toBe(attempts.length);
      }),
      runs,
    );
  });

  test('is waiting for exactly what it asked for and has not been answered', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        played(plan, drawn, (watched) => {
          watched.onDecision = () => {
            const asked = new Set(watched.effects.map((effect) => JSON.stringify(effect)));
            const pending = pendingDispatches(watched.state).map((each) => JSON.stringify(each));
            for (const each of pending) expect(asked.has(each)).toBe(true);
            const byStep = stepIds(watched.state).flatMap((id) => pendingDispatch(watched.state, id) ?? []);
            expect(byStep.map((each) => JSON.stringify(each)).sort()).toEqual(pending.sort());
          };
        });
      }),
      { numRuns: 100 },
    );
  });

  test('has one step id for each visit of a state in a scope', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        const places = new Map<string, string>();
        for (const { event } of played(plan, drawn).history) {
          if (!('visit' in event)) continue;
          const isEvaluation = 'action' in event && event.action === 'expression.evaluate';
          const end = isEvaluation && event.next === null ? 'end' : 'state';
          const place = `${event.scope}|${event.state}|${event.visit}|${isEvaluation ? end : ''}`;
          expect(places.get(event.stepId) ?? place).toBe(place);
          places.set(event.stepId, place);
        }
        expect(new Set(places.values()).size).toBe(places.size);
      }),
      runs,
    );
  });

  test('sets the timers that it waits for, and takes back the others', () => {
    fc.assert(
      fc.property(generatedPlan, chances, (plan, drawn) => {
        const set = new Map<string, number>();
        let seen = 0;
        played(plan, drawn, (watched) => {
          watched.onDecision = (before, command, decision) => {
            const fires =
              command.type === 'timer_fired'
                ? timers(before).find(
                    ({ purpose }) => JSON.stringify(purpose) === JSON.stringify(command.purpose),
                  )
                : undefined;
            if (fires !== undefined && decision.kind === 'accepted') set.delete(fires.timerId);
            for (const effect of watched.effects.slice(seen)) {
              if (effect.type === 'set_timer') set.set(effect.timerId, effect.dueAt);
              if (effect.type === 'cancel_timer') set.delete(effect.timerId);
              if (effect.type === 'cancel_timers') set.clear();
            }
            seen = watched.effects.length;
            // A retry that fired during a pause is set again by the resume.
            if (watched.status === 'PAUSED') return;
            const wanted = new Map(timers(watched.state).map(({ timerId, dueAt }) => [timerId, dueAt]));
            // What has yielded may be taken up by another command; its timer then finds nothing to do.
            if (!wanted.has('run/yield')) set.delete('run/yield');
            expect(set).toEqual(wanted);
          };
        });
      }),
      runs,
    );
  });
});
