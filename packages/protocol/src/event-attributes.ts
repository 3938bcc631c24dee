/**
 * What an event on the wire says around its data: the attributes of CloudEvents, in the one form that is written here.
 */
import { z } from 'zod';
import { parseValue } from './incoming-text.js';
import { id, idPattern } from './shapes.js';

/** Before the type of an event. */
export const typePrefix = 'signalbox.';
/** Before the workspace. */
export const sourcePrefix = 'signalbox/';

const contentType = 'application/json';

export const eventAttributes = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().startsWith(sourcePrefix),
  type: z.string().startsWith(typePrefix),
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal(contentType).optional(),
  runid: id.optional(),
  sequence: z.number().int().nonnegative(),
  causationid: z.string().optional(),
  traceparent: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type EventAttributes = z.infer<typeof eventAttributes>;

const instantText = z.regexes.datetime({});

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === 'string';

/**
 * The schema by hand, because every reader of the log does it for every event: it costs a tenth, and copies nothing. It takes
 * nothing that the schema refuses; what it does not take, the schema judges.
 */
const isPlainly = (value: unknown): value is EventAttributes => {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Record<string, unknown>;
  const { id: eventId, source, type, time, runid, sequence, data } = event;
  return (
    event.specversion === '1.0' &&
    isText(eventId) &&
    eventId !== '' &&
    isText(source) &&
    source.startsWith(sourcePrefix) &&
    isText(type) &&
    type.startsWith(typePrefix) &&
    isText(event.subject) &&
    isText(time) &&
    instantText.test(time) &&
    (event.datacontenttype === undefined || event.datacontenttype === contentType) &&
    (runid === undefined || (isText(runid) && idPattern.test(runid))) &&
    Number.isSafeInteger(sequence) &&
    Number(sequence) >= 0 &&
    isTextOrAbsent(event.causationid) &&
    isTextOrAbsent(event.traceparent) &&
    typeof data === 'object' &&
    data !== null &&
    data.constructor === Object
  );
};

/** Of a parsed text, which may be given back as it is: what else it holds means nothing. @throws ContractError */
export const readEventAttributes = (value: unknown, subject: string): EventAttributes =>
  isPlainly(value) ? value : parseValue(eventAttributes, value, subject);
