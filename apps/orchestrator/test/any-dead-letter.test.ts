/** Whatever arrives: what the orchestrator says of it is an event that its readers take. */
import { fittingDeadLetter } from '@signalbox/messaging';
import {
  ContractError,
  type DeadLetterReport,
  decodeEvent,
  deadLetterLimits as limits,
  maxDeadLetterPayloadBytes,
  parseTaskSubject,
  type WireMessage,
  workspaceOfSubject,
} from '@signalbox/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeDeadLetter, encodeQuarantine } from '../src/wire/event-codec.js';
import {
  deadLetterOf,
  decodeInput,
  type IncomingMessage,
  unsentDeadLetter,
} from '../src/wire/input-codec.js';

/** Also halves of characters, control characters and whatever turns text around. */
const anyText = (maxLength: number) => fc.string({ unit: 'binary', maxLength, size: 'max' });
const halves = fc.string({
  unit: fc.constantFrom('\ud83d', '\ude00', '\n', '\0', '%', 'a'),
  maxLength: 1_200,
  size: 'max',
});
const textOfLength = (maxLength: number) =>
  fc.oneof(anyText(20), anyText(maxLength), halves, fc.constantFrom('', 'é'.repeat(maxLength)));
const long = fc.oneof(
  fc.constantFrom('A', 'a.', '.own', '😀', '\u202e').map((part) => part.repeat(3_000)),
  anyText(3_000),
);

const subject = fc
  .tuple(
    fc.constantFrom(
      '',
      'wf.task.run.',
      'wf.task.deadletter.',
      'wf.task.resume.step.',
      'wf.event.run.',
      'wf.event.',
    ),
    fc.constantFrom('default', 'other', 'a b', ''),
    fc.constantFrom('', '.run-1', '.run-1.own'),
    fc.oneof(fc.constant(''), long),
  )
  .map((parts) => parts.join(''));

const message: fc.Arbitrary<IncomingMessage> = fc.record({
  stream: fc.oneof(fc.constant('WORKFLOW_TASKS'), long),
  consumer: fc.oneof(fc.constant('orchestrator-run'), long),
  subject,
  streamSequence: fc.nat(),
  deliveryCount: fc.nat(),
  headers: fc.oneof(
    fc.constant({}),
    long.map((version) => ({ 'signalbox-version': version })),
  ),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom('7', '[]', '{"type":"start"}', '['.repeat(20_000)).map((text) => Buffer.from(text)),
    fc.constant(new Uint8Array(maxDeadLetterPayloadBytes + 1)),
  ),
});

/** @throws where a reader does not take it, or a server. */
const read = ({ id, subject: on, data }: WireMessage) => {
  expect(id).not.toMatch(/\p{Cc}/u);
  return decodeEvent({ subject: on, text: data }).data;
};

const isAddress = (given: string): boolean => {
  try {
    parseTaskSubject(given);
    return true;
  } catch {
    return workspaceOfSubject(given) !== undefined;
  }
};

const expectTaken = (whole: DeadLetterReport, maxPayloadBytes: number, of: IncomingMessage): void => {
  const report = fittingDeadLetter(whole, maxPayloadBytes);
  // What is kept and what its readers have is the same.
  expect(read(encodeDeadLetter(report))).toMatchObject({ deadLetter: report });
  expect(fittingDeadLetter(report, maxPayloadBytes)).toEqual(report);
  if (report.subject !== of.subject) expect(isAddress(report.subject)).toBe(false);
};

test('for any message that is set aside, the event that says so can be read', () => {
  fc.assert(
    fc.property(
      message,
      fc.constantFrom(0, 1_000, 1_048_576),
      anyText(6_000),
      (given, maxPayloadBytes, reason) => {
        const input = decodeInput(given, 1);
        if (input.kind === 'dead_letter') expectTaken(input.report, maxPayloadBytes, given);
        expectTaken(deadLetterOf(given, 'POISON_MESSAGE', reason, 1).report, maxPayloadBytes, given);
        const wire = { ...given, id: given.stream, data: Buffer.from(given.data).toString(), headers: {} };
        const unsent = unsentDeadLetter(wire, new ContractError(reason, ''), 1);
        expectTaken(unsent.report, maxPayloadBytes, given);
      },
    ),
    { numRuns: 300 },
  );
});

/** A text with half of a character is refused on its way in. */
const within = (limit: number) =>
  textOfLength(limit).map((text) => text.slice(0, limit).replaceAll(/\p{Surrogate}/gu, ''));

test('for any report that another party sends, the event that says so can be read', () => {
  const report = fc.record({
    id: within(limits.id).map((text) => text || 'x'),
    workspace: fc.constantFrom('default', 'x'.repeat(128)),
    stream: within(limits.stream),
    subject: within(limits.subject),
    consumer: within(limits.consumer),
    deliveryCount: fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
    code: fc.constantFrom('CONTRACT' as const, 'POISON_MESSAGE' as const, 'UNSENDABLE' as const),
    reason: within(2 * limits.reason),
    reportedBy: fc.constantFrom('a', '@'.repeat(128)),
    at: fc.constantFrom(0, 253_402_300_799_999, 253_402_300_800_000, 8_640_000_000_000_000),
    payload: fc.constantFrom('', 'AAAA', 'A'.repeat(Math.ceil(maxDeadLetterPayloadBytes / 3) * 4)),
    payloadBytes: fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
  });
  fc.assert(
    fc.property(report, (given) => {
      const on = `wf.task.deadletter.${given.workspace}`;
      const data = Buffer.from(JSON.stringify(given));
      const headers = {};
      const whole = {
        stream: 's',
        consumer: 'c',
        streamSequence: 1,
        deliveryCount: 1,
        subject: on,
        headers,
        data,
      };
      const input = decodeInput(whole, 1);
      expect(input).toMatchObject({
        kind: 'dead_letter',
        report: { id: given.id, workspace: given.workspace },
      });
      if (input.kind !== 'dead_letter') return;
      expectTaken(input.report, 1_048_576, { ...whole, subject: given.subject });
    }),
    { numRuns: 300 },
  );
});

test('the event of a quarantined run can be read whatever its reason holds', () => {
  fc.assert(
    fc.property(textOfLength(6_000), (reason) => {
      const runKey = 'default/run-1' as Parameters<typeof encodeQuarantine>[0]['runKey'];
      expect(read(encodeQuarantine({ runKey, reason, at: 1 }))).toMatchObject({ reason });
    }),
  );
});
