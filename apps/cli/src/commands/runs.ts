import { Command } from 'commander';
import { asked, notConfirmedYet } from '../api-client.js';
import { quarantine, type RunSummary, runSummary } from '../api-types.js';
import { contextOf } from '../context.js';
import { CliError, exitCodes } from '../exit-code.js';
import { readJsonOption } from '../json-option.js';
import { duration, table } from '../output.js';
import { showRun } from '../timeline.js';
import { watchRun } from '../watch.js';

const pathOf = (runId: string): string => `/api/v1/workflow-runs/${encodeURIComponent(runId)}`;

const took = (run: RunSummary): string =>
  run.endedAt === null ? '' : duration(Date.parse(run.endedAt) - Date.parse(run.startedAt));

interface ListOptions {
  readonly workflow?: string;
  readonly status?: string;
  readonly root?: string;
  readonly limit: string;
}

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new CliError('--limit must be a whole number from 1', exitCodes.usage);
  const query = new URLSearchParams();
  if (options.workflow !== undefined) query.set('workflow', options.workflow);
  if (options.status !== undefined) query.set('status', options.status);
  if (options.root !== undefined) query.set('root', options.root);
  const suffix = query.size === 0 ? '' : `?${query}`;
  const found = await api.list(`/api/v1/workflow-runs${suffix}`, runSummary, limit);
  output.show(found, (runs) =>
    table(
      ['run', 'workflow', 'status', 'started', 'took', 'by'],
      runs.map((run) => [
        run.runId,
        `${run.workflow.id} v${run.workflow.version}`,
        run.quarantine === null ? run.status : `${run.status} (quarantined)`,
        run.startedAt,
        took(run),
        run.startedBy,
      ]),
      'no runs',
    ),
  );
};

const show = async (runId: string, _options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  await showRun(api, output, runId);
};

const watch = (runId: string, _options: unknown, command: Command): Promise<void> =>
  watchRun(contextOf(command), runId);

const control =
  (verb: 'pause' | 'resume' | 'cancel') =>
  async (runId: string, options: { reason?: string }, command: Command): Promise<void> => {
    const { api, output } = contextOf(command);
    const { body } = await api.send('POST', `${pathOf(runId)}/${verb}`, { json: options });
    const parsed = runSummary.safeParse(body);
    output.show(body, () => `run ${runId} is ${parsed.success ? parsed.data.status : `asked to ${verb}`}`);
  };

const quarantined = async (_options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const found = await api.list('/api/v1/quarantines', quarantine);
  output.show(found, (runs) =>
    table(
      ['run', 'since', 'reason'],
      runs.map(({ runId, since, reason }) => [runId, since, reason]),
      'no run is quarantined',
    ),
  );
};

const release = async (runId: string, _options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const { status, body } = await api.send('POST', `${pathOf(runId)}/release`);
  const done = `run ${runId} is released; what was set aside for it is handled now`;
  output.show(body, () => (status === notConfirmedYet ? asked(`to release run ${runId}`) : done));
};

interface SignalOptions {
  readonly payload?: string;
  readonly id?: string;
}

const signal = async (
  runId: string,
  name: string,
  options: SignalOptions,
  command: Command,
): Promise<void> => {
  const { api, output } = contextOf(command);
  const { body } = await api.send('POST', `${pathOf(runId)}/signals/${encodeURIComponent(name)}`, {
    json: {
      ...(options.payload === undefined ? {} : { payload: readJsonOption('--payload', options.payload) }),
      ...(options.id === undefined ? {} : { signalId: options.id }),
    },
  });
  const parsed = runSummary.safeParse(body);
  const status = parsed.success ? `; the run is ${parsed.data.status}` : '';
  output.show(body, () => `signal ${name} was sent to run ${runId}${status}`);
};

export const runsCommands = (): Command => {
  const command = new Command('runs').description(
    'runs: what happened, what is under way, and control over it',
  );
  command
    .command('list')
    .description('runs, newest first')
    .option('--workflow <id>', 'of this workflow only')
    .option('--status <status>', 'in this status only, such as RUNNING or WAITING_APPROVAL')
    .option('--root <run>', 'child runs below this root run only')
    .option('--limit <count>', 'at most so many', '50')
    .action(list);
  command.command('show <run>').description('the timeline of a run').action(show);
  command
    .command('watch <run>')
    .description('follow a run to its end; exit 1 unless it completes')
    .action(watch);
  command
    .command('pause <run>')
    .description('schedule nothing new; what is in flight finishes')
    .option('--reason <text>', 'why')
    .action(control('pause'));
  command.command('resume <run>').description('go on from where it was paused').action(control('resume'));
  command
    .command('cancel <run>')
    .description('stop for good; what is in flight is aborted')
    .option('--reason <text>', 'why')
    .action(control('cancel'));
  command
    .command('quarantined')
    .description('runs that are left alone because they have stopped the orchestrator again and again')
    .action(quarantined);
  command
    .command('release <run>')
    .description('lift a quarantine; what was set aside for the run is handled')
    .action(release);
  command
    .command('signal <run> <name>')
    .description('send a signal that the run waits for, or will wait for')
    .option('--payload <json>', 'what the waiting state gets as its result; null when absent')
    .option('--id <id>', 'id of the signal: the same id counts once')
    .action(signal);
  return command;
};
