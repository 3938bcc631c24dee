/** Facts of a run: engine ↔ database row, engine → wire. */
import type { RecordedEvent, RunEvent } from '@signalbox/engine';
import { withinLimits } from '@signalbox/messaging';
import {
  type CatalogEventMessage,
  type DeadLetterReport,
  type EventEnvelope,
  encodeEvent,
  encodeEventAround,
  type RunEventMessage,
  type RunKey,
  runOfKey,
  type WireMessage,
} from '@signalbox/protocol';
import type { Announced } from '../store/crash-store.js';

export interface RunEventRow {
  readonly position: number;
  readonly run_key: RunKey;
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly data: string;
  readonly causation_id: string | null;
}

export interface StoredRunEvent {
  readonly position: number;
  readonly runKey: RunKey;
  readonly causationId?: string;
  readonly recorded: RecordedEvent;
}

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** The compiler's proof that the engine's events and the wire's are the same, apart from mutability. */
const toWire = (event: RunEvent): RunEventMessage => {
  const frozen: Frozen<RunEventMessage> = event;
  return frozen as RunEventMessage;
};

export const fromRunEventRow = (row: RunEventRow): RecordedEvent => ({
  seq: row.seq,
  at: row.at,
  event: { type: row.type, ...(JSON.parse(row.data) as object) } as RunEvent,
});

/** The event's JSON text without its type: what the database keeps, and what goes into the envelope. */
export const dataTextOf = ({ event }: RecordedEvent): string => {
  const { type: _, ...data } = event;
  return JSON.stringify(data);
};

export const encodeRunEvent = (
  runKey: RunKey,
  recorded: RecordedEvent,
  causationId: string | undefined,
  dataText: string = dataTextOf(recorded),
): WireMessage => {
  const envelope: EventEnvelope = {
    id: `${runKey}/${recorded.seq}`,
    ...runOfKey(runKey),
    sequence: recorded.seq,
    at: recorded.at,
    ...(causationId === undefined ? {} : { causationId }),
    data: toWire(recorded.event),
  };
  return encodeEventAround(envelope, dataText);
};

export const encodeCatalogEvent = (
  workspace: string,
  seq: number,
  at: number,
  data: CatalogEventMessage,
  causationId: string | undefined,
): WireMessage =>
  encodeEvent({
    id: `catalog:${workspace}/${seq}`,
    workspace,
    runId: null,
    sequence: seq,
    at,
    ...(causationId === undefined ? {} : { causationId }),
    data,
  });

/** The last instant that the time of an event can say: it has four digits for the year. */
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Whoever made a report chose its id; a header has no control characters. No two ids become one. */
const inHeader = (id: string): string =>
  id.replaceAll(/[%\p{Cc}\p{Cs}]/gu, (each) => `%${each.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * Says nothing that the report does not: it can be published again as it was. A store may have reports of a release that
 * did not cut them.
 */
export const encodeDeadLetter = (report: DeadLetterReport): WireMessage => {
  const deadLetter = withinLimits(report);
  const { workspace, id, at, reportedBy } = deadLetter;
  return encodeEvent({
    id: `deadletter:${workspace}/${inHeader(id)}`,
    workspace,
    runId: null,
    sequence: 0,
    at: Math.min(at, lastTime),
    data: { type: 'deadletter.recorded', actor: `service:${reportedBy}`, deadLetter },
  });
};

/** As `encodeDeadLetter`, of a run that is left alone from now on. */
export const encodeQuarantine = ({ runKey, reason, at }: Announced): WireMessage => {
  const { workspace, runId } = runOfKey(runKey);
  return encodeEvent({
    id: `quarantine:${runKey}/${at}`,
    workspace,
    runId: null,
    sequence: 0,
    at,
    data: { type: 'deadletter.run_quarantined', actor: 'system:orchestrator', runId, reason },
  });
};
