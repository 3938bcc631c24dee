/**
 * Knows every durable consumer that there has to be: this process's own, those of the workers, of the approval service
 * and of each workspace's agents. Nobody else makes any; everybody else waits until they are there.
 *
 * An agent's consumer is made with the first task for it: what the stream keeps before that, it delivers too. The
 * workspace of the settings has one from the start.
 */
import { type Connection, provision } from '@signalbox/messaging';
import { type ConsumerDeclaration, consumers, workspaceOfAgentTask } from '@signalbox/protocol';
import { ownConsumers } from './task-queue.js';

export interface DurableConsumersParts {
  readonly connection: Connection;
  /** Its agents are expected before there is work for them. */
  readonly workspace: string;
  readonly signal: AbortSignal;
  readonly fail: (cause: unknown) => void;
}

export class DurableConsumers {
  readonly #parts: DurableConsumersParts;
  readonly #workspaces: Set<string>;
  readonly #declared: ConsumerDeclaration[];

  constructor(parts: DurableConsumersParts) {
    this.#parts = parts;
    this.#workspaces = new Set([parts.workspace]);
    this.#declared = [
      ...ownConsumers,
      consumers.stepWorker,
      consumers.evaluator,
      consumers.approvalService,
      consumers.agent(parts.workspace),
    ];
  }

  /** Grows with each workspace that has work for an agent. */
  get declared(): readonly ConsumerDeclaration[] {
    return this.#declared;
  }

  /** To be told of what is sent, so that the agents it is for can claim it. */
  noteSent(messages: readonly { readonly subject: string }[]): void {
    for (const { subject } of messages) {
      const workspace = workspaceOfAgentTask(subject);
      if (workspace !== undefined && !this.#workspaces.has(workspace)) this.#add(workspace);
    }
  }

  #add(workspace: string): void {
    const { connection, signal, fail } = this.#parts;
    const consumer = consumers.agent(workspace);
    this.#workspaces.add(workspace);
    this.#declared.push(consumer);
    // Nothing waits for it: the task is kept until somebody claims it.
    provision(connection, { streams: [], consumers: [consumer] }, { signal }).catch((error: unknown) => {
      if (!signal.aborted) fail(error);
    });
  }
}
