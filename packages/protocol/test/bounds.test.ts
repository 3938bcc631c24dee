/** Everything that somebody else says is bounded where it arrives: each field of each message that is sent to a process. */
import { describe, expect, test } from 'vitest';
import {
  ContractError,
  headers,
  maxCommentLength,
  maxDeadLetterPayloadBytes,
  maxIdempotencyKeyLength,
  maxNameLength,
  maxReasonLength,
} from '../src/index.js';
import { type WireSample, wireSamples } from './wire-samples.js';

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

interface Bound {
  /** Taken as they are. */
  readonly taken: readonly Value[];
  readonly refused: readonly Value[];
  /** Taken shortened: given, and how long it is then. */
  readonly cut?: readonly [string, number];
}

const absurd = 'x'.repeat(700_000);
const noText: readonly Value[] = [7, true, null, ['a'], { a: 1 }];
const noNumber: readonly Value[] = ['7', true, null, [7], { a: 7 }];
const nested = (depth: number): Value => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Value;

const text = (maxLength: number): Bound => ({
  taken: ['ä'.repeat(maxLength)],
  refused: ['ä'.repeat(maxLength + 1), absurd, ...noText],
});
const cut = (maxLength: number): Bound => ({
  taken: ['ä'.repeat(maxLength)],
  refused: noText,
  cut: [absurd, maxLength],
});
const choice: Bound = { taken: [], refused: ['other', '', absurd, ...noText] };
/** As a part of a subject the id must be the same there. */
const id: Bound = {
  taken: [],
  refused: ['', 'a/b', 'a.b', 'ä', '\u0430', 'x'.repeat(129), absurd, ...noText],
};
const ownId: Bound = { ...id, taken: ['x'.repeat(128), 'A_-9'] };
const commandId: Bound = { ...id, refused: id.refused.filter((value) => value !== 'a/b'), taken: ['a/b'] };
const count: Bound = { taken: [1, 9_007_199_254_740_991], refused: [0, -1, 1.5, 9e15 + 2e15, ...noNumber] };
const instant: Bound = { taken: [0, 8.64e15], refused: [-1, 0.5, 8.64e15 + 2, 1e300, ...noNumber] };
/** Of a worker's clock: put right by whoever receives it, and so never a reason to lose a result. */
const claimed: Bound = { taken: [-1, 0.5, 9e15, 1e300], refused: noNumber };
const anything: Bound = { taken: [null, 1, 'x', nested(600)], refused: [] };
const callers: Bound = { taken: [null, nested(63)], refused: [nested(64), nested(1_500)] };
const name: Bound = { ...text(maxNameLength), refused: ['', ...text(maxNameLength).refused] };
const actor: Bound = {
  taken: [`user:${'a'.repeat(128)}`, 'service:ci-7'],
  refused: [`user:${'a'.repeat(129)}`, 'user:Alice', 'user:\u0430lice', 'team:sre', '', absurd, ...noText],
};
const source: Bound = { taken: [absurd, ''], refused: noText };
const error: Readonly<Record<string, Bound>> = {
  code: cut(100),
  message: cut(8_000),
  retryable: { taken: [true, false], refused: ['true', 1, null] },
  details: anything,
};

const fields: Readonly<Record<string, Bound>> = {
  type: choice,
  mode: choice,
  ok: { taken: [], refused: [true, 'false', 0, null] },
  decision: choice,
  runId: id,
  workspace: id,
  stepId: id,
  beginning: id,
  replaces: id,
  approvalId: id,
  signalId: ownId,
  childRunId: ownId,
  commandId,
  actor,
  issuedAt: instant,
  startedAt: claimed,
  finishedAt: claimed,
  attempt: count,
  depth: count,
  maxFamilyRuns: count,
  workflowVersion: count,
  workflowId: name,
  name,
  signal: name,
  input: callers,
  payload: callers,
  data: callers,
  output: anything,
  reason: text(maxReasonLength),
  comment: text(maxCommentLength),
  idempotencyKey: text(maxIdempotencyKeyLength),
  deadLetterId: text(1_000),
  claim: text(200),
  worker: { ...cut(200), taken: ['step-worker-vm.example:7'] },
  source,
};

/** Where a field of that name is another than elsewhere. */
const special: Readonly<Record<string, Readonly<Record<string, Bound>>>> = {
  'judged-approval.refusal': { code: cut(100), message: cut(4_000) },
  deadletter: {
    id: text(1_000),
    stream: text(128),
    consumer: text(128),
    subject: text(1_000),
    code: choice,
    reason: cut(4_000),
    deliveryCount: { ...count, refused: count.refused.filter((value) => value !== 0) },
    payloadBytes: { ...count, refused: count.refused.filter((value) => value !== 0) },
    at: instant,
    reportedBy: { taken: ['worker-1.example'], refused: ['', 'a b', '\u0430', 'x'.repeat(129), ...noText] },
    payload: {
      taken: [Buffer.alloc(maxDeadLetterPayloadBytes).toString('base64')],
      refused: [Buffer.alloc(maxDeadLetterPayloadBytes + 3).toString('base64'), '*', ...noText],
    },
  },
};

type Path = readonly string[];

const boundOf = (sample: string, path: Path): Bound | undefined => {
  const field = path.at(-1) ?? '';
  if (path.length > 1 && path.at(-2) === 'error') return error[field];
  if (field === 'commandId' && sample.startsWith('catalog-')) return id;
  return special[sample]?.[field] ?? fields[field];
};

const whole = new Set(['input', 'payload', 'data', 'output', 'details']);

/** Every place of a message where a value stands. */
const placesIn = (value: Value, path: Path = []): readonly Path[] => {
  if (value === null || typeof value !== 'object' || whole.has(path.at(-1) ?? '')) return [path];
  if (Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => placesIn(part as Value, [...path, key]));
};

const put = (value: Value, [key, ...rest]: Path, part: Value): Value =>
  key === undefined
    ? part
    : { ...(value as object), [key]: put((value as Record<string, Value>)[key] ?? null, rest, part) };
const get = (value: unknown, path: Path): unknown =>
  path.reduce((at, key) => (at as Record<string, unknown>)[key], value);

const decoded = (each: WireSample, message: Value): unknown =>
  each.decode({
    subject: each.written.subject,
    text: JSON.stringify(message),
    version: each.written.headers[headers.version] as string,
  });

/** What others send: not the tasks that only the orchestrator makes, and not its events. */
const ofOthers = wireSamples.filter(
  ({ name: sample }) => !/^(event-|task-for-|approval-request)/.test(sample),
);

describe.each(ofOthers)('$name', (each) => {
  const message = JSON.parse(each.written.data) as Value;

  test.each(placesIn(message).map((path) => ({ path, place: path.join('.') })))(
    'is bounded at $place',
    ({ path }) => {
      const bound = boundOf(each.name, path);
      if (bound === undefined) throw new Error('nobody has said what may stand here');
      for (const value of bound.taken)
        expect(get(decoded(each, put(message, path, value)), path), `takes ${shown(value)}`).toEqual(value);
      for (const value of bound.refused)
        expect(() => decoded(each, put(message, path, value)), `refuses ${shown(value)}`).toThrow(
          ContractError,
        );
      if (bound.cut === undefined) return;
      const [given, length] = bound.cut;
      expect(get(decoded(each, put(message, path, given)), path)).toHaveLength(length);
    },
  );
});

const shown = (value: Value): string => JSON.stringify(value).slice(0, 60);
