/** Work that somebody orders and everybody would pay for: expressions, loops, schemas, patterns, readers. */
import { fileURLToPath } from 'node:url';
import { runs } from '../client.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { inLine, step, workflow } from '../workflows.js';
import { attack, briefly, endOfRun, put, startAttack } from './attack.js';

const readersScript = fileURLToPath(new URL('../../dist/readers.js', import.meta.url));

/** The attack's extent: small in the project's tests. */
const isShort = (stage: Stage): boolean => stage.options.seconds < 10;

/** Near the limit of the fuel that an expression may cost, and far from that of its steps. */
const heavy =
  'def main(ctx):\n  n = 0\n  for i in range(200):\n    n += len(sorted(range(500, 0, -1)))\n  return n\n';

const expressions = attack({
  name: 'heavy-foreach',
  promise: 'a thousand heavy expressions in one run hold nobody else up',
  act: async (stage) => {
    const count = isShort(stage) ? 16 : 1_000;
    const items = Array.from({ length: count }, (_, index) => index);
    const iterator = inLine([{ name: 'think', type: 'transform', expression: heavy, resultPath: 'n' }]);
    const source = workflow('heavy', [
      { name: 'list', type: 'inject', data: { items }, resultPath: 'plan' },
      {
        name: 'each',
        type: 'foreach',
        itemsPath: 'plan.items',
        maxConcurrency: 50,
        iterator: { start: 'think', states: iterator },
      },
    ]);
    if (!(await put(stage, source))) return;
    const run = await endOfRun(stage, await startAttack(stage, 'heavy'), isShort(stage) ? 60 : 300);
    stage.findings.expect(
      run?.status === 'COMPLETED',
      'what is within the limits of an expression is evaluated',
      `${run?.status} ${run?.error?.code}: ${run?.error?.message}`,
    );
  },
});

const loops = attack({
  name: 'endless-loop',
  promise: 'a loop that never ends fails with its limit, and others take their turns meanwhile',
  act: async (stage) => {
    const source = workflow(
      'endless',
      [
        { name: 'set', type: 'inject', data: 1, resultPath: 'n' },
        { name: 'turn', type: 'switch', conditions: [{ if: 'n > 5', next: 'last' }], defaultNext: 'set' },
        step('last'),
      ],
      // Its end where the visits of a state are not counted: the limit of all runs is a hundred thousand.
      { maxEvents: 10_000 },
    );
    if (!(await put(stage, source))) return;
    const runIds = [await startAttack(stage, 'endless'), await startAttack(stage, 'endless')];
    for (const runId of runIds) {
      const run = await endOfRun(stage, runId);
      const isLimited = run?.error?.code === 'LIMIT_EXCEEDED' && run.error.message.includes('maxStateVisits');
      stage.findings.expect(
        isLimited,
        'an endless loop ends with LIMIT_EXCEEDED, by the visits of a state',
        `${run?.status} ${run?.error?.code}: ${run?.error?.message}`,
      );
      // So that the auditor need not wait for what never ends.
      if (run === undefined) await stage.client.request('POST', `${runs}/${runId}/cancel`, { body: {} });
    }
  },
});

const cancels = attack({
  name: 'wide-cancel',
  promise: 'a thousand items that begin at once, and end at once by a cancel, hold nobody else up',
  act: async (stage) => {
    const items = Array.from({ length: isShort(stage) ? 300 : 1_000 }, (_, index) => index);
    const iterator = inLine([{ name: 'rest', type: 'wait', seconds: 600 }]);
    const source = workflow('wide', [
      { name: 'list', type: 'inject', data: { items }, resultPath: 'plan' },
      {
        name: 'each',
        type: 'foreach',
        itemsPath: 'plan.items',
        maxConcurrency: items.length,
        iterator: { start: 'rest', states: iterator },
      },
    ]);
    if (!(await put(stage, source))) return;
    for (let count = 0; count < (isShort(stage) ? 1 : 10); count += 1) {
      const runId = await startAttack(stage, 'wide');
      await stage.within(60, 'all items of a wide run have begun', async () => {
        const run = await stage.client.request('GET', `${runs}/${runId}`);
        return run?.status === 200 && run.body.sequence > items.length;
      });
      await stage.client.request('POST', `${runs}/${runId}/cancel`, { body: {} });
      const run = await endOfRun(stage, runId);
      stage.findings.expect(run?.status === 'CANCELLED', 'a wide run is cancelled', `${run?.status}`);
      await judgeTurns(stage, runId);
    }
  },
});

