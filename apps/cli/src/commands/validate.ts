/**
 * Checks workflow files without a platform. A file that lies in an environment (`<env>/workflows/…`) is checked
 * against that environment's agents and workflows; elsewhere what it refers to is not checked, and that is said.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLanguage, type Language } from '@signalbox/validation';
import { Command, Option } from 'commander';
import { contextOf } from '../context.js';
import { renderIssue } from '../diagnostics.js';
import { checkEnvironment, checkWorkflow, type FileReport } from '../environment-check.js';
import { environmentAround, readEnvironmentFolder } from '../environment-folder.js';
import { CliError, exitCodes } from '../exit-code.js';
import { meaningOf, readTextFile } from '../regular-file.js';
import { toSarif } from '../sarif.js';
import { printOut } from '../terminal.js';
import { readVersion } from '../version.js';

const readReports = async (
  language: Language,
  target: string,
  isFolder: boolean,
  around: string | undefined,
): Promise<readonly FileReport[]> => {
  if (isFolder) return checkEnvironment(language, await readEnvironmentFolder(target)).reports;
  const file = { file: target, source: await readTextFile(target) };
  if (around === undefined) return [checkWorkflow(language, file, {})];
  const { environment } = checkEnvironment(language, await readEnvironmentFolder(around));
  return [checkWorkflow(language, file, environment)];
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
    (error: unknown) => {
      throw new CliError(`${target} cannot be read: ${meaningOf(error)}`, exitCodes.data);
    },
  );
  const around = environmentAround(resolve(target));
  const reports = await readReports(language, target, isFolder, around);
  if (reports.length === 0) throw new CliError(`${target} holds no agents and no workflows`, exitCodes.data);
  const format = options.format ?? (output.isJson ? 'json' : 'text');
  const withoutSource = reports.map(({ source: _source, ...rest }) => rest);
  if (format === 'text') output.note(reports.map(asText).join('\n'));
  else
    printOut(
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
