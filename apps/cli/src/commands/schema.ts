import { languageJsonSchema } from '@signalbox/dsl';
import { Command } from 'commander';
import { printOut } from '../terminal.js';

const schema = (): void => printOut(`${JSON.stringify(languageJsonSchema(), null, 2)}\n`);

export const schemaCommand = (): Command =>
  new Command('schema')
    .description('print the JSON Schema of workflow files, for editors (YAML language server)')
    .addHelpText(
      'after',
      '\nWrite it to a file and name that in the first line of a workflow:\n  # yaml-language-server: $schema=./signalbox.schema.json',
    )
    .action(schema);
