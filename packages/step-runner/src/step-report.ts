/** What a worker tells the orchestrator about a step, as messages on `wf.task.resume.<runID>`. */
import type { Execution } from '@signalbox/executors';
import type { MessageHeaders, OutgoingMessage } from '@signalbox/messaging';
import {
  headers,
  protocolVersion,
  type ResumeMessage,
  type StepTask,
  taskSubjects,
} from '@signalbox/protocol';

export interface StepHolder {
  readonly task: StepTask;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of the task's message; its trace goes on in the report. */
  readonly incoming: MessageHeaders;
}

export const startedReport = (holder: StepHolder): OutgoingMessage =>
  report(holder, 'started', { ...ofStep(holder), type: 'step.started' });

export const resultReport = (holder: StepHolder, execution: Execution, finishedAt: number): OutgoingMessage =>
  report(
    holder,
    'result',
    execution.ok
      ? {
          ...ofStep(holder),
          type: 'step.succeeded',
          finishedAt,
          output: execution.output,
          ...(execution.warnings === undefined || execution.warnings.length === 0
            ? {}
            : { warnings: [...execution.warnings] }),
        }
      : { ...ofStep(holder), type: 'step.failed', finishedAt, error: execution.error },
  );

const ofStep = ({ task, worker, startedAt }: StepHolder) => ({
  runId: task.runId,
  stepId: task.stepId,
  attempt: task.attempt,
  claim: task.claim,
  worker,
  startedAt,
});

/** The id names attempt and kind: however often a report is sent, the stream stores it once. */
const report = (holder: StepHolder, kind: 'started' | 'result', message: ResumeMessage): OutgoingMessage => {
  const { task, incoming } = holder;
  const trace = Object.entries(incoming).filter(([name]) => traceHeaders.has(name));
  return {
    subject: taskSubjects.resume(task.runId),
    id: `${task.idempotencyKey}/${kind}`,
    headers: {
      [headers.version]: protocolVersion,
      [headers.idempotencyKey]: task.idempotencyKey,
      ...Object.fromEntries(trace),
    },
    data: JSON.stringify(message),
  };
};

const traceHeaders: ReadonlySet<string> = new Set([headers.traceparent, headers.tracestate]);
