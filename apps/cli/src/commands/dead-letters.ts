import { Command } from 'commander';
import { deadLetter } from '../api-types.js';
import { contextOf } from '../context.js';
import { table } from '../output.js';

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const found = await api.list('/api/v1/dead-letters', deadLetter);
  output.show(found, (letters) =>
    table(
      ['message', 'subject', 'code', 'deliveries', 'at', 'reason'],
      letters.map((each) => [
        each.id,
        each.subject,
        each.code,
        String(each.deliveryCount),
        each.at,
        each.reason,
      ]),
      'no dead letters',
    ),
  );
};

export const deadLetterCommands = (): Command => {
  const command = new Command('dead-letters').description('messages that nobody could handle');
  command.command('list').description('newest first').action(list);
  return command;
};
