/**
 * The main job, shown: a platform of its own in a temporary folder, the default environment, and three runs: one
 * that needs an approval, one that does not, and one with a step on the agent.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { type ApiClient, createApiClient } from '../api-client.js';
import { approval, event as eventSchema, type Run, run as runSchema } from '../api-types.js';
import { contextOf } from '../context.js';
import { renderEvent } from '../event-line.js';
import { CliError, exitCodes } from '../exit-code.js';
import type { Output } from '../output.js';
import { type Platform, startPlatform } from '../platform/platform.js';
import { syncEnvironment } from '../sync.js';
import { onReaderGone, printError } from '../terminal.js';
import { showRun } from '../timeline.js';

const environment = fileURLToPath(new URL('../../../../examples/environments/default', import.meta.url));

interface Scene {
  readonly title: string;
  readonly workflow: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly mustVisit: string;
}

const scenes: readonly Scene[] = [
  {
    title: 'Incident triage: the error rate is high, so a person has to approve the mitigation',
    workflow: 'incident-triage',
    input: { namespace: 'prod', service: 'checkout' },
    mustVisit: 'mitigate',
  },
  {
    title: 'Incident triage: the error rate is fine, so the switch goes the other way',
    workflow: 'incident-triage',
    input: { namespace: 'staging', service: 'search' },
    mustVisit: 'report_ok',
  },
  {
    title: 'Hello, agent: one step needs a second attempt, one runs on the agent process',
    workflow: 'hello-agent',
    input: { name: 'Ada' },
    mustVisit: 'say_hello',
  },
];

const play = async (scene: Scene, url: string, output: Output): Promise<Run> => {
  const alice = createApiClient(url, 'user:alice');
  const bob = createApiClient(url, 'user:bob');
  output.note(
    `\n== ${scene.title}\n   signalbox --as user:alice run ${scene.workflow} --watch ${asInputs(scene.input)}\n`,
  );
  const { body } = await alice.send('POST', '/api/v1/workflow-runs', {
    json: { workflow: scene.workflow, input: scene.input },
  });
  const { runId } = runSchema.pick({ runId: true }).parse(body);
  const path = `/api/v1/workflow-runs/${runId}`;
  const decisions: Promise<void>[] = [];
  await alice.stream(`${path}/stream`, (message) => {
    const event = eventSchema.parse(JSON.parse(message.data));
    output.note(`   ${renderEvent(event)}`);
    if (event.type === 'approval.requested') decisions.push(approve(bob, runId, output));
  });
  await Promise.all(decisions);
  output.note('');
  const run = await showRun(alice, output, runId);
  const visited = run.steps.some((step) => step.state === scene.mustVisit && step.status === 'SUCCEEDED');
  if (run.status !== 'COMPLETED' || !visited) {
    throw new CliError(
      `the demo's run ended ${run.status} without ${scene.mustVisit}`,
      exitCodes.internal,
      run,
    );
  }
  return run;
};

const asInputs = (input: Scene['input']): string =>
  Object.entries(input)
    .map(([name, value]) => `--input ${name}=${String(value)}`)
    .join(' ');

const approve = async (bob: ApiClient, runId: string, output: Output): Promise<void> => {
  const [pending] = await bob.list(`/api/v1/workflow-runs/${runId}/approvals`, approval);
  if (pending === undefined) throw new CliError('the demo found no approval to decide', exitCodes.internal);
  output.note(`   -> user:bob is asked: ${pending.message}`);
  output.note(`   -> signalbox --as user:bob approvals approve ${pending.approvalId} --comment "go ahead"`);
  await bob.send('POST', `/api/v1/workflow-runs/${runId}/approvals/${pending.approvalId}/approve`, {
    json: { comment: 'go ahead' },
  });
};

const demo = async (options: { logs?: boolean }, command: Command): Promise<void> => {
  const { config, output } = contextOf(command);
  onReaderGone({ isService: true });
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-'));
  const recent: string[] = [];
  let platform: Platform | undefined;
  try {
    output.note(
      'Starting nats-server, orchestrator, step-worker, agent, approval-service and api, each a process of its own ...',
    );
    platform = await startPlatform({
      config,
      env: {
        ...process.env,
        SIGNALBOX_API_PORT: '0',
        SIGNALBOX_DATABASE: undefined,
        SIGNALBOX_API_DATABASE: undefined,
      },
      dataDir: folder,
      natsUrl: undefined,
      onLine: (source, line) => {
        recent.push(`${source.padEnd(16)} | ${line}`);
        if (recent.length > 40) recent.shift();
        if (options.logs === true) printError(`${source.padEnd(16)} | ${line}\n`);
      },
    });
    output.note(`api ${platform.apiUrl}, NATS ${platform.natsUrl}`);
    const { synced } = await syncEnvironment(createApiClient(platform.apiUrl, 'user:alice'), environment);
    output.note(`put ${synced.map((item) => item.name).join(', ')} into the platform`);
    for (const scene of scenes) await play(scene, platform.apiUrl, output);
    output.note(
      '\nAll three runs completed. `npm start` keeps a platform up; the README goes on from there.',
    );
  } catch (error) {
    if (options.logs !== true) printError(`the services' last words:\n${recent.join('\n')}\n`);
    throw error;
  } finally {
    await platform?.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

export const demoCommand = (): Command =>
  new Command('demo')
    .description('show the main job on a platform of its own that goes away afterwards')
    .option('--logs', "print the services' logs too")
    .action(demo);
