/** The nats-servers of a world: one, or a cluster of three on loopback whose members a test may kill one by one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EmbeddedNats,
  type EmbeddedNatsOptions,
  type ServerLogin,
  startEmbeddedNats,
} from '@signalbox/embedded-nats';
import { eventually } from './eventually.js';
import { freePort, freePorts } from './free-ports.js';

/** The label of nats-server where there is one. */
export const natsLabel = 'nats-server';

interface ServerChanges extends Pick<EmbeddedNatsOptions, 'maxPayload' | 'settings'> {
  /** Of what the users may do. */
  readonly logins?: (logins: readonly ServerLogin[]) => readonly ServerLogin[];
}

export interface NatsServers {
  /** All addresses, separated by commas. */
  readonly url: string;
  readonly labels: readonly string[];
  pidOf(label: string): number;
  signal(label: string, signal: NodeJS.Signals): void;
  /** What it has said, over its restarts. */
  linesOf(label: string): readonly string[];
  /** Those that have ended without being told to, each with how and what they said of it. */
  readonly endedByThemselves: readonly string[];
  /** kill -9, or in order (`SIGTERM`), then wait until it is gone. */
  kill(label: string, signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** On the same store and port; `changes` of its configuration last until its next start. */
  restart(label: string, changes?: ServerChanges): Promise<void>;
  /** Removes the stores of servers, which must be down. */
  wipe(): Promise<void>;
  /** Of a cluster: who leads a stream now; undefined during an election. */
  leaderOf(stream: string): Promise<string | undefined>;
  /** Of a cluster: the number of the last message of a stream as each member knows it. */
  lastSequences(stream: string): Promise<readonly (number | undefined)[]>;
  /** Of a cluster: how many messages of a stream each member has. */
  messageCounts(stream: string): Promise<readonly (number | undefined)[]>;
  /** Of a cluster: resolves when every member has every stream as its leader has it. */
  untilInSync(): Promise<void>;
  stop(): Promise<void>;
}

interface Member {
  readonly label: string;
  readonly options: EmbeddedNatsOptions;
  readonly lines: string[];
  server: EmbeddedNats;
  /** It was told to end. */
  isEnded: boolean;
}

const maxKeptLines = 5_000;
/** What Go says of a panic begins so, and the stack of every goroutine follows. */
const firstOfPanic = /^(?:panic|fatal error|unexpected fault|SIG[A-Z]+): /;
const shownLines = 25;

/** How the monitoring of a server tells of replicas; only what is read here. */
interface Replicated {
  readonly name: string;
  readonly state: { readonly messages: number; readonly last_seq: number };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
  };
}

export const startNatsServers = async (
  folder: string,
  count: 1 | 3,
  access: Pick<EmbeddedNatsOptions, 'logins' | 'anonymous'>,
): Promise<NatsServers> => {
  const planned = count === 1 ? [await single(folder)] : await cluster(folder);
  const members: Member[] = await Promise.all(
    planned.map(async (each) => {
      const lines: string[] = [];
      const log = (line: string): void => {
        if (lines.length < maxKeptLines) lines.push(line);
      };
      const options = { ...each.options, ...access, log };
      const server = await startEmbeddedNats(options);
      return {
        label: each.label,
        options: { ...options, port: server.port },
        lines,
        server,
        isEnded: false,
      };
    }),
  );
  const endedByThemselves: string[] = [];
  const watch = (member: Member): void => {
    const { server, lines, label } = member;
    const from = lines.length;
    void server.exited.then(({ code, signal, isExpected }) => {
      if (isExpected || (member.isEnded && member.server === server)) return;
      endedByThemselves.push(`${label} ended with ${signal ?? code}:\n${lastWords(lines.slice(from))}`);
    });
  };
  for (const member of members) watch(member);
  const memberOf = (label: string): Member => {
    const found = members.find((each) => each.label === label);
    if (found === undefined) throw new Error(`there is no nats-server ${label}`);
    return found;
  };
  const servers: NatsServers = {
    url: members.map(({ server }) => server.url).join(','),
    labels: members.map(({ label }) => label),
    pidOf: (label) => memberOf(label).server.pid,
    signal: (label, signal) => memberOf(label).server.kill(signal),
    linesOf: (label) => memberOf(label).lines,
    endedByThemselves,
    kill: async (label, signal = 'SIGKILL') => {
      const member = memberOf(label);
      member.isEnded = true;
      member.server.kill(signal);
      await member.server.exited;
    },
    restart: async (label, { logins: change, ...changes } = {}) => {
      const member = memberOf(label);
      const options = { ...member.options, ...changes };
      const { logins } = options;
      const changed = change === undefined || logins === undefined ? {} : { logins: change(logins) };
      member.server = await startEmbeddedNats({ ...options, ...changed });
      member.isEnded = false;
      watch(member);
    },
    wipe: async () => {
      await Promise.all(members.map(({ options }) => rm(options.storeDir, { recursive: true, force: true })));
    },
    leaderOf: async (stream) => {
      const told = await Promise.all(members.map(streamsAt));
      return told.flatMap((streams = []) => streams).find(({ name }) => name === stream)?.cluster?.leader;
    },
    lastSequences: async (stream) => (await statesOf(members, stream)).map((state) => state?.last_seq),
    messageCounts: async (stream) => (await statesOf(members, stream)).map((state) => state?.messages),
    untilInSync: async () => {
      await eventually(() => areInStep(members), {
        timeoutMs: 60_000,
        describe: 'every member of the cluster is in sync',
      });
    },
    stop: async () => {
      await Promise.all(members.map(({ server }) => server.stop()));
    },
  };
  if (count > 1) await servers.untilInSync();
  return servers;
};

