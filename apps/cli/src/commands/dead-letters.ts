import { Command } from 'commander';
import { asked, notConfirmedYet } from '../api-client.js';
import { deadLetter } from '../api-types.js';
import { contextOf } from '../context.js';
import { table } from '../output.js';

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { api, output } = contextOf(command);
  const found = await api.list('/api/v1/dead-letters', deadLetter);
  output.show(found, (letters) =>
    table(
      ['message', 'subject', 'code', 'deliveries', 'at', 'outcome', 'reason'],
      letters.map((each) => [
        each.id,
        each.subject,
        each.code,
        String(each.deliveryCount),
        each.at,
        each.outcome,
        each.reason,
      ]),
      'no dead letters',
    ),
  );
};

const end =
  (act: 'retry' | 'drop', done: string) =>
  async (id: string, _options: unknown, command: Command): Promise<void> => {
    const { api, output } = contextOf(command);
    const { status, body } = await api.send('POST', `/api/v1/dead-letters/${encodeURIComponent(id)}/${act}`);
    output.show(body, () => (status === notConfirmedYet ? asked(`to ${act} ${id}`) : `${id} ${done}`));
  };

export const deadLetterCommands = (): Command => {
  const command = new Command('dead-letters').description('messages that nobody could handle');
  command.command('list').description('newest first').action(list);
  command
    .command('retry <id>')
    .description('publish the kept message once more, where it is whole')
    .action(end('retry', 'is published once more'));
  command
    .command('drop <id>')
    .description('say that nobody needs it any more')
    .action(end('drop', 'is dropped'));
  return command;
};
