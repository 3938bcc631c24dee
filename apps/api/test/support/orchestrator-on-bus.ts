/** The in-memory orchestrator on a real bus: it takes the api's commands from the streams and publishes its events. */
import { type Consumption, consumeEach, textOf } from '@signalbox/messaging';
import {
  consumers,
  decodeApprovalTask,
  decodeCatalogCommand,
  decodeRunCommand,
  type IncomingText,
  parseTaskSubject,
  streamDeclarations,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import type { TestBus } from '@signalbox/testing';
import type { OutgoingCommand } from '../../src/commands/command-port.js';
import { InMemoryOrchestrator } from './in-memory-orchestrator.js';

const claimed = [consumers.orchestratorRun, consumers.orchestratorCatalog, consumers.approvalService];

export const topology = { streams: streamDeclarations(), consumers: claimed };

const decode = (incoming: IncomingText): OutgoingCommand | undefined => {
  switch (parseTaskSubject(incoming.subject).kind) {
    case 'run':
      return { kind: 'run', command: decodeRunCommand(incoming) };
    case 'catalog':
      return { kind: 'catalog', command: decodeCatalogCommand(incoming) };
    default: {
      const task = decodeApprovalTask(incoming);
      return task.type === 'decision' ? { kind: 'decision', command: task } : undefined;
    }
  }
};

export const startOrchestratorOnBus = (bus: TestBus) => {
  const orchestrator = new InMemoryOrchestrator();
  const logger = createLogger({ service: 'test', level: 'silent' });
  let published: Promise<unknown> = Promise.resolve();
  orchestrator.onMessage = ({ subject, data, sequence }) => {
    published = Promise.all([published, bus.publisher.publish({ subject, id: `event-${sequence}`, data })]);
  };
  const consumptions: Consumption[] = claimed.map(({ stream, durable }) =>
    consumeEach(bus.connection, {
      stream,
      durable,
      maxInFlight: 1,
      logger,
      handler: async (delivery) => {
        const command = decode(textOf(delivery));
        if (command !== undefined) await orchestrator.send(command);
        await published;
        delivery.ack();
      },
    }),
  );
  return {
    orchestrator,
    /** Resolves when everything so far is on the stream. */
    flush: () => published,
    stop: async () => {
      await Promise.all(consumptions.map((consumption) => consumption.stop()));
    },
  };
};
