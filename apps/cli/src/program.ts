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
    .option('--json', 'print JSON instead of text')
    .option('--api <url>', 'address of the api (default: SIGNALBOX_API_HOST and SIGNALBOX_API_PORT)')
    .option('--as <actor>', 'who acts, such as user:alice (default: nobody in particular)')
    .showHelpAfterError('(signalbox --help lists the commands)')
    .exitOverride()
    .configureOutput({ writeOut: printOut, writeErr: printError });
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
  for (const command of commands) program.addCommand(inherit(command));
  return program;
};

/** Subcommands throw instead of exiting, too: `main.ts` alone ends the process. */
const inherit = (command: Command): Command => {
  command.exitOverride().configureOutput({ writeOut: printOut, writeErr: printError });
  for (const child of command.commands) inherit(child);
  return command;
};
