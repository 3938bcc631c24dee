/** What is too large: definitions, refusals that quote, results. The failure hits who caused it. */
import { runs } from '../client.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { type State, step, workflow } from '../workflows.js';
import { attack, endOfRun, expectStatus, put, startAttack } from './attack.js';

const kib = 1_024;

/** Documented: a definition may have so many bytes of text. */
const maxDefinitionBytes = 384 * kib;
/** Of one state, with what is around its text. */
const stateBytes = 1_000;

/** Of about so many bytes, by many states; of quotation marks, which take twice the room in a message. */
const bigDefinition = (id: string, bytes: number): string => {
  const one = (index: number): State => ({
    name: `s${index}`,
    type: 'inject',
    data: { text: '"'.repeat(450) },
    resultPath: 'last',
  });
  const states = Array.from({ length: Math.floor(bytes / stateBytes) }, (_, index) => one(index));
  return workflow(id, [...states, step('worker')]);
};

const definitions = attack({
  name: 'big-definition',
  promise:
    'a valid definition of up to the documented limit is stored and runs; beyond, it is refused; nothing stops',
  act: async (stage) => {
    for (const [id, size] of [
      ['big-300', 300 * kib],
      ['big-380', 380 * kib],
      ['big-530', 530_000],
      ['big-900', 900 * kib],
      ['big-1300', 1_300 * kib],
    ] as const) {
      const source = bigDefinition(id, size);
      const answer = await stage.client.request('POST', '/api/v1/workflows', {
        body: source,
        timeoutMs: 60_000,
      });
      stage.findings.figure(`definition of ${source.length} bytes`, answer?.status ?? 'no answer');
      const isAllowed = source.length <= maxDefinitionBytes;
      expectStatus(stage, `a definition of ${source.length} bytes`, answer, [isAllowed ? 201 : 413]);
      if (answer?.status !== 201) continue;
      const run = await endOfRun(stage, await startAttack(stage, id));
      stage.findings.expect(
        run?.status === 'COMPLETED',
        'a definition that was stored can be run',
        `${run?.status}`,
      );
    }
  },
});

const enumOf = (count: number, length: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${index}`.padStart(length, 'v'));

const quotes = attack({
  name: 'quoted-enum',
  promise: 'a small request whose refusal would quote a large schema is refused briefly',
  act: async (stage) => {
    const choice = { enum: enumOf(2_000, 100) };
    const properties = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, choice]));
    const taken = await put(
      stage,
      workflow('quoting', [step('worker')], {
        inputSchema: {
          $defs: { choice },
          type: 'object',
          properties: Object.fromEntries(
            Object.keys(properties).map((name) => [name, { $ref: '#/$defs/choice' }]),
          ),
        },
      }),
    );
    if (!taken) return;
    const input = { a: 1, b: 1, c: 1, d: 1, e: 1 };
    for (let count = 0; count < 5; count += 1) {
      const answer = await stage.client.request('POST', runs, { body: { workflow: 'quoting', input } });
      expectStatus(stage, 'an input that does not keep a large schema', answer, [400, 422]);
      const length = JSON.stringify(answer?.body ?? '').length;
      stage.findings.expect(length < 64 * kib, 'a refusal is brief', `${length} characters`);
    }
  },
});

const grow = (kilobytes: number): string => `"x" * ${kilobytes * kib}`;

const results = attack({
  name: 'large-result',
  promise: 'a result over the limit fails the state that made it, and nobody else',
  act: async (stage) => {
    const large: State = { name: 'large', type: 'transform', expression: grow(1_230), resultPath: 'big' };
    const wait: State = { name: 'rest', type: 'wait', seconds: 1 };
    const after = (id: string, before: State): string => workflow(id, [before, large, step('never')]);
    const parts: readonly (readonly [string, string])[] = [
      ['after-step', after('after-step', step('fine'))],
      ['after-wait', after('after-wait', wait)],
      ['at-once', workflow('at-once', [large, step('never')])],
      // A message could carry it.
      ['over', workflow('over', [{ ...large, expression: grow(700) }, step('never')])],
      [
        'as-output',
        workflow('as-output', [...pieces(3), step('fine')], {
          output: { all: ['{{ p0 }}', '{{ p1 }}', '{{ p2 }}'] },
        }),
      ],
    ];
    for (const [id, source] of parts) {
      if (!(await put(stage, source))) continue;
      const runId = await startAttack(stage, id);
      const run = await endOfRun(stage, runId);
      stage.findings.figure(`${id} ends`, `${run?.status} ${run?.error?.code ?? ''}`);
      const isBlamed = run?.status === 'FAILED' && run.error?.code === 'PAYLOAD_TOO_LARGE';
      stage.findings.expect(
        isBlamed,
        'a result over the limit is PAYLOAD_TOO_LARGE',
        `${id}: ${run?.status} ${run?.error?.code}`,
      );
      await judgeInnocentSteps(stage, id, runId);
    }
    await judgeCaught(stage, large);
  },
});

/** A failure of the state, that its author may take: not of the run, which a message that cannot be sent would cost. */
const judgeCaught = async (stage: Stage, large: State): Promise<void> => {
  const taken: State = { ...large, catch: [{ errors: ['PAYLOAD_TOO_LARGE'], next: 'small' }], next: 'small' };
  if (!(await put(stage, workflow('caught', [taken, step('small')])))) return;
  const run = await endOfRun(stage, await startAttack(stage, 'caught'));
  stage.findings.expect(
    run?.status === 'COMPLETED',
    'a result over the limit can be caught',
    `${run?.status} ${run?.error?.message}`,
  );
};

const pieces = (count: number): State[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `piece${index}`,
    type: 'transform',
    expression: grow(400),
    resultPath: `p${index}`,
  }));

const judgeInnocentSteps = async (stage: Stage, id: string, runId: string | undefined): Promise<void> => {
  const answer = await stage.client.request('GET', `${runs}/${runId}`);
  const steps: readonly { state: string; status: string }[] =
    answer?.body?.steps?.items ?? answer?.body?.steps ?? [];
  const fine = steps.find(({ state }) => state === 'fine' || state === 'rest');
  stage.findings.expect(
    fine === undefined || fine.status === 'SUCCEEDED',
    'a step that succeeded stays so',
    `${id}: ${fine?.state} is ${fine?.status}`,
  );
};

const inputs = attack({
  name: 'large-input',
  promise: 'an input over the limit is 413 with the limit, JSON nested too deep is 400',
  act: async (stage) => {
    const large = await stage.client.request('POST', runs, {
      body: { workflow: 'linear', input: { text: 'x'.repeat(700 * kib) } },
    });
    expectStatus(stage, 'an input of 700 KiB', large, [413]);
    const depth = 4_500;
    const deep = `{"workflow":"linear","input":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const headers = { 'content-type': 'application/json' };
    expectStatus(
      stage,
      'JSON nested 4,500 deep',
      await stage.client.request('POST', runs, { body: deep, headers }),
      [400],
    );
    for (const [what, text] of [
      ['1e400', '{"workflow":"linear","input":{"a":1e400}}'],
      ['23 digits', '{"workflow":"linear","input":{"a":12345678901234567890123}}'],
      ['a key twice', '{"workflow":"linear","input":{"a":1,"a":2}}'],
    ] as const)
      expectStatus(
        stage,
        `an input with ${what}`,
        await stage.client.request('POST', runs, { body: text, headers }),
        [400],
      );
  },
});

export const sizes: readonly Scenario[] = [definitions, quotes, results, inputs];
