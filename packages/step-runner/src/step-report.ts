/** What a worker tells the orchestrator about a step, as messages on `wf.task.resume.step` or `wf.task.resume.agent`. */
import type { Execution } from '@signalbox/executors';
import type { MessageHeaders } from '@signalbox/messaging';
import { encodeStepReport, type StepReporter, type StepTask, type WireMessage } from '@signalbox/protocol';

export interface StepHolder {
  readonly task: StepTask;
  /** Which of the two has it. */
  readonly heldBy: StepReporter;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Tells this beginning of the attempt from every other. */
  readonly beginning: string;
  /** One that was reported from here, and came to nothing. */
  readonly replaces?: string;
  /** Of the task's message; its trace goes on in the report. */
  readonly incoming: MessageHeaders;
}

export const startedReport = (holder: StepHolder): WireMessage =>
  encodeStepReport(
    {
      ...ofStep(holder),
      type: 'step.started',
      beginning: holder.beginning,
      ...(holder.replaces === undefined ? {} : { replaces: holder.replaces }),
    },
    holder.heldBy,
    holder.incoming,
  );

/** Each beginning has an id of its own: it is counted. */
export const begunAgainReport = (holder: StepHolder): WireMessage => {
  const report = startedReport(holder);
  return { ...report, id: `${report.id}/${holder.beginning}` };
};

/** Nothing comes of this beginning, by order: it is not to be counted. */
export const givenBackReport = (holder: StepHolder): WireMessage =>
  encodeStepReport(
    { ...ofStep(holder), type: 'step.given_back', beginning: holder.beginning },
    holder.heldBy,
    holder.incoming,
  );

/** The same result as the answer to a task that carries this claim; with another one than before it is another message. */
export const withClaim = (result: WireMessage, claim: string): WireMessage => {
  const said = JSON.parse(result.data) as { readonly claim: string };
  if (said.claim === claim) return result;
  return { ...result, id: `${result.id}/${claim}`, data: JSON.stringify({ ...said, claim }) };
};

export const resultReport = (holder: StepHolder, execution: Execution, finishedAt: number): WireMessage =>
  encodeStepReport(
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
    holder.heldBy,
    holder.incoming,
  );

const ofStep = ({ task, worker, startedAt }: StepHolder) => ({
  workspace: task.workspace,
  runId: task.runId,
  stepId: task.stepId,
  attempt: task.attempt,
  claim: task.claim,
  worker,
  startedAt,
});
