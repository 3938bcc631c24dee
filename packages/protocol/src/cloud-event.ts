/**
 * The envelope of everything on WORKFLOW_EVENTS: CloudEvents 1.0, structured JSON.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 *
 * `sequence` is the history's own count: of the run for run facts, of the workspace's catalog for catalog facts
 * (each from 1 without a gap). 0 marks a notice that belongs to no history, such as the refusal of a command
 * for a run that does not exist. `runid` is the run's id: no id is ever cut out of a text.
 *
 * Envelope, data and the subject that an event comes on say the same, or it is refused.
 */
import { type CatalogEventMessage, catalogEvent } from './catalog-event.js';
import { ContractError } from './contract-error.js';
import { readEventAttributes, sourcePrefix, typePrefix } from './event-attributes.js';
import { type IncomingText, parseValue, readText, requireVersion } from './incoming-text.js';
import { type RunEventMessage, runEvent } from './run-event.js';
import { runKeyOf } from './run-key.js';
import { id } from './shapes.js';
import { eventSubjects } from './subjects.js';
import { type WireMessage, wireMessage } from './wire-message.js';

export type EventData = RunEventMessage | CatalogEventMessage;

export interface EventEnvelope<D extends EventData = EventData> {
  /** Of a history's event: `<workspace>/<runID>/<seq>`, `catalog:<workspace>/<seq>`. Also the message id on the stream. */
  readonly id: string;
  readonly workspace: string;
  /** Null for the workspace's own facts. */
  readonly runId: string | null;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Id of the command that caused it. */
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly data: D;
}

const isRunFact = (type: string): boolean => !type.startsWith('catalog.') && !type.startsWith('deadletter.');

const aboutSubject = (runId: string | null, data: EventData): string => {
  if (runId === null) return 'catalog';
  if ('approvalId' in data) return `runs/${runId}/approvals/${data.approvalId}`;
  return 'stepId' in data ? `runs/${runId}/steps/${data.stepId}` : `runs/${runId}`;
};

/** The NATS subject on which an event is published. */
const eventSubject = ({ data, runId, workspace }: Omit<EventEnvelope, 'id'>): string => {
  if (runId === null) {
    return data.type.startsWith('deadletter.')
      ? eventSubjects.deadLetter(workspace)
      : eventSubjects.catalog(workspace);
  }
  if (data.type.startsWith('approval.') && 'approvalId' in data)
    return eventSubjects.approval(workspace, runId, data.approvalId);
  if (data.type.startsWith('step.') && 'stepId' in data)
    return eventSubjects.step(workspace, runId, data.stepId);
  return eventSubjects.run(workspace, runId);
};

/** The id of an event that has a place in a history; undefined for a notice. */
const idInHistory = ({ runId, workspace, sequence }: Omit<EventEnvelope, 'id'>): string | undefined =>
  sequence === 0
    ? undefined
    : `${runId === null ? `catalog:${workspace}` : runKeyOf({ workspace, runId })}/${sequence}`;

export const encodeEvent = (envelope: EventEnvelope): WireMessage => {
  const { type: _, ...data } = envelope.data;
  return encodeEventAround(envelope, JSON.stringify(data));
};

const field = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `,"${name}":${JSON.stringify(text)}`;

/**
 * As `encodeEvent`, for a publisher that has the JSON text of the data (without its type) already. What the subject is
 * made of are ids (it would be refused otherwise), and they need no escape.
 */
export const encodeEventAround = (envelope: EventEnvelope, dataText: string): WireMessage => {
  const { id, workspace, runId, sequence, at, causationId, traceparent, data } = envelope;
  const text =
    `{"specversion":"1.0","id":${JSON.stringify(id)},"source":"${sourcePrefix}${workspace}"` +
    `,"type":"${typePrefix}${data.type}","subject":"${aboutSubject(runId, data)}"` +
    `,"time":"${new Date(at).toISOString()}","datacontenttype":"application/json"` +
    `${runId === null ? '' : `,"runid":"${runId}"`},"sequence":${sequence}` +
    `${field('causationid', causationId)}${field('traceparent', traceparent)},"data":${dataText}}`;
  return wireMessage(eventSubject(envelope), id, text);
};

/** @throws ContractError where the text is not an event of this protocol, or is on a subject that is not its own. */
export const decodeEvent = (incoming: IncomingText): EventEnvelope => {
  const { subject } = incoming;
  requireVersion(incoming);
  const outer = readEventAttributes(readText(incoming.text, subject), subject);
  const type = outer.type.slice(typePrefix.length);
  const ofRun = isRunFact(type);
  // It was parsed here and is nobody else's.
  outer.data.type = type;
  const envelope = {
    id: outer.id,
    workspace: parseValue(id, outer.source.slice(sourcePrefix.length), `${subject}, in its source`),
    runId: ofRun ? (outer.runid ?? null) : null,
    sequence: outer.sequence,
    at: Date.parse(outer.time),
    ...(outer.causationid === undefined ? {} : { causationId: outer.causationid }),
    ...(outer.traceparent === undefined ? {} : { traceparent: outer.traceparent }),
    data: parseValue<EventData>(ofRun ? runEvent : catalogEvent, outer.data, subject),
  };
  if (ofRun !== (outer.runid !== undefined)) refuse(subject, '/runid');
  if (outer.subject !== aboutSubject(envelope.runId, envelope.data)) refuse(subject, '/subject');
  if (envelope.id !== (idInHistory(envelope) ?? envelope.id)) refuse(subject, '/id');
  if (subject !== eventSubject(envelope)) refuse(subject, '/source');
  refuseForeignData(envelope, subject);
  return envelope;
};

const refuseForeignData = ({ workspace, runId, data }: EventEnvelope, subject: string): void => {
  if (data.type === 'run.started' && (data.runId !== runId || data.workspace !== workspace))
    refuse(subject, '/data/runId');
  if (data.type === 'deadletter.recorded' && data.deadLetter.workspace !== workspace)
    refuse(subject, '/data/deadLetter/workspace');
};

const refuse = (subject: string, pointer: string): never => {
  throw new ContractError(
    `the event on ${subject} contradicts itself or its subject at "${pointer}"`,
    pointer,
  );
};
