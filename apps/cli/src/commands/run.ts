import { Command } from 'commander';
import { run as runSchema } from '../api-types.js';
import { contextOf } from '../context.js';
import { CliError, exitCodes } from '../exit-code.js';
import { collectInput } from '../inputs.js';
import { watchRun } from '../watch.js';

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
  const { body } = await context.api.send('POST', '/api/v1/workflow-runs', {
    json: { workflow, input, ...version },
    headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
  });
  const { runId } = runSchema.pick({ runId: true }).parse(body);
  if (options.watch === true) {
    context.output.note(`run ${runId}`);
    await watchRun(context, runId);
  } else {
    context.output.show(body, () => runId);
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
