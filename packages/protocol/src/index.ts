export { type ApprovalTask, approvalTask } from './approval-task.js';
export { type CatalogCommand, catalogCommand } from './catalog-command.js';
export { type CatalogEventMessage, catalogEvent } from './catalog-event.js';
export {
  decodeEvent,
  type EventData,
  type EventEnvelope,
  encodeEvent,
  encodeEventAround,
  eventSubject,
} from './cloud-event.js';
export { ContractError } from './contract-error.js';
export { type DeadLetterReport, deadLetterReport, maxDeadLetterPayloadBytes } from './dead-letter.js';
export { headers, maxStepPayloadBytes, protocolVersion } from './headers.js';
export { type ResumeMessage, resumeMessage } from './resume-message.js';
export { type RunCommand, runCommand } from './run-command.js';
export { type RunEventMessage, runEvent } from './run-event.js';
export { actor, type IssueMessage, issue, type JsonValue, token } from './shapes.js';
export { type StepTask, stepTask } from './step-task.js';
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
  filters,
  parseTaskSubject,
  type TaskAddress,
  taskSubjects,
} from './subjects.js';
export {
  decodeApprovalTask,
  decodeCatalogCommand,
  decodeDeadLetterReport,
  decodeResumeMessage,
  decodeRunCommand,
  decodeStepTask,
  type IncomingText,
} from './task-codec.js';
