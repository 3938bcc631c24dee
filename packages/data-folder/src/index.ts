export { type Checkpoints, startCheckpoints } from './checkpoints.js';
export { type Lock, takeLock } from './lock.js';
export { limitLog, logBytesOfPage } from './log-limit.js';
export { openDataFolder, protectDatabase } from './rights.js';
export { isStoreFailure, storeFailureOf } from './store-failure.js';
