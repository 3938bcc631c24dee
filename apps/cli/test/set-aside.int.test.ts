/** What cannot be read, compiled or sent is set aside, shown to everybody and handled by operators; everything else goes on. */
import { createPublisher, openConnection } from '@signalbox/messaging';
import { busUsers, type EventEnvelope, encodeEvent, taskSubjects } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { eventually, query } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStores, orchestratorScript, type Stores } from './support/stores.js';
import { signalbox } from './support/tables-command.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores?.world.stop());

const workspace = 'default';

/** As somebody who may publish everything. */
const publish = async (messages: readonly { subject: string; id?: string; data: string }[]) => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const connection = await openConnection({ url: stores.world.natsUrl, name: 'test', logger });
  const publisher = createPublisher(connection, { deadlineMs: 2_000 });
  try {
    return await publisher.publishAll(messages);
  } finally {
    publisher.close();
    await connection.close();
  }
};

const ofRun = (runId: string, sequence: number, data: EventEnvelope['data']): EventEnvelope => ({
  id: `${workspace}/${runId}/${sequence}`,
  workspace,
  runId,
  sequence,
  at: Date.now(),
  data,
});

const started = (runId: string, workflow: string) => ({
  type: 'run.started' as const,
  runId,
  workflow: { id: workflow, version: 1, digest: 'digest' },
  workspace,
  input: {},
  startedBy: 'user:alice',
  pins: { agents: {} },
  limits: { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 },
  start: 'one',
});

const seer = '---\nmodel: scripted/test\nanswers:\n  - output: { ok: true }\n---\nSee.\n';
const asking = (id: string): string =>
  JSON.stringify({
    id,
    version: '1',
    name: id,
    states: [
      {
        name: 'one',
        type: 'operation',
        action: 'agent.run',
        input: { agent: 'seer', task: 'see' },
        end: true,
      },
    ],
  });

interface Letter {
  readonly id: string;
  readonly subject: string;
  readonly code: string;
  readonly outcome: string;
}
const letters = async (): Promise<readonly Letter[]> =>
  (await stores.world.call<{ items: Letter[] }>('GET', '/api/v1/dead-letters?limit=100')).items;

const quarantined = async (): Promise<readonly { runId: string; reason: string }[]> =>
  (await stores.world.call<{ items: { runId: string; reason: string }[] }>('GET', '/api/v1/quarantines'))
    .items;

const historyOf = async (runId: string): Promise<readonly string[]> =>
  (
    await stores.world.call<{ items: { type: string }[] }>('GET', `/api/v1/workflow-runs/${runId}/events`)
  ).items.map(({ type }) => type);

