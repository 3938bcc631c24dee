/**
 * How long a thread has had the processor, in milliseconds, as Linux keeps it: up to the length of a tick late. Elsewhere, and
 * where the kernel does not count, the monotonic clock takes its place.
 */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';

export interface ThreadTime {
  read(): number;
  close(): void;
}

/** Names the thread that asks, for another one that wants to know its time; undefined where the system does not say. */
export const threadId = (): number | undefined => {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return undefined;
  }
};

const wallTime: ThreadTime = { read: () => performance.now(), close: () => undefined };

/** Of a thread of this process that has begun to run; of one that has ended, what was read last. */
export const openThreadTime = (id: number | undefined): ThreadTime => {
  if (id === undefined) return wallTime;
  try {
    const file = openSync(`/proc/self/task/${id}/schedstat`, 'r');
    const buffer = Buffer.alloc(64);
    let last = 0;
    const read = (): number => {
      try {
        const length = readSync(file, buffer, 0, buffer.length, 0);
        last = Number.parseInt(buffer.toString('latin1', 0, length), 10) / 1e6;
      } catch {
        // The thread has ended.
      }
      return last;
    };
    const close = (): void => closeSync(file);
    if (read() > 0) return { read, close };
    close();
  } catch {
    // Not every system has it.
  }
  return wallTime;
};
