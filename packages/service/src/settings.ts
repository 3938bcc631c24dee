/**
 * Owns the names, defaults and descriptions of every setting, so that a name means the same in every process.
 * Each process picks what it needs in its `config.ts`; the list in the documentation is checked against this table.
 */
import { type LogLevel, logLevels } from '@signalbox/telemetry';
import { z } from 'zod';

export interface Setting<T> {
  readonly env: string;
  readonly description: string;
  readonly schema: z.ZodType<T, string>;
  /** As it would be written in the environment. Undefined: the setting may be absent. */
  readonly defaultText: string | undefined;
}

export type SettingsShape = Readonly<Record<string, Setting<unknown>>>;
export type SettingsOf<S extends SettingsShape> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting with a default. */
export function setting<T>(
  env: string,
  schema: z.ZodType<T, string>,
  defaultText: string,
  description: string,
) {
  return { env, schema, defaultText, description } satisfies Setting<T>;
}

/** A setting that may be absent. */
export function optionalSetting<T>(env: string, schema: z.ZodType<T, string>, description: string) {
  return { env, schema, defaultText: undefined, description } as Setting<T | undefined>;
}

export const settingTypes = {
  text: z.string().min(1) as z.ZodType<string, string>,
  /** One address or several of one cluster, separated by commas. */
  urls: z.string().superRefine((text, context) => {
    for (const each of text.split(','))
      if (!z.url({ protocol: /^(nats|tls|ws|wss)$/ }).safeParse(each).success)
        context.addIssue(`"${each}" is not an address such as nats://127.0.0.1:4222`);
  }) as z.ZodType<string, string>,
  flag: z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1'),
  integer: (min: number, max: number) =>
    z
      .string()
      .regex(/^-?\d+$/, 'must be a whole number')
      .transform(Number)
      .pipe(z.number().int().min(min).max(max)),
  /** What may be a token of a subject. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/, 'may hold 1 to 128 letters, digits, _ and - only') as z.ZodType<
    string,
    string
  >,
  logLevel: z.enum(logLevels) as z.ZodType<LogLevel, string>,
} as const;

const { text, urls, flag, integer, name, logLevel } = settingTypes;

export const settings = {
  natsEmbedded: setting(
    'SIGNALBOX_NATS_EMBEDDED',
    flag,
    'true',
    'Whether `signalbox dev` starts its own nats-server.',
  ),
  natsUrl: setting(
    'SIGNALBOX_NATS_URL',
    urls,
    'nats://127.0.0.1:4222',
    'Address of nats-server; several of one cluster are separated by commas.',
  ),
  natsUser: optionalSetting('SIGNALBOX_NATS_USER', text, 'The user of nats-server that the process is.'),
  natsPassword: optionalSetting('SIGNALBOX_NATS_PASSWORD', text, 'The password of that user.'),
  natsCreds: optionalSetting(
    'SIGNALBOX_NATS_CREDS',
    text,
    'A credentials file (JWT and seed), in place of user and password.',
  ),
  natsTlsCa: optionalSetting(
    'SIGNALBOX_NATS_TLS_CA',
    text,
    'A file with the certificates that may sign that of nats-server; turns TLS on.',
  ),
  natsTlsCert: optionalSetting(
    'SIGNALBOX_NATS_TLS_CERT',
    text,
    "A file with the process's own certificate, for a server that verifies its clients.",
  ),
  natsTlsKey: optionalSetting('SIGNALBOX_NATS_TLS_KEY', text, 'The file with the key of that certificate.'),
  natsServer: optionalSetting(
    'SIGNALBOX_NATS_SERVER',
    text,
    'Path of the nats-server binary; found by itself otherwise.',
  ),
  dataDir: setting('SIGNALBOX_DATA_DIR', text, '.signalbox', 'Folder for everything that is kept on disk.'),
  database: optionalSetting(
    'SIGNALBOX_DATABASE',
    text,
    "The orchestrator's SQLite file; `orchestrator.sqlite` in the data folder otherwise.",
  ),
  apiDatabase: optionalSetting(
    'SIGNALBOX_API_DATABASE',
    text,
    "The api's read model, a SQLite file that may be deleted; `api.sqlite` in the data folder otherwise.",
  ),
  apiHost: setting('SIGNALBOX_API_HOST', text, '127.0.0.1', 'Address the api listens on.'),
  apiPort: setting(
    'SIGNALBOX_API_PORT',
    integer(0, 65_535),
    '7420',
    'Port the api listens on; 0 takes a free one.',
  ),
  workspace: setting('SIGNALBOX_WORKSPACE', name, 'default', 'The workspace that the process serves.'),
  workerConcurrency: setting(
    'SIGNALBOX_WORKER_CONCURRENCY',
    integer(1, 10_000),
    '16',
    'Steps that one worker or agent executes at once.',
  ),
  workerName: optionalSetting(
    'SIGNALBOX_WORKER_NAME',
    name,
    'Names a worker or agent in results and logs; made from host and process id otherwise.',
  ),
  maxRunEvents: setting(
    'SIGNALBOX_MAX_RUN_EVENTS',
    integer(1_000, 10_000_000),
    '100000',
    'Events that a run may have; past them it fails. A workflow may lower it (`maxEvents`).',
  ),
  maxStateVisits: setting(
    'SIGNALBOX_MAX_STATE_VISITS',
    integer(2, 1_000_000),
    '1000',
    'Visits to one state of a run without anything from outside between; past them the run fails. A workflow may lower it (`maxStateVisits`).',
  ),
  maxFamilyRuns: setting(
    'SIGNALBOX_MAX_FAMILY_RUNS',
    integer(1, 10_000_000),
    '10000',
    'Runs that a root run and its child runs, theirs, and so on, may be in all; a state that would start one more fails. A workflow may lower it (`maxFamilyRuns`).',
  ),
  streamReplicas: setting(
    'SIGNALBOX_STREAM_REPLICAS',
    integer(1, 5),
    '1',
    'Copies of each stream in a cluster.',
  ),
  eventsMaxAgeSeconds: setting(
    'SIGNALBOX_EVENTS_MAX_AGE_SECONDS',
    integer(0, 1_000_000_000).refine(
      (seconds) => seconds === 0 || seconds >= 120,
      'must be 0, or 120 or more: for so long the stream knows the ids of its messages',
    ),
    '0',
    'How long events are kept in the stream, 120 or more; 0: for ever. The catalog and the events of runs that have not ended are published again before.',
  ),
  eventsMaxBytes: setting(
    'SIGNALBOX_EVENTS_MAX_BYTES',
    integer(-1, Number.MAX_SAFE_INTEGER),
    '-1',
    'Size at which the oldest events leave the stream; -1: never. The catalog and the events of runs that have not ended are published again before; they may be a third of it.',
  ),
  apiStreamHeartbeatMs: setting(
    'SIGNALBOX_API_STREAM_HEARTBEAT_MS',
    integer(1, 3_600_000),
    '15000',
    'Milliseconds between the heartbeat comments of an event stream over HTTP.',
  ),
  apiMaxStreams: setting(
    'SIGNALBOX_API_MAX_STREAMS',
    integer(1, 1_000_000),
    '2000',
    'Event streams over HTTP that may be open at once; one more is refused with 503.',
  ),
  apiConfirmationTimeoutMs: setting(
    'SIGNALBOX_API_CONFIRMATION_TIMEOUT_MS',
    integer(1, 3_600_000),
    '10000',
    'Milliseconds for which a write waits for the event that it causes, before it is answered with 202.',
  ),
  logLevel: setting('SIGNALBOX_LOG_LEVEL', logLevel, 'info', 'debug, info, warn, error or silent.'),
} as const;

/** What the process that creates the streams reads. */
export const streamSettings = {
  streamReplicas: settings.streamReplicas,
  eventsMaxAgeSeconds: settings.eventsMaxAgeSeconds,
  eventsMaxBytes: settings.eventsMaxBytes,
} as const;

/** The same in the words of the stream declarations. */
export const streamsOf = (parsed: SettingsOf<typeof streamSettings>) => ({
  replicas: parsed.streamReplicas,
  eventsMaxAgeMs: parsed.eventsMaxAgeSeconds * 1000,
  eventsMaxBytes: parsed.eventsMaxBytes,
});

/** Names every bad setting at once. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** An empty variable counts as absent. Throws `SettingsError`. */
export function parseSettings<S extends SettingsShape>(shape: S, env: Environment): SettingsOf<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(shape)) {
    const given = env[one.env] === '' ? undefined : env[one.env];
    const written = given ?? one.defaultText;
    if (written === undefined) continue;
    const result = one.schema.safeParse(written);
    if (result.success) values[key] = result.data;
    else
      problems.push(`${one.env}=${written}: ${result.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as SettingsOf<S>;
}