describe('a log that another release has written', () => {
  test('holds a definition and an agent that this one cannot compile: their runs are quarantined with the reason, the others go on', async () => {
    const { world } = stores;
    const standing = await stores.standing(1);
    await world.call('PUT', '/api/v1/agents/seer', seer);
    await world.call('POST', '/api/v1/workflows', asking('asks'));
    await world.stopOne('orchestrator');
    const [catalog] = query<{ seq: number }>(
      stores.file(),
      "SELECT max(seq) AS seq FROM catalog_events WHERE workspace = 'default'",
    );
    const sequence = (catalog?.seq ?? 0) + 1;
    const source = 'id: later\nstates: in words of a later release\n';
    await publish([
      encodeEvent({
        id: `catalog:default/${sequence}`,
        workspace,
        runId: null,
        sequence,
        at: Date.now(),
        data: {
          type: 'catalog.workflow_put',
          actor: 'user:alice',
          workflowId: 'later',
          version: 1,
          digest: 'digest',
          name: 'later',
          label: '1',
          source,
          warnings: [],
          changed: true,
        },
      }),
      encodeEvent({
        id: `catalog:default/${sequence + 1}`,
        workspace,
        runId: null,
        sequence: sequence + 1,
        at: Date.now(),
        data: {
          type: 'catalog.agent_put',
          actor: 'user:alice',
          name: 'seer',
          version: 2,
          digest: 'digest',
          source: 'in words of a later release',
          changed: true,
        },
      }),
      encodeEvent(ofRun('later-1', 1, started('later-1', 'later'))),
      encodeEvent(ofRun('asks-1', 1, { ...started('asks-1', 'asks'), pins: { agents: { seer: 2 } } })),
    ]);
    await world.start('orchestrator');
    await stores.finish(standing);
    await eventually(async () => (await quarantined()).some(({ runId }) => runId === 'later-1'));
    const reasonOf = async (id: string) => (await quarantined()).find(({ runId }) => runId === id)?.reason;
    expect(await reasonOf('later-1')).toMatch(
      /version 1 of workflow "later" does not compile in this release: .+line/,
    );
    const problem = /version 2 of agent "seer" does not compile in this release: .+line/;
    expect(await reasonOf('asks-1')).toMatch(problem);

    const start = world.call('POST', '/api/v1/workflow-runs', { workflow: 'later', input: {} });
    await expect(start).rejects.toThrow('WORKFLOW_UNUSABLE');
    const ask = world.call('POST', '/api/v1/workflow-runs', { workflow: 'asks', input: {} });
    await expect(ask).rejects.toThrow(/AGENT_UNUSABLE/);
    const another = world.call('POST', '/api/v1/workflows', asking('asks-too'));
    await expect(another).rejects.toThrow(/agent cannot be used: version 2 of agent .+ does not compile/);
  });

  test('and a run that is released before anybody can compile it is quarantined again, with what was set aside', async () => {
    const { world } = stores;
    const ask = { commandId: 'cancel-1', workspace, actor: 'user:alice', issuedAt: Date.now() };
    const cancel = JSON.stringify({ ...ask, type: 'cancel', runId: 'later-1' });
    await publish([{ subject: taskSubjects.run(workspace, 'later-1'), data: cancel }]);
    const isAside = ({ subject }: Letter) => subject === taskSubjects.run(workspace, 'later-1');
    await eventually(async () => (await letters()).some(isAside));
    expect((await signalbox(world, 'runs', 'release', 'later-1')).code).toBe(0);
    await eventually(async () => (await letters()).filter(isAside).length === 2);
    expect((await quarantined()).map(({ runId }) => runId)).toContain('later-1');
    expect(await historyOf('later-1')).toEqual(['run.started']);
    expect(world.launched.filter(({ label }) => label === 'orchestrator')).toHaveLength(2);
    expect((await signalbox(world, 'runs', 'release', 'no-such-run')).code).toBe(1);
  });

  test('lacks an event in the middle of a run: the start is refused, and goes on when the event has come', async () => {
    const { world } = stores;
    await world.stopOne('orchestrator');
    const facts = [
      started('gap-1', 'held'),
      { type: 'run.paused', actor: 'user:alice' },
      { type: 'run.resumed', actor: 'user:alice' },
    ] as const;
    const [first, second, third] = facts.map((data, index) => encodeEvent(ofRun('gap-1', index + 1, data)));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three events');
    await publish([first, third]);
    const refused = world.spawn(orchestratorScript, 'refused');
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('the log has event 3 of run default/gap-1');
    expect(query(stores.file(), "SELECT 1 FROM workflow_runs WHERE run_id = 'gap-1'")).toEqual([]);
    await publish([second]);
    await world.start('orchestrator');
    expect(await stores.statusesOf(['gap-1'])).toEqual(['RUNNING']);
    const whole = [...facts.map(({ type }) => type), 'step.scheduled'];
    await eventually(async () => (await historyOf('gap-1')).length >= whole.length, {
      describe: 'the run goes on',
    });
    // What was published, and the step that the run goes on with; then its worker may have ended it.
    expect((await historyOf('gap-1')).slice(0, whole.length)).toEqual(whole);
  });

  test('holds what is no event: a rebuild passes it over, one line each, and counts them', async () => {
    const { world } = stores;
    await world.stopOne('orchestrator');
    // Nobody can answer it meanwhile, and nothing says that it is done.
    const unanswered = signalbox(world, 'dead-letters', 'drop', 'WORKFLOW_TASKS/unanswered');
    const garbage = ['not json', '{}', '{"specversion":"1.0"}'];
    await publish(garbage.map((data) => ({ subject: 'wf.event.run.default.garbage', data })));
    const rebuilt = world.spawn(orchestratorScript.replace('main.js', 'rebuild.js'), 'rebuild', {}, [
      '--force',
    ]);
    expect(await rebuilt.exited).toMatchObject({ code: 0 });
    const said = rebuilt.lines.filter((line) => line.includes('cannot be read'));
    expect(said).toHaveLength(garbage.length + 1);
    expect(said.at(-1)).toContain(`passed over ${garbage.length} messages`);
    expect(rebuilt.lines.join('\n')).not.toMatch(/^\s+at /m);
    expect((await unanswered).stdout).toContain('is queued and not confirmed yet');
    await world.start('orchestrator');
    await stores.finish(await stores.standing(1));
  });
});

