import { describe, expect, test } from 'vitest';
import { isPlainResult, isPlainTask } from '../src/plain-shapes.js';
import { resumeSchemas } from '../src/resume-message.js';
import { stepTask } from '../src/step-task.js';

const result: Record<string, unknown> = {
  type: 'step.succeeded',
  workspace: 'acme',
  runId: 'run-1',
  stepId: 'step-1',
  attempt: 1,
  claim: 'Y2xhaW0',
  worker: 'worker-1',
  startedAt: 1,
  finishedAt: 2,
  output: { ok: true },
};

const task: Record<string, unknown> = {
  runId: 'run-1',
  stepId: 'step-1',
  attempt: 1,
  claim: 'Y2xhaW0',
  workspace: 'acme',
  workflow: { id: 'deploy', version: 3 },
  scope: '',
  state: 'plan',
  action: 'agent.run',
  input: { service: 'api' },
  agent: null,
  outputValidation: 'warn',
  scheduledAt: 1_700_000_000_000,
  timeoutMs: 60_000,
  idempotencyKey: 'acme:run-1:step-1:1',
};

const absent = Symbol('absent');
const odd: readonly unknown[] = [
  absent,
  ...[null, true, false, 0, -0, -1, 1.5, 7, 2 ** 53 - 1, 2 ** 53, 1e308, Number.POSITIVE_INFINITY],
  ...[8_640_000_000_000_000, 8_640_000_000_000_001],
  ...[
    '',
    ' ',
    'x',
    'a b',
    'a.b',
    'a/b',
    'a@b:c',
    'ä',
    'a\n',
    '\u202e',
    '\u0000',
    'step.succeeded',
    'warn',
    'strict',
  ],
  ...['a'.repeat(128), 'a'.repeat(129), 'a'.repeat(200), 'a'.repeat(201), 'ä'.repeat(200)],
  ...[
    [],
    ['a'],
    {},
    [{}],
    { id: 'a', version: 1 },
    { id: 'a', version: 1.5 },
    { id: 'a', version: 1, more: 1 },
  ],
  ...[{ id: 1, version: 1 }, { constructor: 'x' }],
  JSON.parse('{"__proto__":{"a":1}}'),
];

const withValue = (message: Record<string, unknown>, name: string, value: unknown) => {
  const changed = { ...message };
  if (value === absent) delete changed[name];
  else changed[name] = value;
  return changed;
};

describe.each([
  { what: 'a result', good: result, isPlain: isPlainResult, schema: resumeSchemas['resume.step'] },
  { what: 'a task', good: task, isPlain: isPlainTask, schema: stepTask },
])('$what is taken by hand only where its schema gives back the very same', ({ good, isPlain, schema }) => {
  const names = [...Object.keys(good), 'warnings', 'unknown', 'constructor'];
  const judged = (message: Record<string, unknown>): 'taken' | 'left' => {
    if (!isPlain(message)) return 'left';
    const parsed = schema.safeParse(message);
    expect(parsed.success, JSON.stringify(message)).toBe(true);
    expect(parsed.data, JSON.stringify(message)).toEqual(message);
    expect(Object.keys(parsed.data ?? {}).sort()).toEqual(Object.keys(message).sort());
    return 'taken';
  };

  test('each odd value in each place, alone and beside another', () => {
    const few = odd.filter((_, index) => index % 7 === 0);
    const counts = { taken: 0, left: 0 };
    for (const name of names) {
      for (const value of odd) {
        const once = withValue(good, name, value);
        counts[judged(once)] += 1;
        for (const other of names)
          for (const second of few) counts[judged(withValue(once, other, second))] += 1;
      }
    }
    expect(counts.taken).toBeGreaterThan(100);
    expect(counts.left).toBeGreaterThan(1_000);
  });

  test('the usual message is taken, and what is no object is not', () => {
    expect(judged(good)).toBe('taken');
    for (const value of odd) expect(isPlain(value)).toBe(false);
  });
});