const lastWords = (lines: readonly string[]): string => {
  const panic = lines.findIndex((line) => firstOfPanic.test(line));
  return (panic < 0 ? lines.slice(-shownLines) : lines.slice(panic, panic + shownLines)).join('\n');
};

const single = async (folder: string): Promise<Pick<Member, 'label' | 'options'>> => ({
  label: natsLabel,
  options: { storeDir: join(folder, 'nats'), port: await freePort() },
});

const memberCount = 3;

const cluster = async (folder: string): Promise<readonly Pick<Member, 'label' | 'options'>[]> => {
  const ports = await freePorts(2 * memberCount);
  const memberPorts = ports.slice(0, memberCount);
  return memberPorts.map((port, index) => {
    const label = `${natsLabel}-${index + 1}`;
    return {
      label,
      options: {
        storeDir: join(folder, label),
        cluster: {
          name: 'signalbox',
          serverName: label,
          port,
          memberPorts,
          monitoringPort: ports[memberCount + index] ?? 0,
        },
      },
    };
  });
};

/** On a machine that may be doing anything else. */
const monitoringTimeoutMs = 5_000;

const monitoring = async ({ options }: Member, path: string): Promise<Response | undefined> => {
  try {
    return await fetch(`http://127.0.0.1:${options.cluster?.monitoringPort}${path}`, {
      signal: AbortSignal.timeout(monitoringTimeoutMs),
    });
  } catch {
    return undefined;
  }
};

const streamsAt = async (member: Member): Promise<readonly Replicated[] | undefined> => {
  const answer = await monitoring(member, '/jsz?accounts=true&streams=true');
  if (answer?.ok !== true) return undefined;
  const { account_details: accounts = [] } = (await answer.json()) as {
    account_details?: readonly { readonly stream_detail?: readonly Replicated[] }[];
  };
  return accounts.flatMap(({ stream_detail: streams = [] }) => streams);
};

const statesOf = (
  members: readonly Member[],
  stream: string,
): Promise<readonly (Replicated['state'] | undefined)[]> =>
  Promise.all(
    members.map(async (member) => {
      const streams = await streamsAt(member);
      return streams?.find(({ name }) => name === stream)?.state;
    }),
  );

/**
 * Every member knows the same streams with their leaders, and whoever leads one has its replicas in step. Not asked of
 * consumers: one that was made anew while a member was away may stay behind there for ever (2.9.10).
 */
const areInStep = async (members: readonly Member[]): Promise<boolean> => {
  const told = await Promise.all(members.map(streamsAt));
  const counts = new Set(told.map((streams) => streams?.length));
  if (counts.size > 1 || counts.has(undefined)) return false;
  return told.every((streams = [], index) =>
    streams.every(({ cluster: group }) => {
      if (group?.leader !== members[index]?.label) return group?.leader !== undefined;
      return (group?.replicas ?? []).every(({ current, offline }) => current && offline !== true);
    }),
  );
};
