/** A run as a person reads it: one line for each step, in the order in which they began, printed page by page. */
import type { ApiClient } from './api-client.js';
import { type Run, run as runSchema, type Step, step as stepSchema } from './api-types.js';
import { createTable, duration, type Output } from './output.js';
import { onOneLine } from './terminal.js';

const clock = (instant: string): string => instant.slice(11, 23);

const took = (step: Step): string =>
  step.finishedAt === null ? '' : duration(Date.parse(step.finishedAt) - Date.parse(step.scheduledAt));

const what = (step: Step): string => {
  const action = step.action ?? step.kind;
  return step.target === 'agent' ? `${action} @agent` : action;
};

/** For what a step that is not over waits. */
const waitsFor = (step: Step): string => {
  if (step.finishedAt !== null) return '';
  if (step.retryAt !== null) return `next attempt at ${clock(step.retryAt)}`;
  return step.status === 'RUNNING' && step.worker !== null ? `at ${step.worker}` : '';
};

const outcome = (step: Step): string => {
  if (step.error !== null) return `${step.error.code}: ${step.error.message}`;
  if (step.path !== null) {
    const by = step.path.matched === -1 ? 'default' : `condition ${step.path.matched + 1}`;
    return `${by} -> ${step.path.next ?? 'end'}`;
  }
  return step.warnings.map((warning) => `warning ${warning.code}: ${warning.message}`).join('; ');
};

const remark = (step: Step): string =>
  [waitsFor(step), outcome(step)].filter((text) => text !== '').join('; ');

const place = (step: Step): string => (step.scope === '' ? step.state : `${step.scope}/${step.state}`);

const head = ['at', 'step', 'state', 'what', 'attempt', 'status', 'took', ''];

const toRow = (step: Step): string[] => [
  clock(step.scheduledAt),
  step.stepId,
  place(step),
  what(step),
  step.attempt === null ? '-' : String(step.attempt),
  step.status,
  took(step),
  remark(step),
];

const titleOf = (run: Run): string => {
  const total =
    run.endedAt === null ? '' : ` in ${duration(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`;
  return `run ${run.runId}  ${run.workflow.id} v${run.workflow.version}  ${run.status}${total}  started by ${run.startedBy}`;
};

const errorOf = (run: Run): string =>
  run.error === null ? '' : onOneLine(`error ${run.error.code}: ${run.error.message}`);

const pathOf = (runId: string): string => `/api/v1/workflow-runs/${encodeURIComponent(runId)}`;

/** Prints the run and all of its steps, and returns it with the first of them. */
export const showRun = async (api: ApiClient, output: Output, runId: string): Promise<Run> => {
  const run = await api.get(pathOf(runId), runSchema);
  const pages = api.pages(`${pathOf(runId)}/steps`, stepSchema, run.nextCursor);
  if (output.isJson) await writeJson(output, run, pages);
  else await writeText(output, run, pages);
  return run;
};

const writeText = async (output: Output, run: Run, pages: AsyncIterable<Step[]>): Promise<void> => {
  const table = createTable(head);
  output.note(titleOf(run));
  output.note(run.steps.length === 0 ? '(no step yet)' : table(run.steps.map(toRow)));
  for await (const steps of pages) output.note(table(steps.map(toRow)));
  if (run.error !== null) output.note(errorOf(run));
  if (run.quarantine !== null)
    output.note(
      onOneLine(
        `quarantined, nothing is done about it: ${run.quarantine.reason}; signalbox runs release ${run.runId} lifts it`,
      ),
    );
};

/** One document on one line, as long as the run is, of which only a page is held at a time. */
const writeJson = async (output: Output, run: Run, pages: AsyncIterable<Step[]>): Promise<void> => {
  const { steps, nextCursor: _, ...rest } = run;
  output.write(
    `${JSON.stringify(rest).slice(0, -1)},"steps":[${steps.map((step) => JSON.stringify(step)).join(',')}`,
  );
  for await (const more of pages) output.write(more.map((step) => `,${JSON.stringify(step)}`).join(''));
  output.write(']}\n');
};
