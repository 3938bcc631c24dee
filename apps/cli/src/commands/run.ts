import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { type ApiClient, asked, checked, notConfirmedYet } from '../api-client.js';
import { problem, run as runSchema } from '../api-types.js';
import { type CliContext, contextOf } from '../context.js';
import { CliError, exitCodes } from '../exit-code.js';
import { collectInput } from '../inputs.js';
import { printError } from '../terminal.js';
import { watchRun } from '../watch.js';

const path = '/api/v1/workflow-runs';
/** Of a start that is queued, while it is watched. */
const maxWaitMs = 60_000;
const lookEveryMs = 500;

interface RunOptions {
  readonly input: string[];
  readonly inputFile?: string;
  readonly watch?: boolean;
  readonly idempotencyKey?: string;
  readonly workflowVersion?: string;
}

const start = async (workflow: string, options: RunOptions, command: Command): Promise<void> => {
  const context = contextOf(command);
  const input = await collectInput(options.input, options.inputFile);
  const version =
    options.workflowVersion === undefined ? {} : { version: versionOf(options.workflowVersion) };
  const { status, body } = await context.api.send('POST', path, {
    json: { workflow, input, ...version },
    headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
  });
  if (status === notConfirmedYet) {
    await queued(context, body, options);
    return;
  }
  const { runId } = checked(runSchema.pick({ runId: true }), body, path);
  if (options.watch === true) {
    context.output.note(`run ${runId}`);
    await watchRun(context, runId);
  } else {
    context.output.show(body, () => runId);
  }
};

/** Nobody knows yet whether it begins or is refused; its id is that of the location. */
const queued = async (context: CliContext, body: unknown, options: RunOptions): Promise<void> => {
  const { location } = checked(z.object({ location: z.string().startsWith(`${path}/`) }), body, path);
  const runId = decodeURIComponent(location.slice(path.length + 1));
  const again =
    options.idempotencyKey === undefined
      ? 'do not start it again, that would be a second run'
      : 'the same --idempotency-key gives the same run';
  printError(`signalbox: ${asked(`to start run ${runId}`)} (${again})\n`);
  if (options.watch !== true) {
    context.output.show({ ...(body as object), runId }, () => runId);
    return;
  }
  context.output.note(`run ${runId}`);
  await untilBegun(context, runId);
  await watchRun(context, runId);
};

/** @throws CliError when its start is refused, or when nobody has said in a minute what became of it. */
const untilBegun = async ({ api }: CliContext, runId: string): Promise<void> => {
  const lookingFrom = performance.now();
  while (performance.now() - lookingFrom < maxWaitMs) {
    if (await isThere(api, runId)) return;
    await setTimeout(lookEveryMs);
  }
  throw new CliError(
    `run ${runId} has not begun: when it has, \`signalbox runs watch ${runId}\` follows it`,
    exitCodes.temporary,
  );
};

const isThere = async (api: ApiClient, runId: string): Promise<boolean> => {
  try {
    await api.get(`${path}/${encodeURIComponent(runId)}?limit=0`, z.object({ runId: z.string() }));
    return true;
  } catch (error) {
    if (error instanceof CliError && problem.safeParse(error.details).data?.code === 'RUN_NOT_FOUND')
      return false;
    throw error;
  }
};

const versionOf = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new CliError('--workflow-version must be a whole number from 1', exitCodes.usage);
};

export const runCommand = (): Command =>
  new Command('run')
    .description('start a run of a workflow')
    .argument('<workflow>', 'id of the workflow')
    .option(
      '-i, --input <name=value>',
      'a field of the input: name=text or name:=json',
      (pair, all: string[]) => [...all, pair],
      [],
    )
    .option('--input-file <file>', 'the input as a JSON or YAML file')
    .option('--workflow-version <number>', 'a stored version other than the newest')
    .option('--idempotency-key <key>', 'the same key gives the same run')
    .option('-w, --watch', 'follow the run to its end; exit 1 unless it completes')
    .action(start);