describe('a dead letter', () => {
  test('is dropped, or sent once more, by operators', async () => {
    const { world } = stores;
    const subject = taskSubjects.run(workspace, 'garbled');
    await publish([
      { subject, data: 'one' },
      { subject, data: 'two' },
    ]);
    const ofGarbled = async () => (await letters()).filter((each) => each.subject === subject);
    await eventually(async () => (await ofGarbled()).length === 2);
    const [one, two] = await ofGarbled();
    expect((await signalbox(world, 'dead-letters', 'drop', one?.id ?? '')).code).toBe(0);
    expect((await signalbox(world, 'dead-letters', 'retry', two?.id ?? '')).code).toBe(0);
    // What is wrong with it is wrong again.
    await eventually(async () => (await ofGarbled()).length === 3);
    const outcomes = (await ofGarbled()).map(({ outcome }) => outcome);
    expect(outcomes.toSorted()).toEqual(['dropped', 'kept', 'retried']);
    const again = await signalbox(world, 'dead-letters', 'retry', one?.id ?? '');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('DEAD_LETTER_ENDED');
    expect((await signalbox(world, 'dead-letters', 'drop', 'WORKFLOW_TASKS/no-such')).code).toBe(1);
  });

  test('is not what nobody consumes: the stream does not take it', async () => {
    await expect(publish([{ subject: 'wf.task.nobody.default.r1', data: '{}' }])).rejects.toThrow();
  });
});

