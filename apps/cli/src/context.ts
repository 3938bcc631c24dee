/** What every command gets: settings, output, and the api when it asks for it. */
import { canonicalActor } from '@signalbox/protocol';
import type { Command } from 'commander';
import { type ApiClient, createApiClient } from './api-client.js';
import { type CliConfig, loadConfig } from './config.js';
import { CliError, exitCodes } from './exit-code.js';
import { createOutput, type Output } from './output.js';
import { printOut } from './terminal.js';

export interface CliContext {
  readonly config: CliConfig;
  readonly output: Output;
  readonly api: ApiClient;
  readonly actor: string | undefined;
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly api?: string;
  readonly as?: string;
}

export const contextOf = (command: Command): CliContext => {
  const options = globalOptions(command);
  const config = loadConfig(process.env);
  requireNames(command);
  const actor = options.as === undefined ? undefined : checkedActor(options.as);
  return {
    config,
    output: createOutput(options.json === true, printOut),
    api: createApiClient(options.api === undefined ? apiUrl(config) : checkedUrl(options.api), actor),
    actor,
  };
};

/** They may stand before a command and behind it; what stands last counts. */
const globalOptions = (command: Command): GlobalOptions => ({
  ...(command.parent === null ? {} : globalOptions(command.parent)),
  ...command.opts<GlobalOptions>(),
});

/** An empty name would make another address of the one that is meant. */
const requireNames = (command: Command): void => {
  for (const [index, argument] of command.registeredArguments.entries())
    if (command.args[index]?.trim() === '')
      throw new CliError(`<${argument.name()}> must not be empty`, exitCodes.usage);
};

const checkedActor = (claimed: string): string => {
  const actor = canonicalActor(claimed);
  if (actor !== undefined) return actor;
  throw new CliError(
    `--as ${claimed} is nobody: it must look like user:alice or service:ci`,
    exitCodes.usage,
  );
};

const checkedUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What is written there is shown to whoever reads the error.
  if (url !== undefined && url.username + url.password !== '')
    throw new CliError('--api is an address without a user and a password in it', exitCodes.usage);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new CliError(
    `--api ${text} is not an address of HTTP, such as http://127.0.0.1:7420`,
    exitCodes.usage,
  );
};

const apiUrl = ({ apiHost, apiPort }: CliConfig): string =>
  `http://${apiHost.includes(':') ? `[${apiHost}]` : apiHost}:${apiPort}`;
