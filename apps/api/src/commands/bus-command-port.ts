/** The command port over WORKFLOW_TASKS. */
import { type Publisher, TransientError } from '@signalbox/messaging';
import { headers, protocolVersion, taskSubjects } from '@signalbox/protocol';
import type { CommandPort, OutgoingCommand } from './command-port.js';

const subjectOf = (outgoing: OutgoingCommand): string => {
  switch (outgoing.kind) {
    case 'run':
      return taskSubjects.run(outgoing.command.runId);
    case 'catalog':
      return taskSubjects.catalog(outgoing.command.workspace);
    case 'decision':
      return taskSubjects.approval(outgoing.command.runId, outgoing.command.approvalId);
  }
};

/** `attach` gives it the publisher once there is a connection; until then every send is refused as transient. */
export const createBusCommandPort = (): CommandPort & { attach(publisher: Publisher): void } => {
  let publisher: Publisher | undefined;
  return {
    attach: (attached) => {
      publisher = attached;
    },
    send: async (outgoing) => {
      if (publisher === undefined) throw new TransientError('there is no connection to the bus yet');
      await publisher.publish({
        subject: subjectOf(outgoing),
        id: outgoing.command.commandId,
        headers: { [headers.version]: protocolVersion },
        data: JSON.stringify(outgoing.command),
      });
    },
  };
};
