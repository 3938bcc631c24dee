import { Command } from 'commander';
import { contextOf } from '../context.js';
import { table } from '../output.js';
import { syncEnvironment } from '../sync.js';
import { printError } from '../terminal.js';

const sync = async (folder: string, _options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const { synced, leftAlone } = await syncEnvironment(api, folder);
  for (const line of leftAlone) printError(`signalbox: ${line}\n`);
  output.show(synced, (items) =>
    [
      table(
        ['kind', 'name', 'version', 'file'],
        items.map((item) => [
          item.kind,
          item.name,
          item.version === null ? '-' : String(item.version),
          item.file,
        ]),
        'nothing to put',
      ),
      ...items.flatMap((item) =>
        item.warnings.map(
          (each) => `warning ${item.file}:${each.line}:${each.column}  ${each.code}  ${each.message}`,
        ),
      ),
    ].join('\n'),
  );
};

export const syncCommand = (): Command =>
  new Command('sync')
    .description('put an environment folder (agents, workflows, teams) into the platform')
    .argument('<folder>', 'such as examples/environments/default')
    .action(sync);
