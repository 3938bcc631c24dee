/**
 * Answers what comes on one connection one after the other, as HTTP/1.1 has them answered anyway: a client that sends a
 * thousand requests without waiting (pipelining) would otherwise have a thousand places where others have one, and what
 * it does not read would be kept a thousand times.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** More is no client's habit. */
export const maxWaitingRequests = 32;

export class Pipeline {
  /** By connection of which a request is being answered: what waits behind that. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();
  /** Ends with the refusal: what comes behind it is not answered, and must not be done. */
  readonly #refused = new WeakSet<Socket>();

  /**
   * Calls `answer` when all that came before it on its connection is answered; false where too many wait already, and from
   * then on.
   */
  enter({ socket }: IncomingMessage, response: ServerResponse, answer: () => void): boolean {
    if (this.#refused.has(socket)) return false;
    const begin = (): void => {
      response.once('close', () => this.#next(socket));
      answer();
    };
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      begin();
      return true;
    }
    if (waiting.length >= maxWaitingRequests) {
      this.#refused.add(socket);
      return false;
    }
    waiting.push(begin);
    return true;
  }

  #next(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift();
    if (next === undefined) this.#waiting.delete(socket);
    else next();
  }
}
