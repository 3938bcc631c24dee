/**
 * Owns what the client library calls when it hears something. It calls from within the loop that reads its socket, and
 * an exception ends that loop: the connection would stay open and hear nothing more. So nobody else subscribes there.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import type { Logger } from '@signalbox/telemetry';
import { createSeldom, warnSeldom } from './seldom.js';
import { kindOf } from './subject-filter.js';

/** `onRefused`: the server does not let this user hear; the connection's log tells it, too. */
export type Listen = (
  subject: string,
  onMessage: (message: Msg) => void,
  onRefused?: (error: Error) => void,
) => Subscription;

/** What a listener throws is said, seldom, and the message is left out. */
export const createListen = (nats: NatsConnection, logger: Logger): Listen => {
  const seldom = createSeldom();
  const tell = (subject: string, error: unknown): void => {
    warnSeldom(seldom, kindOf(subject), logger, 'what was heard cannot be read and is left out', {
      subject,
      error,
    });
  };
  return (subject, onMessage, onRefused) =>
    nats.subscribe(subject, {
      callback: (refusal, message) => {
        try {
          if (refusal === null) onMessage(message);
          else onRefused?.(refusal);
        } catch (error) {
          tell(subject, error);
        }
      },
    });
};
