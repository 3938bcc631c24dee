/**
 * Reads a file that somebody named, whatever it is: only a regular file of a bounded size is read, and everything else
 * (a folder, a pipe that nobody writes to, a device without an end, a link to itself) is an error that says so.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { limits, readUtf8 } from '@signalbox/dsl';
import { CliError, exitCodes } from './exit-code.js';

const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'it is a link that leads back to itself',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ENXIO: 'it is a socket or a device, not a file',
};

export const meaningOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === undefined ? undefined : meanings[code]) ?? message;
};

const fail = (file: string, why: string): never => {
  throw new CliError(`${file} cannot be read: ${why}`, exitCodes.data);
};

/** @throws CliError */
export const readRegularFile = async (
  file: string,
  maxBytes: number = limits.maxTextBytes,
): Promise<Uint8Array> => {
  // Without waiting for the other end of a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    fail(file, meaningOf(error)),
  );
  try {
    return await readHandle(handle, file, maxBytes);
  } finally {
    await handle.close();
  }
};

const readHandle = async (handle: FileHandle, file: string, maxBytes: number): Promise<Uint8Array> => {
  const facts = await handle.stat();
  if (!facts.isFile())
    return fail(file, facts.isDirectory() ? 'it is a folder' : 'it is a pipe, socket or device, not a file');
  // Its size is no measure: it may grow while it is read.
  const bytes = Buffer.allocUnsafe(maxBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle
      .read(bytes, length, bytes.length - length)
      .catch((error: unknown) => fail(file, meaningOf(error)));
    length += bytesRead;
    if (bytesRead === 0 || length === bytes.length) break;
  }
  if (length > maxBytes) return fail(file, `it is larger than the limit of ${maxBytes} bytes`);
  return bytes.subarray(0, length);
};

/** @throws CliError also where it is not UTF-8 */
export const readTextFile = async (file: string): Promise<string> => {
  const read = readUtf8(await readRegularFile(file));
  if (read.ok) return read.text;
  const { line, column, message } = read.fault;
  throw new CliError(`${file}:${line}:${column}  ${message}`, exitCodes.data);
};
