/** Who speaks to the bus and should not: forged results, decisions, cancels and starts, hostile ids, workers that lie. */
import { randomUUID } from 'node:crypto';
import { createPublisher, openConnection } from '@signalbox/messaging';
import { type BusUser, busUsers, eventSubjects, taskSubjects, wireMessage } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { runs } from '../client.js';
import { runCli } from '../programs.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { step, workflow } from '../workflows.js';
import { attack, type EndedRun, endOfRun, expectStatus, put, startAttack } from './attack.js';

const workspace = 'default';

const agent = busUsers.agent(workspace);
const { stepWorker, api } = busUsers;

interface Forged {
  readonly by: BusUser;
  readonly what: string;
  readonly subject: string;
  readonly body: object;
}

/**
 * Publishes each as the party that it names, with that party's own login: what a worker, an agent or the api could do
 * whose machine is a stranger's. What the server refuses is as good as what the platform ignores. Returns how many it
 * refused.
 */
const publishAll = async (stage: Stage, forged: readonly Forged[]): Promise<number> => {
  const logger = createLogger({ service: 'forger', level: 'silent' });
  let refused = 0;
  for (const party of new Set(forged.map(({ by }) => by))) {
    const env = stage.world.loginOf(party.name);
    const connection = await openConnection({
      url: stage.world.natsUrl,
      name: 'forger',
      login: { user: env.SIGNALBOX_NATS_USER ?? '', password: env.SIGNALBOX_NATS_PASSWORD ?? '' },
      inboxPrefix: party.inboxPrefix,
      apiPrefix: party.apiPrefix,
      logger,
    });
    const publisher = createPublisher(connection);
    for (const { subject, body } of forged.filter(({ by }) => by === party)) {
      try {
        await publisher.publish(wireMessage(subject, randomUUID(), JSON.stringify(body)));
      } catch {
        // No stream takes it, or this user may not say it: either way nobody has heard.
        refused += 1;
      }
    }
    publisher.close();
    await connection.close();
  }
  stage.findings.figure('forged messages', forged.length);
  stage.findings.figure('forged messages that the server refused', refused);
  return refused;
};

const waitingForApproval = async (
  stage: Stage,
): Promise<{ runId: string; approvalId: string; stepId: string }> => {
  const runId = (await stage.client.start('approval'))?.runId ?? '';
  let found = { runId, approvalId: '', stepId: '' };
  await stage.within(20, 'an approval is asked for', async () => {
    const answer = await stage.client.request('GET', `${runs}/${runId}/approvals`);
    const pending = answer?.body?.items?.find(({ status }: { status: string }) => status === 'pending');
    if (pending === undefined) return false;
    found = { runId, approvalId: pending.approvalId, stepId: pending.stepId };
    return true;
  });
  return found;
};

/** A run with a step in some worker's hand, for as long as it takes to forge its answer. */
const atWork = async (stage: Stage): Promise<{ runId: string; stepId: string }> => {
  const runId = (await stage.client.start('in-time-step'))?.runId ?? '';
  let stepId = '';
  await stage.within(20, 'a step is in hand', async () => {
    const answer = await stage.client.request('GET', `${runs}/${runId}/steps`);
    stepId = answer?.body?.items?.[0]?.stepId ?? '';
    return stepId !== '';
  });
  return { runId, stepId };
};

const hasWorkOf = async (stage: Stage, runId: string, worker: string): Promise<boolean> =>
  JSON.stringify((await stage.client.request('GET', `${runs}/${runId}/events`))?.body).includes(worker);

