/** Ids of a run's timers. A step waits for one thing at a time, so its id and the purpose tell all timers apart. */
import type { TimerPurpose } from './command.js';

export const runTimeoutTimerId = 'run/timeout';
export const yieldTimerId = 'run/yield';
export const interruptedTimerId = 'run/interrupted';

const suffixes = {
  retry_due: 'retry',
  step_timeout: 'timeout',
  approval_expiry: 'expiry',
  wait_over: 'wait',
  signal_timeout: 'signal',
} as const;

export const timerIdOf = (purpose: TimerPurpose): string => {
  if (purpose.kind === 'run_timeout') return runTimeoutTimerId;
  if (purpose.kind === 'yield_over') return yieldTimerId;
  if (purpose.kind === 'interrupted') return interruptedTimerId;
  return `${purpose.stepId}/${suffixes[purpose.kind]}`;
};
