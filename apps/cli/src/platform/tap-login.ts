/** The password that `signalbox dev` leaves in its data folder, so that its owner can follow the events of its server. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerLogin } from '@signalbox/embedded-nats';
import { busUsers } from '@signalbox/protocol';
import { z } from 'zod';

const shape = z.object({ url: z.string(), user: z.string(), password: z.string() });
export type TapLogin = z.infer<typeof shape>;

const fileIn = (dataDir: string): string => join(dataDir, 'nats-tap.json');

export const writeTapLogin = async (
  dataDir: string,
  url: string,
  logins: readonly ServerLogin[],
): Promise<void> => {
  const login = logins.find(({ name }) => name === busUsers.tap.name);
  if (login === undefined) return;
  const file = fileIn(dataDir);
  const text = JSON.stringify({ url, user: login.name, password: login.password });
  await writeFile(file, `${text}\n`, { mode: 0o600 });
  // One of a former start may have been made with wider rights.
  await chmod(file, 0o600);
};

/** Undefined where no `signalbox dev` has been on that folder, or with another address. */
export const readTapLogin = async (dataDir: string, url: string): Promise<TapLogin | undefined> => {
  const text = await readFile(fileIn(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const login = shape.parse(JSON.parse(text));
  return login.url === url ? login : undefined;
};
