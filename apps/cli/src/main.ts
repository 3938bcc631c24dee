/** Parses the command line, runs the command, and turns every failure into a line on stderr and an exit code. */
import { NatsServerError } from '@signalbox/embedded-nats';
import { CannotRun, SettingsError } from '@signalbox/service';
import { CommanderError } from 'commander';
import { CliError, exitCodes } from './exit-code.js';
import { createProgram } from './program.js';
import { onReaderGone, printError } from './terminal.js';
import { readVersion } from './version.js';

const isJson = process.argv.includes('--json');

const report = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CliError) {
    const { message, exitCode, details } = error;
    printError(
      isJson ? `${JSON.stringify({ error: { message, exitCode, details } })}\n` : `signalbox: ${message}\n`,
    );
    return exitCode;
  }
  if (error instanceof CannotRun) {
    printError(`signalbox: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof SettingsError || error instanceof NatsServerError) {
    printError(`signalbox: ${error.message}\n`);
    return exitCodes.config;
  }
  printError(`signalbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.internal;
};

onReaderGone({ isService: false });
try {
  await createProgram(readVersion()).parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
