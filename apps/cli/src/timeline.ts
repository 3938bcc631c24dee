/** A run as a person reads it: one line for each step, in the order in which they began. */
import type { Run, Step } from './api-types.js';
import { duration, table } from './output.js';

const clock = (instant: string): string => instant.slice(11, 23);

const took = (step: Step): string =>
  step.finishedAt === null ? '' : duration(Date.parse(step.finishedAt) - Date.parse(step.scheduledAt));

const what = (step: Step): string => {
  const action = step.action ?? step.kind;
  return step.target === 'agent' ? `${action} @agent` : action;
};

const remark = (step: Step): string => {
  if (step.error !== null) return `${step.error.code}: ${step.error.message}`;
  if (step.path !== null) {
    const by = step.path.matched === -1 ? 'default' : `condition ${step.path.matched + 1}`;
    return `${by} -> ${step.path.next ?? 'end'}`;
  }
  return step.warnings.map((warning) => `warning ${warning.code}: ${warning.message}`).join('; ');
};

const place = (step: Step): string => (step.scope === '' ? step.state : `${step.scope}/${step.state}`);

export const renderTimeline = (run: Run): string => {
  const rows = run.steps.map((step) => [
    clock(step.scheduledAt),
    step.stepId,
    place(step),
    what(step),
    step.attempt === null ? '-' : String(step.attempt),
    step.status,
    took(step),
    remark(step),
  ]);
  const head = ['at', 'step', 'state', 'what', 'attempt', 'status', 'took', ''];
  const total =
    run.endedAt === null ? '' : ` in ${duration(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`;
  const lines = [
    `run ${run.runId}  ${run.workflow.id} v${run.workflow.version}  ${run.status}${total}  started by ${run.startedBy}`,
    table(head, rows, '(no step yet)'),
  ];
  if (run.error !== null) lines.push(`error ${run.error.code}: ${run.error.message}`);
  return lines.join('\n');
};
