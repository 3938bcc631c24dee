/**
 * Speaks to the platform as any client of its streams would: commands go out as tasks, progress is seen on the log.
 */
import { randomUUID } from 'node:crypto';
import {
  type Connection,
  createPublisher,
  openConnection,
  type Publisher,
  subscribeLive,
  textOf,
} from '@signalbox/messaging';
import {
  type CatalogCommand,
  decodeEvent,
  type EventEnvelope,
  encodeCatalogCommand,
  encodeRunCommand,
  filters,
  type RunCommand,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';

const workspace = 'default';
const actor = 'service:bench';
const text = new TextDecoder();

export interface Driver {
  putWorkflow(source: string): Promise<void>;
  putAgent(name: string, source: string): Promise<void>;
  /** Starts runs at once and resolves when all have ended; `onStep` sees each step's end as it arrives. */
  run(workflowId: string, inputs: readonly unknown[], onStep?: () => void): Promise<void>;
  close(): Promise<void>;
}

export const openDriver = async (natsUrl: string): Promise<Driver> => {
  const logger = createLogger({ service: 'bench', level: 'warn' });
  const connection = await openConnection({ url: natsUrl, name: 'bench', logger });
  const publisher = createPublisher(connection);
  return {
    putWorkflow: (source) => catalog(connection, publisher, { type: 'put_workflow', mode: 'put', source }),
    putAgent: (name, source) => catalog(connection, publisher, { type: 'put_agent', name, source }),
    run: (workflowId, inputs, onStep) => runAll(connection, publisher, workflowId, inputs, onStep),
    close: async () => {
      publisher.close();
      await connection.close();
    },
  };
};

type CatalogBody = CatalogCommand extends infer C
  ? C extends CatalogCommand
    ? Omit<C, keyof CatalogBase>
    : never
  : never;
type CatalogBase = Pick<CatalogCommand, 'commandId' | 'workspace' | 'actor' | 'issuedAt'>;

const catalog = async (connection: Connection, publisher: Publisher, body: CatalogBody): Promise<void> => {
  const commandId = randomUUID();
  const answered = once(connection, filters.allCatalogEvents, (event) => event.causationId === commandId);
  await answered.ready;
  await publisher.publish(
    encodeCatalogCommand({ commandId, workspace, actor, issuedAt: Date.now(), ...body }),
  );
  const event = await answered.event;
  if (event.data.type === 'catalog.command_refused') {
    throw new Error(`${event.data.message} ${JSON.stringify(event.data.issues ?? [])}`);
  }
};

const once = (connection: Connection, subject: string, wanted: (event: EventEnvelope) => boolean) => {
  let resolve: (event: EventEnvelope) => void = () => undefined;
  const event = new Promise<EventEnvelope>((done) => {
    resolve = done;
  });
  const subscription = subscribeLive(connection, subject, (message) => {
    const decoded = decodeEvent(textOf(message));
    if (!wanted(decoded)) return;
    subscription.close();
    resolve(decoded);
  });
  return { ready: subscription.ready, event };
};

const runAll = async (
  connection: Connection,
  publisher: Publisher,
  workflowId: string,
  inputs: readonly unknown[],
  onStep?: () => void,
): Promise<void> => {
  const left = new Set<string>();
  let finish: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const all = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const runs = subscribeLive(connection, filters.allRunEvents, (message) => {
    const ended = endOf(text.decode(message.data));
    if (ended === undefined || !left.delete(message.subject.slice(message.subject.lastIndexOf('.') + 1)))
      return;
    if (ended !== 'signalbox.run.completed') fail(new Error(`a run ended with ${ended}`));
    if (left.size === 0) finish();
  });
  const steps = onStep === undefined ? undefined : watchSteps(connection, onStep);
  await Promise.all([runs.ready, steps?.ready]);
  const messages = inputs.map((input) => {
    const runId = randomUUID();
    left.add(runId);
    const command: RunCommand = {
      type: 'start',
      commandId: randomUUID(),
      runId,
      workspace,
      actor,
      issuedAt: Date.now(),
      workflowId,
      input: input as RunCommand extends { input: infer I } ? I : never,
    };
    return encodeRunCommand(command);
  });
  await publisher.publishAll(messages);
  await all;
  runs.close();
  steps?.close();
};

const watchSteps = (connection: Connection, onStep: () => void) =>
  subscribeLive(connection, filters.allStepEvents, (message) => {
    if (text.decode(message.data).includes('"type":"signalbox.step.succeeded"')) onStep();
  });

/** The type of the event if it ends a run. Looks at the text only: the driver's own cost is part of the measurement. */
const endOf = (event: string): string | undefined =>
  /"type":"(signalbox\.run\.(?:completed|failed|cancelled|timed_out|command_refused))"/.exec(event)?.[1];
