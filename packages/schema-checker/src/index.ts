export { type CheckOptions, checkSubset, type SubsetResult } from './check-subset.js';
export { type CompiledPattern, compilePattern, type LinearPattern } from './compile-pattern.js';
export { type Dialect, detectDialect } from './dialect.js';
export type { Validity } from './evaluate.js';
export type { StepBudget } from './fuel.js';
export { isValid, type ValidityOptions } from './is-valid.js';
export { canonicalText, type Json } from './json.js';
export type { Reason, ReasonKind } from './reason.js';
export { type SchemaAtPath, type SchemaPath, schemaAtPath } from './schema-at-path.js';
