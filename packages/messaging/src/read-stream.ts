/**
 * Reads what a stream holds now, from a sequence on; resolves behind its end. Rejects with the signal's reason, with what
 * the handler threw, or with a `TransientError` when the stream has lost what was read of it.
 */
import type { Connection } from './connection.js';
import { TransientError } from './errors.js';
import { type FollowOptions, followStream } from './follow-stream.js';
import type { StoredMessage } from './stream-access.js';

export interface ReadOptions extends Omit<FollowOptions, 'handler'> {
  handler: (messages: readonly StoredMessage[]) => Promise<void> | void;
}

export async function readStream(connection: Connection, options: ReadOptions): Promise<void> {
  const end = new AbortController();
  const outcome = await followStream(connection, {
    ...options,
    signal: AbortSignal.any([options.signal, end.signal]),
    handler: async (messages, { caughtUp }) => {
      if (messages.length > 0) await options.handler(messages);
      if (caughtUp) end.abort();
    },
  });
  options.signal.throwIfAborted();
  if (outcome === 'rewound')
    throw new TransientError(`${options.stream} has lost what was read of it; to be read again`);
}
