/**
 * How a process proves itself to nats-server, and the server to it. Files are read once, at the start: a path that
 * cannot be read stops the process with the name of the setting, not minutes later with a refused connection.
 */
import { readFileSync } from 'node:fs';
import { type Setting, SettingsError, type SettingsOf, settings } from './settings.js';

/** What every process that connects to the bus reads. */
export const busSettings = {
  natsUrl: settings.natsUrl,
  natsUser: settings.natsUser,
  natsPassword: settings.natsPassword,
  natsCreds: settings.natsCreds,
  natsTlsCa: settings.natsTlsCa,
  natsTlsCert: settings.natsTlsCert,
  natsTlsKey: settings.natsTlsKey,
} as const;

export interface BusAccess {
  /** One address, or several of one cluster separated by commas. */
  readonly url: string;
  readonly login?: { readonly user: string; readonly password: string };
  /** The content of a credentials file. */
  readonly credentials?: Uint8Array;
  /** In PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** @throws SettingsError naming what contradicts or cannot be read. */
export const busAccessOf = (parsed: SettingsOf<typeof busSettings>): BusAccess => {
  const { natsUser: user, natsPassword: password } = parsed;
  const problems = contradictions(parsed);
  const read = (setting: Setting<unknown>, path: string | undefined): Buffer | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      problems.push(`${setting.env}=${path}: cannot be read (${String(error.code)})`);
      return undefined;
    }
  };
  const credentials = read(settings.natsCreds, parsed.natsCreds);
  const ca = read(settings.natsTlsCa, parsed.natsTlsCa)?.toString();
  const cert = read(settings.natsTlsCert, parsed.natsTlsCert)?.toString();
  const key = read(settings.natsTlsKey, parsed.natsTlsKey)?.toString();
  if (problems.length > 0) throw new SettingsError(problems);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return {
    url: parsed.natsUrl,
    ...(user === undefined || password === undefined ? {} : { login: { user, password } }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
};

const contradictions = (parsed: SettingsOf<typeof busSettings>): string[] => {
  const problems: string[] = [];
  const pair = (one: keyof typeof busSettings, other: keyof typeof busSettings): void => {
    if ((parsed[one] === undefined) === (parsed[other] === undefined)) return;
    const [given, missing] = parsed[one] === undefined ? [other, one] : [one, other];
    problems.push(`${settings[missing].env}: is needed with ${settings[given].env}`);
  };
  pair('natsUser', 'natsPassword');
  pair('natsTlsCert', 'natsTlsKey');
  if (parsed.natsCreds !== undefined && parsed.natsUser !== undefined)
    problems.push(`${settings.natsCreds.env}: cannot be given together with ${settings.natsUser.env}`);
  return problems;
};
