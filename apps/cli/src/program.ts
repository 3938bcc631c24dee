/** The command line as a whole: which commands there are, and what every one of them accepts. */
import { Command } from 'commander';
import { approvalCommands } from './commands/approvals.js';
import { deadLetterCommands } from './commands/dead-letters.js';
import { demoCommand } from './commands/demo.js';
import { devCommand } from './commands/dev.js';
import { eventCommands } from './commands/events.js';
import { rebuildCommand } from './commands/rebuild.js';
import { runCommand } from './commands/run.js';
import { runsCommands } from './commands/runs.js';
import { schemaCommand } from './commands/schema.js';
import { syncCommand } from './commands/sync.js';
import { validateCommand } from './commands/validate.js';
import { workflowCommands } from './commands/workflow.js';
import { printError, printOut } from './terminal.js';

export const createProgram = (version: string): Command => {
  const program = new Command('signalbox')
    .description(
      'Durable workflows: agents and tools do the work, people approve, every step survives a crash.',
    )
    .version(version)
    // `--version` behind a command is that command's own, or an error: never an end that looks like success.
    .enablePositionalOptions()
    .showHelpAfterError('(signalbox --help lists the commands)');
  const commands = [
    devCommand(),
    demoCommand(),
    syncCommand(),
    validateCommand(),
    schemaCommand(),
    workflowCommands(),
    runCommand(),
    runsCommands(),
    approvalCommands(),
    eventCommands(),
    deadLetterCommands(),
    rebuildCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return inherit(program);
};

/** Before a command and behind it. None ends the process itself: `main.ts` alone does. */
const inherit = (command: Command): Command => {
  command
    .exitOverride()
    .configureOutput({ writeOut: printOut, writeErr: printError })
    .option('--json', 'print JSON instead of text')
    .option('--api <url>', 'address of the api (default: SIGNALBOX_API_HOST and SIGNALBOX_API_PORT)')
    .option('--as <actor>', 'who acts, such as user:alice (default: nobody in particular)');
  for (const child of command.commands) inherit(child);
  return command;
};
