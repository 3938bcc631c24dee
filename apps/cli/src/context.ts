/** What every command gets: settings, output, and the api when it asks for it. */
import type { Command } from 'commander';
import { type ApiClient, createApiClient } from './api-client.js';
import { type CliConfig, loadConfig } from './config.js';
import { createOutput, type Output } from './output.js';

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
  const options = command.optsWithGlobals<GlobalOptions>();
  const config = loadConfig(process.env);
  return {
    config,
    output: createOutput(options.json === true, (text) => void process.stdout.write(text)),
    api: createApiClient(options.api ?? apiUrl(config), options.as),
    actor: options.as,
  };
};

const apiUrl = ({ apiHost, apiPort }: CliConfig): string =>
  `http://${apiHost.includes(':') ? `[${apiHost}]` : apiHost}:${apiPort}`;
