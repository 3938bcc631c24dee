export { actor, anonymousActor, canonicalActor } from './actor.js';
export {
  type ApprovalDecision,
  type ApprovalRequest,
  type ApprovalTask,
  approvalTask,
} from './approval-task.js';
export { type CatalogCommand, catalogCommand } from './catalog-command.js';
export { type CatalogEventMessage, catalogEvent } from './catalog-event.js';
export {
  decodeEvent,
  type EventData,
  type EventEnvelope,
  encodeEvent,
  encodeEventAround,
} from './cloud-event.js';
export { ContractError } from './contract-error.js';
export { beginningOf, shortened } from './cut.js';
export {
  type DeadLetterReport,
  deadLetterId,
  deadLetterLimits,
  deadLetterReport,
  maxDeadLetterPayloadBytes,
} from './dead-letter.js';
export {
  claimInTask,
  encodeApprovalDecision,
  encodeApprovalJudgement,
  encodeApprovalRequest,
  encodeCatalogCommand,
  encodeChildEnded,
  encodeDeadLetterReport,
  encodeOwnRunCommand,
  encodeRunCommand,
  encodeStepReport,
  encodeStepTask,
  stepTaskSubject,
} from './encode-task.js';
export { decodeFigures, encodeFigures, type OrchestratorFigures } from './figures.js';
export { headers, maxStepPayloadBytes } from './headers.js';
export type { IncomingText } from './incoming-text.js';
export { maxCommentLength, maxIdempotencyKeyLength, maxNameLength, maxReasonLength } from './limits.js';
export { type BusImport, type BusUser, busUsers, busUsersFor } from './permissions.js';
export { decodeCard, encodeCard, type OrchestratorCard } from './presence.js';
export type {
  ApprovalJudgement,
  ChildEnded,
  IncomingResume,
  ResumeMessage,
  StepReport,
  StepReporter,
} from './resume-message.js';
export { type RunCommand, runCommand } from './run-command.js';
export { type RunEventMessage, runEvent } from './run-event.js';
export { attemptKeyOf, type RunKey, type RunRef, runKeyOf, runOfKey } from './run-key.js';
export { type IssueMessage, id, issue, type JsonValue } from './shapes.js';
export { reporterOf, type StepTarget, type StepTask, stepTask } from './step-task.js';
export { describeStream, readStreamIdentity, type StreamIdentity } from './stream-identity.js';
export {
  type ConsumerDeclaration,
  consumers,
  EVENTS,
  heartbeatMs,
  type StreamDeclaration,
  type StreamSettings,
  streamDeclarations,
  TASKS,
} from './streams.js';
export {
  eventSubjects,
  figuresSubjects,
  filters,
  heldSubjectOf,
  isAttemptTask,
  isDeadLetterEvent,
  isEvent,
  parseTaskSubject,
  presenceSubjects,
  type TaskAddress,
  taskSubjects,
  tipSubjectOf,
  workspaceOfAgentTask,
  workspaceOfSubject,
} from './subjects.js';

export {
  decodeApprovalTask,
  decodeCatalogCommand,
  decodeDeadLetterReport,
  decodeResumeMessage,
  decodeRunCommand,
  decodeStepTask,
} from './task-codec.js';
export { decodeTip, encodeTip, type Tip } from './tip.js';
export { repeatedMessage, type WireMessage, wireMessage } from './wire-message.js';
