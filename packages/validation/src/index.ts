export { createLanguage, type Language } from './language.js';
export {
  createSchemaCheck,
  type SchemaCheck,
  type SchemaCheckOptions,
  type SchemaVerdict,
} from './schema-check.js';
