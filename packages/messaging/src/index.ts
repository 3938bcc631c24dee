export { type ConsumerDeclaration, ContractError, type StreamDeclaration } from '@signalbox/protocol';
export { type Answer, answerCalls, call } from './call.js';
export {
  type Connection,
  type ConnectionOptions,
  type ConnectionStatus,
  isClustered,
  onDisconnect,
  onDisturbance,
  onReconnect,
  openConnection,
} from './connection.js';
export {
  type ConsumeBatchesOptions,
  type ConsumedSource,
  type ConsumeEachOptions,
  type ConsumeOptions,
  type ConsumeSource,
  type Consumption,
  consumeBatches,
  consumeEach,
} from './consume.js';
export {
  createDeadLetterReporter,
  type DeadLetterReason,
  type DeadLetterReporter,
  type DeadLetterReporterOptions,
  deadLetterOf,
  fittingDeadLetter,
  type GivenUp,
  isCutSubject,
  withinLimits,
} from './dead-letter.js';
export type { Delivery } from './delivery.js';
export { ForbiddenError, InvariantViolation, TooLargeError, TransientError } from './errors.js';
export { fence } from './fence.js';
export { type FollowEnd, type FollowOptions, followStream } from './follow-stream.js';
export { type IncomingBytes, textOf } from './incoming-text.js';
export { type KeepProvisionedOptions, type KeptProvisioned, keepProvisioned } from './keep-provisioned.js';
export {
  type LiveMessage,
  type LiveSubscription,
  publishLive,
  subscribeLive,
} from './live.js';
export type { MessageHeaders } from './message-headers.js';
export type { OutgoingMessage } from './outgoing.js';
export { pause } from './pause.js';
export { consumerNames, type Drift, provision, remakeConsumer, type Topology } from './provision.js';
export type { PublishOutcome } from './pub-ack.js';
export { publishUntilStored } from './publish-until-stored.js';
export {
  createPublisher,
  PublishError,
  type Publisher,
  type PublisherOptions,
} from './publisher.js';
export { type ReadOptions, readStream } from './read-stream.js';
export { createRounds, type Rounds } from './rounds.js';
export type { RowKind } from './row.js';
export { type SettleTaskOptions, settleTask } from './settle-task.js';
export { listenForSigns } from './signs-of-life.js';
export {
  type ClaimedMessage,
  deleteMessage,
  deleteStream,
  findStreamFacts,
  getMessage,
  isAheadOfStream,
  readClaimed,
  readForward,
  readLast,
  readMessages,
  readNewest,
  readNext,
  readStreamFacts,
  type StoredMessage,
  type StreamFacts,
  setStreamDescription,
} from './stream-access.js';
export { TipAnnouncer } from './tip-announcer.js';