/** Nothing that a machine's speed changes: a turn begins some tens of items, so that a wide run has yielded often. */
const judgeTurns = async (stage: Stage, runId: string | undefined): Promise<void> => {
  const leastCount = 5;
  const answer = await stage.client.request('GET', `${runs}/${runId}/events?limit=500`);
  const events: readonly { type: string }[] = answer?.body?.items ?? [];
  const count = events.filter(({ type }) => type.endsWith('run.yielded')).length;
  stage.findings.expect(
    count >= leastCount,
    `a wide run yields at least ${leastCount} times among its first events`,
    `${count} times among ${events.length}`,
  );
};

const schemas = attack({
  name: 'huge-enum',
  promise: 'an enum of tens of thousands of values against a long list holds nobody up',
  act: async (stage) => {
    const values = Array.from({ length: isShort(stage) ? 20_000 : 45_000 }, (_, index) => index);
    const inputSchema = { type: 'object', properties: { list: { type: 'array', items: { enum: values } } } };
    if (!(await put(stage, workflow('choosy', [step('worker')], { inputSchema })))) return;
    const last = values.length - 1;
    const list = Array.from({ length: isShort(stage) ? 30_000 : 80_000 }, () => last);
    for (let count = 0; count < 3; count += 1)
      await stage.client.request('POST', runs, {
        body: { workflow: 'choosy', input: { list } },
        timeoutMs: 60_000,
      });
  },
});

const patterns = attack({
  name: 'regex',
  promise: 'a pattern that explodes elsewhere runs in linear time',
  act: async (stage) => {
    const inputSchema = { type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' } } };
    if (!(await put(stage, workflow('matching', [step('worker')], { inputSchema })))) return;
    const times = isShort(stage) ? 5 : 50;
    for (let count = 0; count < times; count += 1) {
      const answer = await stage.client.request('POST', runs, {
        body: { workflow: 'matching', input: { text: `${'a'.repeat(40 + count)}!` } },
      });
      stage.findings.expect(
        answer?.status === 400 && JSON.stringify(answer.body).includes('must match pattern'),
        'a text that does not match is refused for that',
        () => briefly(answer),
      );
    }
  },
});

const maxShownSteps = 200;
const readerCount = 20;

/** The readers of `readers.ts`, to their end. */
const letRead = async (
  stage: Stage,
  args: readonly string[],
): Promise<{ readonly opened: number; readonly refused: number }> => {
  const { apiUrl } = stage.world;
  const { exited, lines } = stage.world.spawn(readersScript, 'readers', {}, [apiUrl, ...args]);
  await exited;
  const counts = lines.find((line) => line.startsWith('{'));
  if (counts === undefined) throw new Error(`the readers ended without a count:\n${lines.join('\n')}`);
  return JSON.parse(counts);
};

const readers = attack({
  name: 'many-readers',
  promise: 'a thousand readers of a stream and twenty of a large run leave the others alone',
  act: async (stage) => {
    const count = isShort(stage) ? 300 : 5_000;
    const items = Array.from({ length: count }, (_, index) => index);
    const iterator = inLine([
      { name: 'note', type: 'inject', data: { text: 'x'.repeat(50) }, resultPath: 'n' },
    ]);
    const large = workflow('large-run', [
      { name: 'list', type: 'inject', data: { items }, resultPath: 'plan' },
      {
        name: 'each',
        type: 'foreach',
        itemsPath: 'plan.items',
        maxConcurrency: 100,
        iterator: { start: 'note', states: iterator },
      },
    ]);
    if (!(await put(stage, large))) return;
    const runId = (await startAttack(stage, 'large-run')) ?? '';
    await endOfRun(stage, runId, 120);
    const shown = (await stage.client.request('GET', `${runs}/${runId}`))?.body?.steps ?? [];
    stage.findings.expect(
      shown.length > 0 && shown.length <= maxShownSteps,
      `a run is answered with its first ${maxShownSteps} steps at most`,
      `${shown.length}`,
    );
    const hearing = (await startAttack(stage, 'signal')) ?? '';
    const streamCount = isShort(stage) ? 200 : 1_000;
    const { opened, refused } = await letRead(stage, [
      `${runs}/${hearing}/stream`,
      `${streamCount}`,
      `${runs}/${runId}`,
      `${readerCount}`,
      `${stage.options.seconds}`,
    ]);
    stage.findings.figure('streams opened', opened);
    stage.findings.figure('streams refused in order', refused);
    stage.findings.expect(
      opened + refused === streamCount,
      'each of many streams is opened, or refused in order',
      `${opened} opened and ${refused} refused of ${streamCount}`,
    );
    await stage.client.signal(hearing, 'go-on');
  },
});

export const work: readonly Scenario[] = [expressions, loops, cancels, schemas, patterns, readers];