describe('a server that takes less than the one before', () => {
  const kilobytes = 1_024;
  let large: { readonly runId: string };

  test('refuses what the log holds: that is set aside where everybody sees it, and the rest is published again', async () => {
    const { world } = stores;
    large = await world.call('POST', '/api/v1/workflow-runs', {
      workflow: 'held',
      input: { text: 'x'.repeat(300 * kilobytes) },
    });
    await stores.allBecome([large.runId], 'WAITING_SIGNAL');
    const small = await stores.standing(2);
    await world.killNats();
    await world.wipeNats();
    await world.nats.restart('nats-server', { maxPayload: 128 * kilobytes });
    await stores.isReady();
    const isSetAside = async () =>
      (await letters()).some(({ id }) => id === `unsent/${workspace}/${large.runId}/1`);
    await eventually(() => isSetAside().catch(() => false), {
      timeoutMs: 60_000,
      describe: 'the event that is too large is a dead letter',
    });
    await stores.finish(small);
  });

  test('refuses a definition to who puts it, and what is committed stays sendable', async () => {
    const { world } = stores;
    const definition = (id: string, bytes: number) =>
      JSON.stringify({
        id,
        version: '1',
        name: id,
        start: 'one',
        states: [{ name: 'one', type: 'inject', data: 'x'.repeat(bytes), end: true }],
      });
    await expect(
      world.call('POST', '/api/v1/workflows', definition('too-large', 126 * kilobytes)),
    ).rejects.toThrow(/413|PAYLOAD_TOO_LARGE/);
    await world.call('POST', '/api/v1/workflows', definition('fits', 20 * kilobytes));
    const { runId } = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
      workflow: 'fits',
      input: {},
    });
    await stores.allBecome([runId], 'COMPLETED');
  });

  test('refuses the input of a run, a signal and a decision that are larger, with size and limit', async () => {
    const { world } = stores;
    const ask = {
      name: 'ask',
      type: 'operation',
      action: 'human.approval',
      input: { message: '?' },
      end: true,
    };
    const asks = JSON.stringify({ id: 'people', version: '1', name: 'people', states: [ask] });
    await world.call('POST', '/api/v1/workflows', asks);
    const runs = '/api/v1/workflow-runs';
    const [waiting = ''] = await stores.standing(1);
    const { runId } = await world.call<{ runId: string }>('POST', runs, { workflow: 'people', input: {} });
    await stores.allBecome([runId], 'WAITING_APPROVAL');
    const { items } = await world.call<{ items: { approvalId: string }[] }>(
      'GET',
      `${runs}/${runId}/approvals`,
    );
    const decision = `${runs}/${runId}/approvals/${items[0]?.approvalId}/approve`;
    const text = 'x'.repeat(200 * kilobytes);
    const larger: [path: string, body: object][] = [
      [runs, { workflow: 'fits', input: { text } }],
      [`${runs}/${waiting}/signals/go`, { payload: { text } }],
      [decision, { data: { text } }],
    ];
    for (const [path, body] of larger)
      await expect
        .soft(world.call('POST', path, body))
        .rejects.toThrow(
          /answered 413: .*a message of 20\d{4} bytes is larger than the server takes \(131072\).*PAYLOAD_TOO_LARGE/,
        );
    await world.call('POST', decision, {}, 'user:bob');
    await stores.finish([waiting]);
    await stores.allBecome([runId], 'COMPLETED');
  });

  test('gets, when it takes more again, the whole event of a dead letter that is retried, though no more than its beginning was kept', async () => {
    const { world } = stores;
    await world.killNats();
    // Less than anything needs: said at the start.
    await world.nats.restart('nats-server', { maxPayload: 8_192 });
    await world.stopOne('orchestrator');
    const refused = world.spawn(orchestratorScript, 'refused', {});
    expect((await refused.exited).code).toBe(78);
    expect(refused.lines.join('\n')).toContain('nats-server takes messages of at most 8192 bytes');
    await world.killNats();
    await world.restartNats();
    await world.start('orchestrator');
    await stores.isReady();
    const retried = await signalbox(world, 'dead-letters', 'retry', `unsent/${workspace}/${large.runId}/1`);
    expect(retried.code).toBe(0);
    await stores.allBecome([large.runId], 'WAITING_SIGNAL');
    await stores.finish([large.runId]);
  });
});

describe('a server whose users may less than the platform needs', () => {
  test('refuses a task that its orchestrator may not send: that is set aside, its step fails, the others go on', async () => {
    const { world } = stores;
    const state = { name: 'there', type: 'operation', action: 'agent.run', target: 'agent', end: true };
    const states = [{ ...state, input: { agent: 'tester', task: 'look' } }];
    await world.call(
      'POST',
      '/api/v1/workflows',
      JSON.stringify({ id: 'far', version: '1', name: 'far', states }),
    );
    const others = await stores.standing(1);
    // Everything but tasks for agents.
    const kinds = ['run', 'resume', 'catalog', 'step', 'evaluate', 'approval', 'deadletter'];
    const tasks = kinds.map((kind) => `wf.task.${kind}.>`);
    const { name, inboxPrefix } = busUsers.orchestrator;
    const rest = ['wf.event.>', 'wf.tip.*', 'wf.presence.*', 'wf.figures.*', `${inboxPrefix}.>`, '$JS.>'];
    const publish = [...tasks, ...rest];
    await world.killNats();
    await world.nats.restart('nats-server', {
      logins: (all) => all.map((login) => (login.name === name ? { ...login, publish } : login)),
    });
    await stores.isReady();
    const far = await world.call<{ runId: string }>('POST', '/api/v1/workflow-runs', {
      workflow: 'far',
      input: {},
    });
    await stores.allBecome([far.runId], 'FAILED');
    const isAside = ({ subject, code }: Letter) => code === 'UNSENDABLE' && subject.includes(far.runId);
    await eventually(async () => (await letters()).some(isAside));
    await stores.finish(others);
  });
});
