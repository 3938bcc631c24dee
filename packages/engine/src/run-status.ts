export const runStatuses = [
  'PENDING',
  'RUNNING',
  'WAITING_APPROVAL',
  'WAITING_SIGNAL',
  'PAUSED',
  'ROLLING_BACK',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMED_OUT',
] as const;
export type RunStatus = (typeof runStatuses)[number];

export const endedStatuses = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'] as const satisfies RunStatus[];

export const isEnded = (status: RunStatus): boolean =>
  (endedStatuses as readonly RunStatus[]).includes(status);

export const stepStatuses = [
  'PENDING',
  'RUNNING',
  'WAITING_APPROVAL',
  'WAITING_SIGNAL',
  'SUCCEEDED',
  'FAILED',
  'SKIPPED',
  'CANCELLED',
  'TIMED_OUT',
  'COMPENSATED',
] as const;
export type StepStatus = (typeof stepStatuses)[number];
