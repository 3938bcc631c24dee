export type {
  Completion,
  ModelAnswer,
  ModelConfig,
  ModelMessage,
  ModelProvider,
  ModelRequest,
  ModelUsage,
} from './model-provider.js';
export { createScriptedProvider, scriptedProviderName } from './scripted/scripted-provider.js';
