export {
  type Audit,
  audit,
  foldedRun,
  isLogWhole,
  type LoggedEvent,
  lastQueued,
  readLog,
  readStored,
  type StoredRun,
} from './auditor.js';
export { copyDatabase, dropDatabase, query, tablesOf } from './database-files.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export { repeatRun } from './many-runs.js';
export { type NatsServers, natsLabel } from './nats-servers.js';
export { type ProcessEnd, type SpawnedProcess, type SpawnOptions, spawnProcess } from './spawned-process.js';
export { startTestBus, type TestBus } from './test-bus.js';
export { VirtualClock } from './virtual-clock.js';
export { type ServiceName, startWorld, type World, type WorldOptions } from './world.js';
