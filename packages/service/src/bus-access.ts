/**
 * How a process proves itself to nats-server, and the server to it. Files are read once, at the start: a path that
 * cannot be read stops the process with the name of the setting, not minutes later with a refused connection.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
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
  if (!isCertificate(ca))
    problems.push(`${settings.natsTlsCa.env}=${parsed.natsTlsCa}: is no certificate in PEM`);
  if (!isCertificate(cert))
    problems.push(`${settings.natsTlsCert.env}=${parsed.natsTlsCert}: is no certificate in PEM`);
  else if (!isKeyOf(cert, key))
    problems.push(
      `${settings.natsTlsKey.env}=${parsed.natsTlsKey}: is not the key of ${settings.natsTlsCert.env}`,
    );
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

/** Or absent. The first one of several counts. */
const isCertificate = (pem: string | undefined): boolean => {
  if (pem === undefined) return true;
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
};

const isKeyOf = (cert: string | undefined, key: string | undefined): boolean => {
  if (cert === undefined || key === undefined) return true;
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
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
