/** Commands on their way to WORKFLOW_TASKS. */
import { type Publisher, TransientError } from '@signalbox/messaging';
import {
  encodeApprovalDecision,
  encodeCatalogCommand,
  encodeRunCommand,
  type WireMessage,
} from '@signalbox/protocol';
import type { OutgoingCommand } from './command-port.js';

export const encodeCommand = (outgoing: OutgoingCommand): WireMessage => {
  switch (outgoing.kind) {
    case 'run':
      return encodeRunCommand(outgoing.command);
    case 'catalog':
      return encodeCatalogCommand(outgoing.command);
    case 'decision':
      return encodeApprovalDecision(outgoing.command);
  }
};

export interface CommandOutlet {
  /** Resolves when it is stored. @throws TransientError, ContractError */
  publish(message: WireMessage): Promise<void>;
}

/** `attach` gives it the publisher once there is a connection; until then everything is refused as transient. */
export const createCommandOutlet = (): CommandOutlet & {
  attach(publisher: Pick<Publisher, 'publish'>): void;
} => {
  let publisher: Pick<Publisher, 'publish'> | undefined;
  return {
    attach: (attached) => {
      publisher = attached;
    },
    publish: async (message) => {
      if (publisher === undefined) throw new TransientError('there is no connection to the bus yet');
      await publisher.publish(message);
    },
  };
};
