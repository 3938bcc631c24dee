/** Between what is on the wire and what the engine folds. */
import type { Failure, RecordedEvent, RunEnd, RunEvent, StepError } from '@signalbox/engine';
import type { EventData, EventEnvelope, IssueMessage, RunEventMessage } from '@signalbox/protocol';

/** The wire takes any error code, so that a newer writer's code does not stop a reader; the engine's list is closed. */
type WithOpenCodes<E> = E extends { readonly error: StepError }
  ? Omit<E, 'error'> & { readonly error: Omit<StepError, 'code'> & { readonly code: string } }
  : E extends { readonly type: 'run.ending' }
    ? Omit<E, 'end'> & { readonly end: WithOpenCodes<RunEnd> }
    : E extends { readonly type: 'scopes.closing' }
      ? Omit<E, 'failure'> & { readonly failure?: WithOpenCodes<Failure> }
      : E;

export const toRecorded = (seq: number, at: number, data: RunEventMessage): RecordedEvent => {
  // The assignment proves to the compiler that wire and engine agree field by field; only the codes are narrowed.
  const event: WithOpenCodes<RunEvent> = data;
  return { seq, at, event: event as RunEvent };
};

/** An event that this read model has stored, from its columns. */
export const fromStored = (row: { sequence: number; at: number; data: string }): RecordedEvent => ({
  seq: row.sequence,
  at: row.at,
  event: JSON.parse(row.data) as RunEvent,
});

export const isRunEvent = (data: EventData): data is RunEventMessage =>
  !data.type.startsWith('catalog.') && !data.type.startsWith('deadletter.');

/** Why a command was not done, where the event says so. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly issues?: readonly IssueMessage[];
}

export const refusalOf = (data: EventData): Refusal | undefined => {
  switch (data.type) {
    case 'run.command_refused':
    case 'approval.decision_refused':
      return { code: data.code, message: data.message };
    case 'catalog.command_refused':
      return {
        code: data.code,
        message: data.message,
        ...(data.issues === undefined ? {} : { issues: data.issues }),
      };
    default:
      return undefined;
  }
};

/** The history of catalog facts; no run id holds a slash, so no run has this name. */
export const catalogHistory = '/catalog';

/** The history that an event belongs to; undefined for a notice, which belongs to none. */
export const historyOf = (envelope: EventEnvelope): string | undefined =>
  envelope.sequence === 0 ? undefined : (envelope.runId ?? catalogHistory);
