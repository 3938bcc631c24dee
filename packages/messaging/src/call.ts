/** Owns questions that a living process answers at once, without a stream: whoever is not there is not heard. */
import { errors } from '@nats-io/nats-core';
import { attempt, type Connection, linkOf } from './connection.js';
import type { LiveSubscription } from './live.js';

/** `nobody`: no process listens on the subject. `silence`: one does, and has not answered in time. */
export type Answer =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'nobody' | 'silence' };

/** Answers questions on a subject until it is closed; undefined leaves a question to others. */
export function answerCalls(
  connection: Connection,
  subject: string,
  answer: (text: string) => string | undefined,
): LiveSubscription {
  const { nats } = linkOf(connection);
  const subscription = nats.subscribe(subject, {
    callback: (_error, message) => {
      const text = answer(message.string());
      if (text !== undefined) message.respond(text);
    },
  });
  return { ready: nats.flush().catch(() => undefined), close: () => subscription.unsubscribe() };
}

/** Asks, and takes the first answer. Throws `TransientError` when the connection is down. */
export async function call(
  connection: Connection,
  subject: string,
  text: string,
  timeoutMs: number,
): Promise<Answer> {
  const { nats } = linkOf(connection);
  return attempt(connection, `asking on ${subject}`, async (): Promise<Answer> => {
    try {
      const reply = await nats.request(subject, text, { timeout: timeoutMs });
      return { kind: 'answer', text: reply.string() };
    } catch (error) {
      if (error instanceof errors.RequestError && error.isNoResponders()) return { kind: 'nobody' };
      if (error instanceof errors.TimeoutError) return { kind: 'silence' };
      throw error;
    }
  });
}
