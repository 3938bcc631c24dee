/** Owns questions that a living process answers at once, without a stream: whoever is not there is not heard. */
import type { Msg } from '@nats-io/nats-core';
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
  const { nats, listen } = linkOf(connection);
  const subscription = listen(subject, (message) => {
    const text = answer(message.string());
    if (text !== undefined) message.respond(text);
  });
  return { ready: nats.flush().catch(() => undefined), close: () => subscription.unsubscribe() };
}

/**
 * Asks, and takes the first answer. Whether anybody listens is not a matter of time: the server says so before it
 * answers the flush behind the question, so a slow machine is not taken for a silent process.
 * Throws `TransientError` when the connection is down.
 */
export async function call(
  connection: Connection,
  subject: string,
  text: string,
  timeoutMs: number,
): Promise<Answer> {
  const { nats, listen, newInbox } = linkOf(connection);
  return attempt(connection, `asking on ${subject}`, async (): Promise<Answer> => {
    const inbox = newInbox();
    let hear: (answer: Answer) => void = () => undefined;
    const heard = new Promise<Answer>((resolve) => {
      hear = resolve;
    });
    const subscription = listen(inbox, (message) =>
      hear(isNobody(message) ? { kind: 'nobody' } : { kind: 'answer', text: message.string() }),
    );
    let timer: NodeJS.Timeout | undefined;
    try {
      nats.publish(subject, text, { reply: inbox });
      await nats.flush();
      // An answer that came while this process was busy has not been read yet when the time is up.
      timer = setTimeout(() => setImmediate(() => hear({ kind: 'silence' })), timeoutMs);
      return await heard;
    } finally {
      clearTimeout(timer);
      subscription.unsubscribe();
    }
  });
}

const noRespondersCode = 503;

const isNobody = (message: Msg): boolean =>
  message.data.length === 0 && message.headers?.code === noRespondersCode;
