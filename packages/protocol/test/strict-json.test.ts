/** What another party sends means the same to everybody, or is not taken. */
import { describe, expect, test } from 'vitest';
import {
  ContractError,
  decodeResumeMessage,
  decodeRunCommand,
  encodeApprovalJudgement,
  taskSubjects,
} from '../src/index.js';

const [workspace, runId, stepId] = ['acme', 'run-1', '3f2a9c01d4e5b678'];

const start = (input: string) => () =>
  decodeRunCommand({
    subject: taskSubjects.run(workspace, runId),
    text: `{"type":"start","commandId":"c-1","workspace":"acme","actor":"user:alice","issuedAt":1,"runId":"run-1","workflowId":"one","input":${input}}`,
  });

const result = (output: string, worker = 'worker-1') =>
  decodeResumeMessage({
    subject: taskSubjects.resumeStep(workspace, runId, stepId),
    text: `{"type":"step.succeeded","workspace":"acme","runId":"run-1","stepId":"${stepId}","attempt":1,"claim":"Y2xhaW0","worker":${JSON.stringify(worker)},"startedAt":1,"finishedAt":2,"output":${output}}`,
  });

const changed = [
  ['a key that stands twice', '{"a":1,"a":2}', /stands twice/],
  ['one that is written in two ways', '{"a":1,"\\u0061":2}', /stands twice/],
  ['one with a blank behind it', '{"a" :1,"a":2}', /stands twice/],
  ['one far down, beside a text that looks like a key', '{"t":"\\":","x":[{"a":{"b":1,"b":1}}]}', /twice/],
  ['a number that is no number', '{"n":1e400}', /larger than any/],
  ['one below', '{"n":[-1e400]}', /larger than any/],
  ['lost digits', '{"n":123456789012345678901234567890}', /lose digits/],
  ['a number that would become 0', '{"n":1e-400}', /lose digits/],
  ['half of a pair', '{"s":"\\ud800"}', /surrogate/],
  ['half of a pair in a key', '{"\\uDFFF":1}', /surrogate/],
  ['more nesting than anybody can walk', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /nested more than/],
] as const;

describe.each(changed)('%s', (_what, text, message) => {
  test('is refused in a command', () => {
    expect(start(text)).toThrow(ContractError);
    expect(start(text)).toThrow(message);
  });

  test('fails the step whose result it is, with a code that says so', () => {
    expect(result(text)).toMatchObject({
      type: 'step.failed',
      error: { code: 'INVALID_RESULT', message: expect.stringMatching(message), retryable: false },
    });
  });
});

test.each([
  '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
  '{ "a" : 1 , "b" : [ 1.5 , -0 , 0.1 ] }',
  '{"t":"a \\": 1e400 {\\"a\\":1,\\"a\\":1}"}',
  '{"n":[0.30000000000000004,1e21,5e-324,1.7976931348623157e308,9007199254740991,1.0,100000000000000000000]}',
  '{"s":"\\ud83d\\ude00","e":"😀"}',
  '{"__proto__":{"a":1},"constructor":1}',
  `{"long":"${'\\n'.repeat(200_000)}","n":1e5}`,
])('what means the same to everybody is taken: %.60s', (text) => {
  expect(result(text)).toMatchObject({ type: 'step.succeeded', output: JSON.parse(text) as object });
});

test('the name of a worker can neither move a terminal nor turn a text around', () => {
  expect(result('{}', '\u001b[2Jx\u202e\n{}')).toMatchObject({ worker: '__2Jx____' });
});

test('nobody but the platform speaks for the system, not even who judges approvals', () => {
  const { subject, data } = encodeApprovalJudgement({
    type: 'approval.decision',
    workspace,
    runId,
    commandId: 'c-1',
    approvalId: 'a-1',
    actor: 'user:bob',
    decision: 'approve',
  });
  const read = (text: string) => () => decodeResumeMessage({ subject, text });
  expect(read(data)).not.toThrow();
  expect(read(data.replace('user:bob', 'system:orchestrator'))).toThrow(ContractError);
});
