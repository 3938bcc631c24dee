/**
 * Checks workflow files without a platform. A file that lies in an environment (`<env>/workflows/…`) is checked
 * against that environment's agents and workflows; elsewhere what it refers to is not checked, and that is said.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AgentDefinition, Environment, Issue, WorkflowSchemas } from '@signalbox/dsl';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLanguage, type Language } from '@signalbox/validation';
import { Command, Option } from 'commander';
import { contextOf } from '../context.js';
import { renderIssue } from '../diagnostics.js';
import {
  environmentAround,
  readEnvironmentFolder,
  readSource,
  type SourceFile,
} from '../environment-folder.js';
import { CliError, exitCodes } from '../exit-code.js';
import { toSarif } from '../sarif.js';
import { readVersion } from '../version.js';

interface FileReport {
  readonly file: string;
  readonly source: string;
  readonly valid: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

type Bytes = { readonly file: string; readonly bytes: Uint8Array };

const report = (
  file: string,
  source: string,
  errors: readonly Issue[],
  warnings: readonly Issue[] = [],
): FileReport => ({
  file,
  source,
  valid: errors.length === 0,
  errors,
  warnings,
});

const checkAgents = (language: Language, files: readonly SourceFile[]) => {
  const agents = new Map<string, AgentDefinition>();
  const reports = files.map(({ file, name, source }) => {
    const parsed = language.agent(source, name);
    if (parsed.ok) agents.set(name, parsed.agent);
    return report(file, source, parsed.ok ? [] : parsed.errors);
  });
  return { agents, reports };
};

const checkWorkflow = (language: Language, { file, bytes }: Bytes, environment: Environment): FileReport => {
  const parsed = language.workflow(bytes, environment);
  return report(file, new TextDecoder().decode(bytes), parsed.ok ? [] : parsed.errors, parsed.warnings);
};

const checkEnvironment = async (
  language: Language,
  folder: string,
  only: string | undefined,
): Promise<FileReport[]> => {
  const found = await readEnvironmentFolder(folder);
  const { agents, reports } = checkAgents(language, found.agents);
  const workflows = await Promise.all(found.workflows.map(({ file }) => readSource(file)));
  const known = new Map<string, WorkflowSchemas>();
  for (const { bytes } of workflows) {
    const parsed = language.workflow(bytes, {});
    if (parsed.ok) known.set(parsed.plan.id, parsed.plan);
  }
  const environment: Environment = { agents, workflows: known };
  if (only !== undefined) return [checkWorkflow(language, await readSource(only), environment)];
  const teams = found.teams;
  if (teams !== undefined) {
    const parsed = language.teams(teams.source);
    reports.push(report(teams.file, teams.source, parsed.ok ? [] : parsed.errors));
  }
  return [...reports, ...workflows.map((workflow) => checkWorkflow(language, workflow, environment))];
};

const validate = async (
  target: string,
  options: { format?: 'text' | 'json' | 'sarif' },
  command: Command,
): Promise<void> => {
  const { output } = contextOf(command);
  const language = createLanguage(createStarlark());
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    (error: Error) => {
      throw new CliError(`${target} cannot be read: ${error.message}`, exitCodes.data);
    },
  );
  const around = environmentAround(resolve(target));
  const reports = isFolder
    ? await checkEnvironment(language, target, undefined)
    : around === undefined
      ? [checkWorkflow(language, await readSource(target), {})]
      : await checkEnvironment(language, around, target);
  if (reports.length === 0) throw new CliError(`${target} holds no agents and no workflows`, exitCodes.data);
  const format = options.format ?? (output.isJson ? 'json' : 'text');
  const withoutSource = reports.map(({ source: _source, ...rest }) => rest);
  if (format === 'text') output.note(reports.map(asText).join('\n'));
  else
    process.stdout.write(
      `${JSON.stringify(format === 'json' ? withoutSource : toSarif(reports, readVersion()), null, 2)}\n`,
    );
  if (!isFolder && around === undefined && format === 'text') {
    output.note(
      'agents and workflows that it names were not checked: the file does not lie in the workflows/ folder of an environment',
    );
  }
  const errorCount = reports.reduce((sum, each) => sum + each.errors.length, 0);
  if (errorCount > 0)
    throw new CliError(`${errorCount} error${errorCount === 1 ? '' : 's'} found`, exitCodes.data);
};

const asText = ({ file, source, valid, errors, warnings }: FileReport): string =>
  [
    ...errors.map((issue) => `error   ${renderIssue(issue, file, source)}`),
    ...warnings.map((issue) => `warning ${renderIssue(issue, file, source)}`),
    `${file}: ${valid ? 'valid' : 'not valid'}`,
  ].join('\n');

export const validateCommand = (): Command =>
  new Command('validate')
    .description('check a workflow file, or a whole environment folder, without a platform')
    .argument('<file|folder>', 'such as examples/environments/default')
    .addOption(
      new Option('--format <format>', 'how to print findings (default: text; --json: json)').choices([
        'text',
        'json',
        'sarif',
      ]),
    )
    .action(validate);
