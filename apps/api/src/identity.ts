/** How ids are made: of commands, and of runs with and without an idempotency key. */
import { createHash, randomBytes } from 'node:crypto';

/** UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits. Ids sort by the time they were made at. */
export const createUuidV7 = (now: number = Date.now()): string => {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return formatUuid(bytes, 7);
};

/**
 * The run that an idempotency key stands for, as UUID version 8: the same on every replica, at every time,
 * so that two replicas which get the same request at once start one run.
 */
export const runIdOfKey = (workspace: string, idempotencyKey: string): string => {
  const digest = createHash('sha256')
    .update(JSON.stringify([workspace, idempotencyKey]))
    .digest();
  return formatUuid(digest.subarray(0, 16), 8);
};

const formatUuid = (bytes: Buffer, version: 7 | 8): string => {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