const forgery = attack({
  name: 'forged-messages',
  promise: 'a result without its claim, an event of a stranger and a run of another workspace change nothing',
  act: async (stage) => {
    const { runId, stepId, approvalId } = await waitingForApproval(stage);
    const slow = (await stage.client.start('slow'))?.runId ?? '';
    const held = await atWork(stage);
    const result = {
      type: 'step.succeeded',
      workspace,
      ...held,
      attempt: 1,
      claim: 'forged',
      worker: 'forger',
      startedAt: 9e15,
      finishedAt: 9e15,
      output: { forged: true },
    };
    const cancel = {
      type: 'cancel',
      commandId: randomUUID(),
      runId: slow,
      workspace: 'other',
      actor: 'user:eve',
      issuedAt: Date.now(),
    };
    const approval = taskSubjects.approvalDecision(workspace, runId, approvalId);
    const decision = {
      type: 'decision',
      commandId: randomUUID(),
      runId,
      approvalId,
      workspace,
      decision: 'approve',
      actor: 'user:eve',
      issuedAt: Date.now(),
    };
    const start = {
      ...cancel,
      type: 'start',
      runId: randomUUID(),
      workspace,
      workflowId: 'linear',
      input: {},
    };
    const byHolders = [
      { what: 'a start', subject: taskSubjects.run(workspace, start.runId), body: start },
      { what: 'a cancel', subject: taskSubjects.run(workspace, slow), body: { ...cancel, workspace } },
      { what: 'a decision', subject: approval, body: decision },
      {
        what: 'a judgement',
        subject: taskSubjects.resumeApproval(workspace, runId),
        body: { ...decision, type: 'approval.decided' },
      },
      { what: 'a task', subject: taskSubjects.step(workspace, runId, stepId), body: { anything: true } },
      { what: 'a task nobody consumes', subject: 'wf.task.nobody.default', body: {} },
    ];
    const refused = await publishAll(stage, [
      ...[stepWorker, agent].flatMap((by) => byHolders.map((each) => ({ by, ...each }))),
      {
        by: agent,
        what: 'a result',
        subject: taskSubjects.resumeStep(workspace, runId, stepId),
        body: result,
      },
      {
        by: agent,
        what: 'a result of another workspace',
        subject: taskSubjects.resumeAgent('other', runId, stepId),
        body: result,
      },
    ]);
    stage.findings.expect(
      refused === 2 * byHolders.length + 2,
      'the server refuses what is not a party’s to say',
      `${refused} of ${2 * byHolders.length + 2} were refused`,
    );
    await publishAll(stage, [
      {
        by: stepWorker,
        what: 'a result',
        subject: taskSubjects.resumeStep(workspace, held.runId, held.stepId),
        body: result,
      },
      {
        by: agent,
        what: 'a result of an agent',
        subject: taskSubjects.resumeAgent(workspace, held.runId, held.stepId),
        body: result,
      },
      {
        by: stepWorker,
        what: 'a result of what nobody works at',
        subject: taskSubjects.resumeStep(workspace, runId, stepId),
        body: { ...result, runId, stepId },
      },
      {
        by: api,
        what: 'a cancel of another workspace',
        subject: taskSubjects.run('other', slow),
        body: cancel,
      },
      {
        by: api,
        what: 'a cancel under two workspaces',
        subject: taskSubjects.run(workspace, slow),
        body: cancel,
      },
      {
        by: api,
        what: 'a cancel of the system',
        subject: taskSubjects.run(workspace, slow),
        body: { ...cancel, workspace, actor: 'system:orchestrator' },
      },
    ]);
    const waiting = await stage.client.request('GET', `${runs}/${runId}`);
    stage.findings.expect(
      waiting?.body?.status === 'WAITING_APPROVAL',
      'a forged result changes nothing',
      `${waiting?.body?.status}`,
    );
    await stage.client.request(
      'POST',
      `${runs}/${runId}/approvals/${(await pendingId(stage, runId)) ?? ''}/approve`,
      { body: {} },
    );
    for (const id of [runId, slow, held.runId]) {
      const run = await endOfRun(stage, id);
      stage.findings.expect(
        run?.status === 'COMPLETED',
        'a run that forgers aimed at completes',
        `${run?.status} ${run?.error?.code ?? ''}`,
      );
    }
    stage.findings.expect(
      !(await hasWorkOf(stage, held.runId, result.worker)),
      'a result without its claim is nobody’s',
      'it is in the history',
    );
  },
});

const pendingId = async (stage: Stage, runId: string): Promise<string | undefined> => {
  const answer = await stage.client.request('GET', `${runs}/${runId}/approvals`);
  return answer?.body?.items?.[0]?.approvalId;
};

const cancelledBy = (by: BusUser, runId: string): Forged => ({
  by,
  what: 'run.cancelled',
  subject: eventSubjects.run(workspace, runId),
  body: {
    specversion: '1.0',
    id: `${workspace}/${runId}/99`,
    source: `signalbox/${workspace}`,
    type: 'signalbox.run.cancelled',
    subject: `runs/${runId}`,
    time: new Date().toISOString(),
    runid: runId,
    sequence: 99,
    data: { actor: 'user:eve' },
  },
});

const drops = attack({
  name: 'forged-cancelled',
  promise:
    'nobody but the orchestrator says that a run is cancelled, and a worker asks before it drops a task',
  act: async (stage) => {
    const started = await Promise.all(Array.from({ length: 4 }, () => stage.client.start('slow')));
    const ids = started.flatMap((each) => (each === undefined ? [] : [each.runId]));
    const forged = [stepWorker, agent, api].flatMap((by) => ids.map((runId) => cancelledBy(by, runId)));
    const refused = await publishAll(stage, forged);
    stage.findings.expect(
      refused === forged.length,
      'the server takes an event from the orchestrator alone',
      `${refused} of ${forged.length} were refused`,
    );
    for (const runId of ids) {
      const run = await endOfRun(stage, runId);
      stage.findings.expect(
        run?.status === 'COMPLETED',
        'a run that is called cancelled completes',
        `${run?.status}`,
      );
    }
  },
});

