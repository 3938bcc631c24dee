import { decodeEvent, maxDeadLetterPayloadBytes, type StepTask } from '@signalbox/protocol';
import { eventually } from '@signalbox/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogStore } from '../src/store/log-store.js';
import { encodeDeadLetter } from '../src/wire/event-codec.js';
import { step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
  await world.putWorkflow(workflow('one', [step('only')]));
});
afterEach(() => world.close());

const report = (task: StepTask, payload: string, kind = 'step'): Parameters<TestWorld['deliver']>[0] =>
  world.message('wf.task.deadletter.default', {
    id: 'WORKFLOW_TASKS/77',
    workspace: 'default',
    stream: 'WORKFLOW_TASKS',
    subject: `wf.task.${kind}.default.${task.runId}.${task.stepId}`,
    consumer: 'step-worker',
    deliveryCount: 5,
    code: 'POISON_MESSAGE',
    reason: 'delivered 5 times',
    reportedBy: 'worker-1',
    at: world.clock.now(),
    payload: Buffer.from(payload.slice(0, maxDeadLetterPayloadBytes)).toString('base64'),
    payloadBytes: payload.length,
  });

const failureOf = (runId: string) =>
  world.bus.events.find((event) => event.runId === runId && event.data.type === 'step.failed')?.data;

const recorded = (): number =>
  world.bus.events.filter(({ data }) => data.type === 'deadletter.recorded').length;

