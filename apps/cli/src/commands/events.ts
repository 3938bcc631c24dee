import { openConnection, subscribeLive, textOf } from '@signalbox/messaging';
import { busUsers, ContractError, decodeEvent, type EventEnvelope, filters } from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import { Command } from 'commander';
import { refuseToWait } from '../bus-refusal.js';
import { contextOf } from '../context.js';
import { renderEvent } from '../event-line.js';
import { untilInterrupted } from '../interruption.js';
import { readTapLogin } from '../platform/tap-login.js';
import { printError } from '../terminal.js';

const asLine = ({ at, sequence, runId, data }: EventEnvelope): string => {
  const { type, ...rest } = data;
  const line = renderEvent({ at: new Date(at).toISOString(), sequence, type, data: rest });
  return runId === null ? line : `${runId}  ${line}`;
};

const tail = async (options: { run?: string }, command: Command): Promise<void> => {
  const { config, output } = contextOf(command);
  const logger = createLogger({
    service: 'cli',
    level: 'warn',
    write: printError,
  });
  const unanswered = new AbortController();
  const hasIdentity = config.bus.login !== undefined || config.bus.credentials !== undefined;
  const login = hasIdentity ? undefined : await readTapLogin(config.dataDir, config.natsUrl);
  const connection = await openConnection({
    ...config.bus,
    ...(login === undefined ? {} : { login }),
    inboxPrefix: busUsers.tap.inboxPrefix,
    apiPrefix: busUsers.tap.apiPrefix,
    name: 'signalbox-cli',
    logger,
    signal: unanswered.signal,
    onWaiting: refuseToWait(config.natsUrl, config.bus.tls !== undefined, (refusal) =>
      unanswered.abort(refusal),
    ),
  });
  const subjects =
    options.run === undefined ? [filters.allEvents] : filters.eventsOfRun(config.workspace, options.run);
  const subscriptions = subjects.map((subject) =>
    subscribeLive(connection, subject, (message) => {
      try {
        output.line(decodeEvent(textOf(message)), asLine);
      } catch (error) {
        if (!(error instanceof ContractError)) throw error;
        printError(`not an event: ${error.message}\n`);
      }
    }),
  );
  await untilInterrupted();
  for (const subscription of subscriptions) subscription.close();
  await connection.close();
};

export const eventCommands = (): Command => {
  const command = new Command('events').description('the log of everything that happens');
  command
    .command('tail')
    .description(
      'print events as they are published, straight from WORKFLOW_EVENTS (SIGNALBOX_NATS_URL), until interrupted',
    )
    .option('--run <id>', 'of this run only')
    .action(tail);
  return command;
};