const ids = attack({
  name: 'hostile-ids',
  promise: 'an id is of letters, digits, "_" and "-"; nobody speaks for the system; nobody unnamed decides',
  act: async (stage) => {
    const { client } = stage;
    const victim = (await client.start('slow'))?.runId ?? '';
    for (const runId of [`${victim}/x`, `${victim}.x`, '>', '*', 'a b', 'ä', 'x'.repeat(129), '../x', ''])
      expectStatus(
        stage,
        `a run id ${JSON.stringify(runId.slice(-8))}`,
        await client.request('POST', runs, { body: { workflow: 'linear', input: {}, runId } }),
        [400],
      );
    for (const actor of ['system:orchestrator', 'user:\u0000', 'user:a\u001b[2J', 'user:\u0430lice', 'alice'])
      expectStatus(stage, `the actor ${JSON.stringify(actor)}`, await asActor(stage, actor), [400, 403]);
    const run = await endOfRun(stage, victim);
    stage.findings.expect(run?.status === 'COMPLETED', 'the victim of an id completes', `${run?.status}`);
  },
});

/** Header values that fetch itself refuses never reach the platform. */
const asActor = async (stage: Stage, actor: string) => {
  const encoded = Buffer.from(actor, 'utf8').toString('latin1');
  const answer = await stage.client.request('POST', runs, {
    body: { workflow: 'linear', input: {} },
    actor: encoded,
  });
  return answer ?? { status: 400, body: null, location: null, ms: 0 };
};

const lies = (name: string, lie: string, promise: string, judge: (end: EndedRun) => boolean): Scenario =>
  attack({
    name,
    promise,
    stage: { env: { CHAOS_LIE: lie } },
    act: async (stage) => {
      if (!(await put(stage, workflow('told', [step('lied', { ms: 5, lie: true }), step('after')])))) return;
      const runId = await startAttack(stage, 'told');
      const run = await endOfRun(stage, runId);
      stage.findings.figure('the run ends', `${run?.status} ${run?.error?.code ?? ''}`);
      stage.findings.expect(
        run === undefined || judge(run),
        'a lie hits its own step alone',
        `${run?.status} ${run?.error?.code}: ${run?.error?.message}`,
      );
      expectStatus(
        stage,
        'a run whose worker lied',
        await stage.client.request('GET', `${runs}/${runId}`),
        [200],
      );
      expectStatus(stage, 'its events', await stage.client.request('GET', `${runs}/${runId}/events`), [200]);
    },
  });

const escapes = attack({
  name: 'terminal-escapes',
  promise: 'what the command line prints holds no control, escape or direction character of a user',
  act: async (stage) => {
    const nasty = 'a\u001b[2Jb\u0007c\u202ed\u009be\rf';
    const source = workflow('nasty', [
      {
        name: 'ask',
        type: 'operation',
        action: 'human.approval',
        input: { message: nasty, allowRequester: true },
        next: 'after',
      },
      step('after'),
    ]);
    if (!(await put(stage, source))) return;
    const runId = (await startAttack(stage, 'nasty')) ?? '';
    await stage.within(
      20,
      'an approval is asked for',
      async () => (await pendingId(stage, runId)) !== undefined,
    );
    const api = ['--api', stage.world.apiUrl];
    for (const args of [
      ['approvals', 'list'],
      ['runs', 'show', runId],
      ['runs', 'list'],
    ]) {
      const { text } = await runCli(stage.world, stage.options.root, [...args, ...api]);
      const found = [...text].find((character) => isUnsafe(character));
      stage.findings.expect(
        found === undefined,
        'nothing of a user moves the cursor',
        `signalbox ${args.join(' ')} prints U+${found?.codePointAt(0)?.toString(16)}`,
      );
      stage.findings.expect(text.length > 0, 'the command line says something', args.join(' '));
    }
    await stage.client.approve(runId, (await pendingId(stage, runId)) ?? '');
  },
});

const isUnsafe = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0;
  const isControl =
    (code < 0x20 && character !== '\n' && character !== '\t') || (code >= 0x7f && code < 0xa0);
  const isDirection = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return isControl || isDirection;
};

export const wire: readonly Scenario[] = [
  forgery,
  drops,
  ids,
  lies(
    'absurd-times',
    'time',
    'a worker whose clock is absurd breaks no answer of the api',
    ({ status }) => status === 'COMPLETED',
  ),
  lies(
    'absurd-sizes',
    'size',
    'an output over the limit fails its own step and nothing else',
    ({ error }) => error?.code === 'PAYLOAD_TOO_LARGE' && error.message.includes('result of state "lied"'),
  ),
  escapes,
];
