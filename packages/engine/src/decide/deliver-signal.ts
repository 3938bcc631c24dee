import { required } from '../invariant-violation.js';
import { placeOf } from './failure.js';
import { failState } from './follow.js';
import { resultProblem } from './too-large.js';
import type { Turn } from './turn.js';

/** Gives the oldest kept signal of a name to the state that has waited longest, if there are both. */
export const deliverKeptSignal = (turn: Turn, signal: string): void => {
  const { kept, waiting } = turn.run.signals;
  const ofName = kept.get(signal);
  const oldest = ofName?.firstKey();
  const stepId = waiting.get(signal)?.firstKey();
  if (ofName === undefined || oldest === undefined || stepId === undefined) return;
  const output = required(ofName.get(oldest), `signal ${oldest}`).payload;
  const step = turn.step(stepId);
  if (step.open?.kind !== 'signal') return;
  const { resultPath, next } = step.open;
  const problem = resultProblem(turn.world, step.state, output, resultPath);
  if (problem === undefined)
    turn.emit({ type: 'state.completed', ...placeOf(step), kind: 'signal', next, output, resultPath });
  else failState(turn, placeOf(step), 'signal', problem);
};
