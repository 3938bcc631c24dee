export { type Checkpoints, startCheckpoints } from './checkpoints.js';
export { type Lock, takeLock } from './lock.js';
export { limitLog, logBytesOfPage } from './log-limit.js';
export { openDataFolder, protectDatabase } from './rights.js';
export { type SameFileWatch, watchSameFile } from './same-file.js';
export { isStoreFailure, storeFailureOf } from './store-failure.js';
