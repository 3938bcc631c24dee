export { type BusAccess, busAccessOf, busSettings } from './bus-access.js';
export { CannotRun } from './cannot-run.js';
export {
  exitCodes,
  type ReadyMessage,
  runService,
  type ServiceContext,
  type ServiceDefinition,
} from './run-service.js';
export { Scope } from './scope.js';
export {
  type Environment,
  optionalSetting,
  parseSettings,
  type Setting,
  SettingsError,
  type SettingsOf,
  type SettingsShape,
  setting,
  settings,
  settingTypes,
  streamSettings,
  streamsOf,
} from './settings.js';
export type { WaitFor } from './tell-waits.js';
export { openThreadTime, type ThreadTime, threadId } from './thread-time.js';
