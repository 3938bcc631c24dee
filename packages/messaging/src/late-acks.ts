/**
 * Acknowledgements of deliveries, which go out with what is published next, or soon by themselves: a write to the socket and
 * the server's waking for it cost more than all else that an acknowledgement does. Until then the server counts the
 * delivery as under way; after a crash it delivers it again, as it does for each that was not acknowledged yet.
 */
import type { Msg } from '@nats-io/nats-core';

const latestMs = 25;
const ack = Buffer.from('+ACK');

export class LateAcks {
  #waiting: Msg[] = [];
  #timer: NodeJS.Timeout | undefined;

  add(message: Msg): void {
    this.#waiting.push(message);
    // Not ended by what is sent before: where one delivery follows another, each would make a timer and end it.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.send();
    }, latestMs);
  }

  /** To be called where something is being sent. */
  send(): void {
    if (this.#waiting.length === 0) return;
    const going = this.#waiting;
    this.#waiting = [];
    for (const message of going) message.respond(ack);
  }

  /** The connection that they came on is lost: on another one their numbers may mean other messages. */
  forget(): void {
    this.#waiting = [];
  }
}
