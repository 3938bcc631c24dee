/** The command port over WORKFLOW_TASKS. */
import { type Publisher, TransientError } from '@signalbox/messaging';
import {
  encodeApprovalDecision,
  encodeCatalogCommand,
  encodeRunCommand,
  type WireMessage,
} from '@signalbox/protocol';
import type { CommandPort, OutgoingCommand } from './command-port.js';

const encode = (outgoing: OutgoingCommand): WireMessage => {
  switch (outgoing.kind) {
    case 'run':
      return encodeRunCommand(outgoing.command);
    case 'catalog':
      return encodeCatalogCommand(outgoing.command);
    case 'decision':
      return encodeApprovalDecision(outgoing.command);
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
      await publisher.publish(encode(outgoing));
    },
  };
};