describe('a message that the server refuses for good', () => {
  test('is a dead letter that everybody sees; its step fails, the others go on, and no restart sends it again', async () => {
    world.bus.refuses = ({ subject }) => subject.startsWith('wf.task.step.') && subject.includes('run-1');
    await world.deliver(world.start('run-1', 'one'), world.start('run-2', 'one'));
    await eventually(() => recorded() === 1, { describe: 'the dead letter is announced' });
    expect(world.bus.events.find(({ data }) => data.type === 'deadletter.recorded')?.data).toMatchObject({
      deadLetter: { code: 'UNSENDABLE', reason: 'larger than the server takes', stream: 'WORKFLOW_TASKS' },
    });
    expect(world.count('dead_letters')).toBe(1);
    expect(world.row('run-1').status).toBe('FAILED');
    expect(failureOf('run-1')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
    await world.workAll();
    expect(world.row('run-2').status).toBe('COMPLETED');
    world.crash();
    await world.open();
    expect(world.count('dead_letters')).toBe(1);
    expect(world.failures).toEqual([]);
  });

  test('ends nothing where its own dead letter is refused, too', async () => {
    world.bus.refuses = ({ subject }) => /^wf\.(task\.step|event\.deadletter)\./.test(subject);
    await world.deliver(world.start('run-1', 'one'));
    expect(world.count('dead_letters')).toBe(1);
    expect(world.row('run-1').status).toBe('FAILED');
    expect(world.failures).toEqual([]);
  });
});

describe('garbage', () => {
  test('on each subject that is consumed becomes a dead letter and spoils none of its batch', async () => {
    const good = world.start('run-1', 'one');
    const garbage = [
      world.message('wf.task.run.default.run-1', 'not json'),
      world.message('wf.task.run.default.run-1', { type: 'start', runId: 'run-2' }),
      world.message('wf.task.resume.approval.default.run-1', new Uint8Array([0xff, 0xfe, 0x00])),
      world.message('wf.task.resume.approval.default.run-1', '{"type":"step.succeeded"}'),
      world.message('wf.task.catalog.default.c1', '[]'),
      world.message('wf.task.deadletter.default', '7'),
      world.message('wf.task.nonsense', '{}'),
    ];
    await world.deliver(...garbage.slice(0, 3), good, ...garbage.slice(3));
    expect(garbage.map(({ answer }) => answer)).toEqual(garbage.map(() => 'term'));
    expect(good.answer).toBe('ack');
    expect(world.row('run-1').status).toBe('RUNNING');
    expect(world.count('dead_letters')).toBe(garbage.length);
    expect(recorded()).toBe(garbage.length);
    expect(world.failures).toEqual([]);
  });

  test('on the subject of a step does not end the step', async () => {
    await world.deliver(world.start('run-1', 'one'));
    await world.deliver(report(world.takeStep(), 'garbage'));
    expect(recorded()).toBe(1);
    expect(world.row('run-1').status).toBe('RUNNING');
  });
});

describe('a message on a subject that is longer than a dead letter may say', () => {
  const subject = `wf.task.run.default.${'A'.repeat(3_000)}`;
  const letters = () =>
    world.bus.events.flatMap(({ data }) => (data.type === 'deadletter.recorded' ? [data.deadLetter] : []));

  test('is a dead letter that readers take, and that says that its subject was cut', async () => {
    await world.deliver(world.message(subject, '{}'));
    expect(letters()).toHaveLength(1);
    const [letter] = letters();
    expect(letter?.subject).toMatch(/^wf\.task\.run\.default\.A+ … \(the beginning of 3020 characters\)$/);
    expect(letter?.subject).toHaveLength(1_000);
    expect(world.failures).toEqual([]);
  });

  test('is never retried, as another subject as little as on its own', async () => {
    // Cut where a token ends, this is the subject of a run.
    const long = `wf.task.run.default.run-1${'.own'.repeat(1_000)}`;
    await world.deliver(world.message(long, JSON.stringify({ type: 'pause' })));
    const before = world.bus.tasks.length;
    await world.deliver(
      world.catalog({ type: 'retry_dead_letter', deadLetterId: letters()[0]?.id ?? 'none' }),
    );
    expect(world.bus.events.at(-1)?.data).toMatchObject({ code: 'DEAD_LETTER_CUT' });
    expect(world.bus.tasks).toHaveLength(before);
  });

  test('is published so that readers take it where an earlier release has kept the subject whole', async () => {
    await world.deliver(world.message(subject, '{}'));
    world.sql.prepare('UPDATE dead_letters SET subject = ?').run(subject);
    const [row] = createLogStore(world.sql).deadLettersBehind(0, 1);
    if (row === undefined) throw new Error('there is one');
    const { subject: on, data } = encodeDeadLetter(row.report);
    expect(decodeEvent({ subject: on, text: data }).data).toMatchObject({ deadLetter: letters()[0] });
  });
});

describe('a step task that nobody could handle', () => {
  test('fails its step, and is recorded once', async () => {
    await world.deliver(world.start('run-1', 'one'));
    const task = world.takeStep();
    await world.deliver(report(task, JSON.stringify(task)), report(task, JSON.stringify(task)));
    expect(recorded()).toBe(1);
    const failed = world.eventsOf('run-1').find(({ data }) => data.type === 'step.failed');
    expect(failed?.data).toMatchObject({ error: { code: 'POISON_MESSAGE' } });
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('fails its step although the report holds only the beginning of the payload', async () => {
    const echo =
      '  - { name: echo, type: operation, action: agent.run, input: { agent: worker, task: "{{ ctx.text }}" }, end: true }';
    await world.putWorkflow(workflow('echo', [echo]));
    await world.deliver(world.start('run-1', 'echo', { text: 'x'.repeat(200_000) }));
    const sent = world.bus.take('wf.task.evaluate.')?.text ?? '';
    await world.deliver(report(JSON.parse(sent) as StepTask, sent, 'evaluate'));
    expect(world.row('run-1').status).toBe('FAILED');
  });

  test('with a forged claim fails nothing', async () => {
    await world.deliver(world.start('run-1', 'one'));
    const task = world.takeStep();
    await world.deliver(report(task, JSON.stringify({ ...task, claim: 'x'.repeat(43) })));
    expect(world.row('run-1').status).toBe('RUNNING');
  });
});

describe('an operator', () => {
  const ends = (): object[] =>
    world.bus.events
      .map(({ data }) => data)
      .filter(({ type }) => /^catalog\.(dead_letter|command_re)/.test(type));
  const act = (type: 'retry_dead_letter' | 'drop_dead_letter', deadLetterId = 'WORKFLOW_TASKS/77') =>
    world.deliver(world.catalog({ type, deadLetterId }));

  test('retries a message that is kept whole: it goes out once more and says so, once', async () => {
    await world.deliver(world.start('run-1', 'one'));
    const task = world.takeStep();
    await world.deliver(report(task, JSON.stringify(task)));
    await act('retry_dead_letter');
    expect(ends()).toEqual([
      { type: 'catalog.dead_letter_retried', actor: 'user:alice', deadLetterId: 'WORKFLOW_TASKS/77' },
    ]);
    const sent = world.bus.tasks.at(-1);
    expect(sent?.subject).toBe(`wf.task.step.default.${task.runId}.${task.stepId}`);
    expect(JSON.parse(sent?.text ?? '')).toEqual(task);
    expect(sent?.headers['signalbox-repeated']).toBe('1');
    await act('retry_dead_letter');
    expect(ends().at(-1)).toMatchObject({ code: 'DEAD_LETTER_ENDED' });
  });

  test('retries an event that was too large for the server, whole, when that takes it', async () => {
    const text = 'x'.repeat(200_000);
    world.bus.refuses = ({ subject, data }) => subject.startsWith('wf.event.run.') && data.length > 100_000;
    await world.deliver(world.start('run-1', 'one', { text }));
    await eventually(() => recorded() === 1, { describe: 'the dead letter is announced' });
    const id = 'unsent/default/run-1/1';
    world.bus.refuses = () => false;
    await act('retry_dead_letter', id);
    expect(ends().at(-1)).toEqual({
      type: 'catalog.dead_letter_retried',
      actor: 'user:alice',
      deadLetterId: id,
    });
    expect(world.bus.events.find(({ id: sent }) => sent === 'default/run-1/1')?.data).toMatchObject({
      type: 'run.started',
      input: { text },
    });
  });

  test('is refused a retry of what was cut, of what nothing proves, and of what is not there; a drop is not', async () => {
    await world.deliver(world.start('run-1', 'one'));
    const task = world.takeStep();
    await world.deliver(report(task, JSON.stringify({ ...task, input: 'x'.repeat(200_000) })));
    await act('retry_dead_letter');
    expect(ends().at(-1)).toMatchObject({ code: 'DEAD_LETTER_CUT' });
    await act('drop_dead_letter');
    expect(ends().at(-1)).toMatchObject({ type: 'catalog.dead_letter_dropped' });
    await act('retry_dead_letter', 'WORKFLOW_TASKS/99');
    expect(ends().at(-1)).toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' });
    const command = JSON.stringify({ type: 'approve', actor: 'user:boss' });
    const forged = report(task, command);
    const body = JSON.parse(Buffer.from(forged.data).toString());
    for (const [id, more] of Object.entries({
      made: { subject: 'wf.task.approval.decision.default.run-1.a1' },
      foreign: { subject: `wf.task.step.other.${task.runId}.${task.stepId}` },
    })) {
      await world.deliver(world.message('wf.task.deadletter.default', { ...body, ...more, id }));
      await act('retry_dead_letter', id);
      expect(ends().at(-1)).toMatchObject({ code: 'DEAD_LETTER_UNPROVEN' });
    }
  });

  test('is not fooled by a report under the name of the orchestrator', async () => {
    const body = {
      ...JSON.parse(Buffer.from(report({ runId: 'r', stepId: 's' } as StepTask, '{}').data).toString()),
      reportedBy: 'orchestrator',
    };
    await world.deliver(world.message('wf.task.deadletter.default', body));
    await act('retry_dead_letter');
    expect(ends().at(-1)).toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' });
  });
});

test('a dead letter belongs to its workspace: the id that one reports hides none of another', async () => {
  await world.deliver(world.start('run-1', 'one'));
  const task = world.takeStep();
  const own = report(task, 'garbage');
  const body = {
    ...JSON.parse(Buffer.from(own.data).toString()),
    workspace: 'other',
    subject: 'wf.task.step.other.r.s',
  };
  await world.deliver(own, world.message('wf.task.deadletter.other', body));
  expect(world.sql.prepare('SELECT workspace, id FROM dead_letters ORDER BY position').all()).toEqual([
    { workspace: 'default', id: 'WORKFLOW_TASKS/77' },
    { workspace: 'other', id: 'WORKFLOW_TASKS/77' },
  ]);
  expect(recorded()).toBe(2);
});

describe('a run that stops the process', () => {
  /** The process would end; the next one starts on the same database. */
  const crashOn = async (runId: string): Promise<void> => {
    await world.handle([world.command<'pause'>({ type: 'pause', runId })]);
    expect(world.failures).toHaveLength(1);
    world.failures.length = 0;
    world.crash();
    await world.open();
  };

  test('is counted, and left alone after the third time, while others go on', async () => {
    await world.deliver(world.start('bad', 'one'), world.start('good', 'one'));
    world.sql.prepare("UPDATE workflow_runs SET seq = 99 WHERE run_id = 'bad'").run();
    world.crash();
    await world.open();
    for (let count = 0; count < 3; count += 1) await crashOn('bad');
    expect(world.sql.prepare('SELECT run_key, count FROM run_crashes').all()).toEqual([
      { run_key: 'default/bad', count: 3 },
    ]);
    const pause = world.command<'pause'>({ type: 'pause', runId: 'bad' });
    const other = world.command<'pause'>({ type: 'pause', runId: 'good' });
    await world.deliver(pause, other);
    expect(world.failures).toEqual([]);
    expect([pause.answer, other.answer]).toEqual(['ack', 'ack']);
    expect(world.row('good').status).toBe('PAUSED');
    expect(recorded()).toBe(1);
    expect(world.logLines.some((line) => line.includes('quarantined'))).toBe(true);
    const said = world.bus.events.filter(({ data }) => data.type === 'deadletter.run_quarantined');
    expect(said.map(({ data }) => data)).toMatchObject([{ runId: 'bad', reason: expect.any(String) }]);
  });

  test('is released: what was set aside for it is handled in its order, and its timers go on', async () => {
    await world.deliver(world.start('bad', 'one'));
    world.sql.prepare("UPDATE workflow_runs SET seq = 99 WHERE run_id = 'bad'").run();
    world.crash();
    await world.open();
    for (let count = 0; count < 3; count += 1) await crashOn('bad');
    await world.deliver(world.command<'pause'>({ type: 'pause', runId: 'bad' }));
    await world.deliver(world.command<'cancel'>({ type: 'cancel', runId: 'bad' }));
    // What made it crash is mended, by a newer release of the orchestrator.
    world.sql
      .prepare(
        "UPDATE workflow_runs SET seq = (SELECT max(seq) FROM workflow_run_events) WHERE run_id = 'bad'",
      )
      .run();
    const before = world.bus.tasks.length;
    const release = world.command<'release'>({ type: 'release', runId: 'bad' });
    await world.deliver(release);
    expect(release.answer).toBe('ack');
    expect(world.sql.prepare('SELECT count(*) FROM run_crashes').pluck().get()).toBe(0);
    const again = world.bus.tasks
      .slice(before)
      .map(({ subject, text }) => ({ subject, type: (JSON.parse(text) as { type: string }).type }));
    expect(again).toEqual([
      { subject: expect.stringContaining('bad'), type: 'pause' },
      { subject: expect.stringContaining('bad'), type: 'cancel' },
    ]);
    const pause = world.command<'pause'>({ type: 'pause', runId: 'bad' });
    await world.deliver(pause);
    expect(world.row('bad').status).toBe('PAUSED');
  });

  test('cannot be released when it is not quarantined, and is told so', async () => {
    await world.deliver(world.start('good', 'one'));
    await world.deliver(world.command<'release'>({ type: 'release', runId: 'good' }));
    const refused = world.bus.events.filter(({ data }) => data.type === 'run.command_refused');
    expect(refused.map(({ data }) => data)).toMatchObject([
      { command: 'release', code: 'RUN_NOT_QUARANTINED' },
    ]);
  });

  test('cannot be released when there is none, and that is said', async () => {
    await world.deliver(world.command<'release'>({ type: 'release', runId: 'nope' }));
    const refused = world.bus.events.filter(({ data }) => data.type === 'run.command_refused');
    expect(refused.map(({ data }) => data)).toMatchObject([{ command: 'release', code: 'RUN_NOT_FOUND' }]);
  });

  test('is innocent when it is the disk that is full', async () => {
    await world.deliver(world.start('good', 'one'));
    const pages = world.sql.pragma('page_count', { simple: true }) as number;
    world.sql.pragma(`max_page_count = ${pages}`);
    const reason = 'x'.repeat(200_000);
    await world.handle([world.command<'pause'>({ type: 'pause', runId: 'good', reason })]);
    expect(world.failures).toMatchObject([{ code: 'SQLITE_FULL' }]);
    world.crash();
    await world.open();
    expect(world.sql.prepare('SELECT count(*) FROM run_crashes').pluck().get()).toBe(0);
  });
});
