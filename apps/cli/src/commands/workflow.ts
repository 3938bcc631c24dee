import { Command } from 'commander';
import { z } from 'zod';
import { workflowSummary } from '../api-types.js';
import { contextOf } from '../context.js';
import { table } from '../output.js';

const workflowWithSource = workflowSummary.extend({ source: z.string() });

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const found = await api.list('/api/v1/workflows', workflowSummary);
  output.show(found, (workflows) =>
    table(
      ['id', 'version', 'label', 'name', 'since'],
      workflows.map((each) => [each.id, String(each.version), each.label, each.name, each.createdAt]),
      'no workflows yet; signalbox sync <folder> puts an environment into the platform',
    ),
  );
};

const show = async (id: string, options: { version?: string }, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const query = options.version === undefined ? '' : `?version=${encodeURIComponent(options.version)}`;
  const found = await api.get(`/api/v1/workflows/${encodeURIComponent(id)}${query}`, workflowWithSource);
  output.show(found, ({ source, version, label, createdAt, createdBy }) =>
    [`# ${id} v${version} (${label}), put ${createdAt} by ${createdBy}`, source.trimEnd()].join('\n'),
  );
};

export const workflowCommands = (): Command => {
  const command = new Command('workflow').description('stored workflow definitions');
  command.command('list').description('every workflow, newest version').action(list);
  command
    .command('show <id>')
    .description('one workflow with its source')
    .option('--version <number>', 'a stored version other than the newest')
    .action(show);
  return command;
};
