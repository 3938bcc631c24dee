/** A write: send the command, wait for the event that it causes. */
import type { EventEnvelope } from '@signalbox/protocol';
import { refusalProblem } from '../http/problem.js';
import type { Refusal } from '../read-model/event-codec.js';
import type { CommandPort, OutgoingCommand } from './command-port.js';
import type { Confirmations } from './confirmations.js';

export type Submission =
  | { readonly kind: 'done'; readonly event: EventEnvelope }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Durably queued; its event has not come in time. */
  | { readonly kind: 'unconfirmed' };

export type Submit = (command: OutgoingCommand) => Promise<Submission>;

/** The returned function throws what the port's `send` throws. */
export const createSubmit =
  (port: CommandPort, confirmations: Confirmations): Submit =>
  async (command) => {
    const confirmation = confirmations.expect(command.command.commandId);
    try {
      await port.send(command);
    } catch (error) {
      confirmation.cancel();
      throw error;
    }
    return (await confirmation.outcome) ?? { kind: 'unconfirmed' };
  };

/** The same, with a refusal as the problem that the client is told. @throws Problem */
export const orProblem = (submission: Submission): Exclude<Submission, { kind: 'refused' }> => {
  if (submission.kind !== 'refused') return submission;
  const { code, message, issues } = submission.refusal;
  throw refusalProblem(code, message, issues);
};
