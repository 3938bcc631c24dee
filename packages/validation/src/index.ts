export { type CheckOutcome, CheckThreads, type CheckThreadsOptions } from './check-threads.js';
export { createLanguage, type Language } from './language.js';
export {
  createSchemaCheck,
  type SchemaCheck,
  type SchemaCheckOptions,
  type SchemaVerdict,
} from './schema-check.js';
export type {
  AnswerOf,
  CheckedWorkflow,
  KnownItem,
  KnownItems,
  Question,
} from './thread-request.js';
