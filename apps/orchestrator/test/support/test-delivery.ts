import type { Delivery } from '@signalbox/messaging';
import { ownConsumers } from '../../src/task-queue.js';
import { isOn } from './memory-bus.js';

/** A message in a test's hand: what the orchestrator answers to it can be read. */
export class TestDelivery implements Delivery {
  readonly stream = 'WORKFLOW_TASKS';
  readonly headers = {};
  readonly pendingCount = 0;
  answer: 'ack' | 'nak' | 'term' | undefined;
  workingCount = 0;
  isCurrent = true;

  get consumer(): string {
    return ownConsumers.find(({ filterSubject }) => isOn(filterSubject)(this))?.durable ?? 'nobody';
  }

  constructor(
    readonly subject: string,
    readonly data: Uint8Array,
    readonly streamSequence: number,
    readonly storedAt: number,
    readonly deliveryCount = 1,
  ) {}

  get isSettled(): boolean {
    return this.answer !== undefined;
  }
  ack(): void {
    this.answer ??= 'ack';
  }
  nak(): void {
    this.answer ??= 'nak';
  }
  term(): void {
    this.answer ??= 'term';
  }
  working(): void {
    this.workingCount += 1;
  }
}
