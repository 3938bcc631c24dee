import { readFileSync } from 'node:fs';
import type { CatalogEventMessage } from '@signalbox/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentSource, step, TestWorld, workflow } from './support/test-world.js';

let world: TestWorld;
const source = workflow('one', [step('only')]);

beforeEach(async () => {
  world = new TestWorld();
  await world.open();
  await world.putAgent('worker');
});
afterEach(() => world.close());

const last = (): CatalogEventMessage => {
  const event = world.bus.events.at(-1);
  if (event === undefined || event.runId !== null) throw new Error('not a catalog event');
  return event.data as CatalogEventMessage;
};
const put = (mode: 'create' | 'update' | 'put', text = source, workflowId?: string): Promise<void> =>
  world.deliver(
    world.catalog({
      type: 'put_workflow',
      mode,
      source: text,
      ...(workflowId === undefined ? {} : { workflowId }),
    }),
  );

describe('a workflow', () => {
  test('gets a version for each change and none for the same source again', async () => {
    await put('put');
    expect(last()).toMatchObject({ type: 'catalog.workflow_put', version: 1, changed: true, label: '1.0' });
    await put('put');
    expect(last()).toMatchObject({ version: 1, changed: false });
    await put('update', source.replace('do it', 'do more'));
    expect(last()).toMatchObject({ version: 2, changed: true });
  });

  test('is created once, updated only when it is there, and keeps its id', async () => {
    await put('update');
    expect(last()).toMatchObject({ code: 'WORKFLOW_NOT_FOUND' });
    await put('create');
    await put('create');
    expect(last()).toMatchObject({ code: 'WORKFLOW_EXISTS' });
    await put('put', source, 'another');
    expect(last()).toMatchObject({ code: 'WORKFLOW_ID_MISMATCH' });
  });

  test('that is not valid is refused with the places of its errors', async () => {
    await put('put', workflow('bad', [step('only').replace('worker', 'nobody')]));
    expect(last()).toMatchObject({
      type: 'catalog.command_refused',
      code: 'VALIDATION_FAILED',
      issues: [expect.objectContaining({ code: 'AGENT_NOT_FOUND', line: 5 })],
    });
    expect(world.count('workflow_definitions')).toBe(0);
  });

  test('with a schema that cannot be compiled is refused', async () => {
    await put('put', workflow('bad', [step('only')], 'inputSchema: { $ref: "#/nowhere" }\n'));
    expect(last()).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  test('is not taken away while a run of it has not ended', async () => {
    await put('put');
    await world.deliver(world.start('run-1', 'one'));
    await world.deliver(world.catalog({ type: 'delete_workflow', workflowId: 'one' }));
    expect(last()).toMatchObject({ code: 'WORKFLOW_HAS_RUNS' });
    await world.workAll();
    await world.deliver(world.catalog({ type: 'delete_workflow', workflowId: 'one' }));
    expect(last()).toMatchObject({ type: 'catalog.workflow_deleted' });
    await world.deliver(world.start('run-2', 'one'));
    expect(world.bus.events.at(-1)?.data).toMatchObject({ code: 'WORKFLOW_NOT_FOUND' });
  });

  test('counts its versions on after it was taken away', async () => {
    await put('put');
    await world.deliver(world.catalog({ type: 'delete_workflow', workflowId: 'one' }));
    await put('create');
    expect(last()).toMatchObject({ version: 2, changed: true });
  });
});

describe('agents and teams', () => {
  test('are versioned, deleted and refused like workflows', async () => {
    await world.deliver(world.catalog({ type: 'put_agent', name: 'worker', source: agentSource }));
    expect(last()).toMatchObject({ version: 1, changed: false });
    await world.deliver(world.catalog({ type: 'put_agent', name: 'worker', source: 'no frontmatter' }));
    expect(last()).toMatchObject({ code: 'VALIDATION_FAILED' });
    await world.deliver(world.catalog({ type: 'delete_agent', name: 'nobody' }));
    expect(last()).toMatchObject({ code: 'AGENT_NOT_FOUND' });
    await world.deliver(world.catalog({ type: 'put_teams', source: 'sre: [user:alice, user:bob]' }));
    expect(last()).toMatchObject({ teams: { sre: ['user:alice', 'user:bob'] }, changed: true });
  });
});

describe('the catalog', () => {
  test('has a history without a gap, refusals among it, and answers each command once', async () => {
    const command = world.catalog({ type: 'put_workflow', mode: 'put', source });
    await world.deliver(command);
    await world.deliver(world.message(command.subject, command.data));
    await world.deliver(world.catalog({ type: 'delete_workflow', workflowId: 'nothing' }));
    const ids = world.bus.journal.filter((line) => line.startsWith('store catalog:'));
    expect(ids).toEqual(['store catalog:default/1', 'store catalog:default/2', 'store catalog:default/3']);
    expect(world.count('catalog_events')).toBe(3);
  });

  test('takes the default environment, and its triage runs by both ways of the switch', async () => {
    const folder = new URL('../../../examples/environments/default/', import.meta.url);
    const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');
    for (const name of ['k8s-pod-checker', 'slo-analyzer', 'k8s-remediator', 'notification-sender']) {
      await world.putAgent(name, read(`agents/${name}.prompt`));
    }
    await world.putWorkflow(read('workflows/incident-triage.workflow.yaml'));
    for (const [runId, rate] of [
      ['calm', 0.01],
      ['busy', 0.2],
    ] as const) {
      await world.deliver(world.start(runId, 'incident-triage', { namespace: 'prod', service: 'web' }));
      while (world.bus.tasks.length > 0) {
        const approval = world.bus.take('wf.task.approval.');
        if (approval === undefined) {
          const task = world.takeStep();
          const isRate = task.state === 'check_errors';
          await world.deliver(world.succeeded(task, isRate ? { error_rate: rate } : { result: 'done' }));
        } else await approve(approval.text);
      }
      expect(world.row(runId).status).toBe('COMPLETED');
    }
    const statesOf = (runId: string): string[] =>
      world.eventsOf(runId).flatMap(({ data }) => (data.type === 'step.scheduled' ? [data.state] : []));
    expect(statesOf('calm').at(-1)).toBe('report_ok');
    expect(statesOf('busy').slice(-3)).toEqual(['request_approval', 'mitigate', 'notify']);
    expect(world.sql.prepare('SELECT status, decided_by FROM workflow_approvals').all()).toEqual([
      { status: 'APPROVED', decided_by: 'user:bob' },
    ]);
  });
});

const approve = async (text: string): Promise<void> => {
  const { runId, approvalId } = JSON.parse(text) as { runId: string; approvalId: string };
  const workspace = 'default';
  const decision = (commandId: string, actor: string): object => ({
    type: 'approval.decision',
    commandId,
    workspace,
    runId,
    approvalId,
    actor,
    decision: 'approve',
  });
  const subject = `wf.task.resume.approval.${workspace}.${runId}`;
  await world.deliver(
    world.message(subject, decision('d1', 'user:bob')),
    world.message(subject, decision('d1', 'user:bob')),
    world.message(subject, decision('d2', 'user:carol')),
  );
  const refused = world.eventsOf(runId).filter(({ data }) => data.type === 'approval.decision_refused');
  expect(refused.map(({ data }) => data)).toEqual([expect.objectContaining({ actor: 'user:carol' })]);
};
