/**
 * The envelope of everything on WORKFLOW_EVENTS: CloudEvents 1.0, structured JSON.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 *
 * `sequence` is the history's own count: of the run for run facts, of the workspace's catalog for catalog facts
 * (each from 1 without a gap). 0 marks a notice that belongs to no history, such as the refusal of a command
 * for a run that does not exist.
 */
import { z } from 'zod';
import { type CatalogEventMessage, catalogEvent } from './catalog-event.js';
import { ContractError } from './contract-error.js';
import { type RunEventMessage, runEvent } from './run-event.js';
import { eventSubjects } from './subjects.js';

const prefix = 'signalbox.';

export type EventData = RunEventMessage | CatalogEventMessage;

export interface EventEnvelope<D extends EventData = EventData> {
  /** `<runID>/<seq>`; for the catalog `catalog/<workspace>/<seq>`. Also the message id on the stream. */
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

const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().regex(/^signalbox\/[^/]+$/),
  type: z.string().startsWith(prefix),
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json').optional(),
  sequence: z.number().int().nonnegative(),
  causationid: z.string().optional(),
  traceparent: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});

const isRunFact = (type: string): boolean => !type.startsWith('catalog.') && !type.startsWith('deadletter.');

const aboutSubject = (runId: string | null, data: EventData): string => {
  if (runId === null) return 'catalog';
  if ('approvalId' in data) return `runs/${runId}/approvals/${data.approvalId}`;
  return 'stepId' in data ? `runs/${runId}/steps/${data.stepId}` : `runs/${runId}`;
};

/** The NATS subject on which an event is published. */
export const eventSubject = (envelope: EventEnvelope): string => {
  const { data, runId, workspace } = envelope;
  if (runId === null) {
    return data.type === 'deadletter.recorded'
      ? eventSubjects.deadLetter(workspace)
      : eventSubjects.catalog(workspace);
  }
  if (data.type.startsWith('approval.') && 'approvalId' in data)
    return eventSubjects.approval(runId, data.approvalId);
  if (data.type.startsWith('step.') && 'stepId' in data) return eventSubjects.step(runId, data.stepId);
  return eventSubjects.run(runId);
};

export const encodeEvent = (envelope: EventEnvelope): string => {
  const { type: _, ...data } = envelope.data;
  return encodeEventAround(envelope, JSON.stringify(data));
};

/** As `encodeEvent`, for a publisher that has the JSON text of the data (without its type) already. */
export const encodeEventAround = (envelope: EventEnvelope, dataText: string): string => {
  const head = JSON.stringify({
    specversion: '1.0',
    id: envelope.id,
    source: `signalbox/${envelope.workspace}`,
    type: prefix + envelope.data.type,
    subject: aboutSubject(envelope.runId, envelope.data),
    time: new Date(envelope.at).toISOString(),
    datacontenttype: 'application/json',
    sequence: envelope.sequence,
    causationid: envelope.causationId,
    traceparent: envelope.traceparent,
  });
  return `${head.slice(0, -1)},"data":${dataText}}`;
};

/** @throws ContractError where the text is not an event of this protocol; `subject` is named in it. */
export const decodeEvent = (text: string, subject: string): EventEnvelope => {
  const outer = parseJson(cloudEvent, text, subject);
  const type = outer.type.slice(prefix.length);
  const ofRun = isRunFact(type);
  const data = parseValue<EventData>(ofRun ? runEvent : catalogEvent, { ...outer.data, type }, subject);
  return {
    id: outer.id,
    workspace: outer.source.slice('signalbox/'.length),
    runId: ofRun ? (outer.subject.split('/')[1] ?? null) : null,
    sequence: outer.sequence,
    at: Date.parse(outer.time),
    ...(outer.causationid === undefined ? {} : { causationId: outer.causationid }),
    ...(outer.traceparent === undefined ? {} : { traceparent: outer.traceparent }),
    data,
  };
};

/** Parses JSON text against a schema. @throws ContractError naming the first thing that is wrong. */
export const parseJson = <T>(schema: z.ZodType<T>, text: string, subject: string): T => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ContractError(`the message on ${subject} is not JSON`, subject, { cause });
  }
  return parseValue(schema, value, subject);
};

const parseValue = <T>(schema: z.ZodType<T>, value: unknown, subject: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const pointer = first === undefined || first.path.length === 0 ? '' : `/${first.path.join('/')}`;
  throw new ContractError(
    `the message on ${subject} is not valid at "${pointer}": ${first?.message ?? 'unknown'}`,
    pointer,
  );
};
