/** `signalbox dev` as a process: its folder, its lock, its ports, and what it does when something of it dies. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../bin/signalbox.js', import.meta.url));

interface Dev {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  readonly code: Promise<number | null>;
}

/** Under the widest umask there is. */
const startDev = (
  dataDir: string,
  apiPort: number,
  natsPort: number,
  settings: Readonly<Record<string, string>> = {},
): Dev => {
  const child = spawn('sh', ['-c', `umask 000; exec "${process.execPath}" "${bin}" dev`], {
    env: {
      ...process.env,
      SIGNALBOX_DATA_DIR: dataDir,
      SIGNALBOX_API_PORT: String(apiPort),
      SIGNALBOX_NATS_URL: `nats://127.0.0.1:${natsPort}`,
      SIGNALBOX_LOG_LEVEL: 'info',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, code, output: () => output, errors: () => errors };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
};

let root: string;
let dataDir: string;
let apiPort: number;
let natsPort: number;
let dev: Dev;

const api = (): string => `http://127.0.0.1:${apiPort}`;

const call = async (
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Answer }> => {
  const isText = typeof body === 'string';
  const response = await fetch(`${api()}${path}`, {
    method,
    headers: {
      'x-signalbox-actor': 'user:alice',
      ...(body === undefined ? {} : { 'content-type': isText ? 'application/yaml' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
};

interface Answer {
  readonly runId: string;
  readonly status: string;
  readonly items: readonly { readonly approvalId: string }[];
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-dev-'));
  dataDir = join(root, 'data');
  // As a former release, or a careless copy, may have left it.
  await mkdir(join(dataDir, 'nats'), { recursive: true });
  await writeFile(join(dataDir, 'nats/old.conf'), '');
  for (const [path, mode] of [
    ['nats/old.conf', 0o666],
    ['nats', 0o777],
    ['.', 0o755],
  ] as const)
    await chmod(join(dataDir, path), mode);
  [apiPort, natsPort] = [await freePort(), await freePort()];
  dev = startDev(dataDir, apiPort, natsPort);
  await eventually(() => dev.output().includes('The platform is up'), {
    timeoutMs: 60_000,
    describe: 'the platform is up',
  });
});

afterAll(async () => {
  dev?.child.kill('SIGTERM');
  await dev?.code;
  await rm(root, { recursive: true, force: true });
});

const marker = 'MARKED-BY-THIS-TEST';

const workflow = (id: string, states: unknown[]) =>
  JSON.stringify({ id, version: '1', name: marker, description: marker, start: 'first', states });

/** Starts a run and waits until it is in a status. */
const runUntil = async (id: string, input: unknown, status: string): Promise<string> => {
  const { body } = await call('POST', '/api/v1/workflow-runs', { workflow: id, input });
  const path = `/api/v1/workflow-runs/${body.runId}`;
  await eventually(async () => (await call('GET', path)).body.status === status, {
    timeoutMs: 30_000,
    describe: `the run of ${id} is ${status}`,
  });
  return path;
};

test('a mark in every place that a user can write to is in no log', async () => {
  await call('PUT', '/api/v1/teams', `${marker.toLowerCase()}: [user:bob]\n`);
  await call(
    'PUT',
    '/api/v1/agents/marked',
    `---\nmodel: scripted/test\nanswers:\n  - output: ${marker}\n---\n${marker}\n`,
  );
  await call(
    'PUT',
    '/api/v1/agents/failing',
    `---\nmodel: scripted/test\noutput:\n  schema: { type: object, properties: { n: { enum: [1] } }, required: [n] }\nanswers:\n  - output: { n: ${marker} }\n---\n${marker}\n`,
  );
  const ask = (agent: string, more: object) => ({
    name: 'first',
    type: 'operation',
    action: 'agent.run',
    input: { agent, task: `${marker} {{ ctx.text }}` },
    ...more,
  });
  const definitions = [
    workflow('answered', [ask('marked', { end: true })]),
    workflow('unanswered', [ask('failing', { outputValidation: 'strict', end: true })]),
    workflow('no-expression', [
      {
        name: 'first',
        type: 'switch',
        conditions: [{ if: `int(ctx.text) > 1`, next: 'last' }],
        defaultNext: 'last',
      },
      { name: 'last', type: 'inject', data: { text: marker }, end: true },
    ]),
    workflow('approved', [
      {
        name: 'first',
        type: 'operation',
        action: 'human.approval',
        input: { message: `${marker} {{ ctx.text }}` },
        timeoutSeconds: 60,
        end: true,
      },
    ]),
    workflow('signalled', [{ name: 'first', type: 'signal', signal: 'go', timeoutSeconds: 60, end: true }]),
  ];
  for (const definition of definitions) {
    const answer = await call('POST', '/api/v1/workflows', definition);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  }
  await call('POST', '/api/v1/workflows', `id: ${marker}\nstates: [${marker}`);
  await call('POST', '/api/v1/workflow-runs', { workflow: marker, input: marker });
  const input = { text: marker };
  await runUntil('answered', input, 'COMPLETED');
  await runUntil('unanswered', input, 'FAILED');
  await runUntil('no-expression', input, 'FAILED');
  const asked = await runUntil('approved', input, 'WAITING_APPROVAL');
  const approvalId = (await call('GET', `${asked}/approvals`)).body.items[0]?.approvalId;
  const decision = { comment: marker, data: { text: marker } };
  await call('POST', `${asked}/approvals/${approvalId}/reject`, decision);
  const waiting = await runUntil('signalled', input, 'WAITING_SIGNAL');
  await call('POST', `${waiting}/signals/go`, { payload: marker });
  const cancelled = await runUntil('signalled', input, 'WAITING_SIGNAL');
  await call('POST', `${cancelled}/cancel`, { reason: marker });
  await eventually(async () => (await call('GET', cancelled)).body.status === 'CANCELLED', {
    describe: 'the run is cancelled',
  });
  expect(dev.output()).toContain('a step has failed');
  const said = (dev.output() + dev.errors())
    .split('\n')
    .filter((line) => line.toUpperCase().includes(marker));
  expect(said).toEqual([]);
});

test('every file and folder of a platform that has run is for its owner alone', async () => {
  const open: string[] = [];
  const paths = await readdir(dataDir, { recursive: true });
  expect(paths.length).toBeGreaterThan(10);
  for (const path of ['', ...paths]) {
    const facts = await stat(join(dataDir, path));
    if ((facts.mode & 0o077) !== 0) open.push(`${path} ${(facts.mode & 0o777).toString(8)}`);
  }
  expect(open).toEqual([]);
});

test('a second one on the same folder touches nothing, and says so in one line', async () => {
  const snapshot = async () => {
    const names = (await readdir(dataDir)).sort();
    const conf = await stat(join(dataDir, 'nats/nats-server.conf'));
    return { names, changed: conf.mtimeMs };
  };
  const before = await snapshot();
  const second = startDev(dataDir, await freePort(), await freePort());
  expect(await second.code).toBe(75);
  expect(second.errors()).toBe(
    `signalbox: another signalbox dev has the data folder ${dataDir}; end that one first\n`,
  );
  expect(second.output()).toBe('');
  expect(await snapshot()).toEqual(before);
});

test('a port that is taken is one line that names it', async () => {
  const other = startDev(join(root, 'other'), apiPort, await freePort());
  expect(await other.code).toBe(75);
  expect(other.errors()).toMatch(
    new RegExp(`^signalbox: port ${apiPort} of 127.0.0.1 is taken: [^\\n]+\\n$`),
  );
  expect(other.output()).toBe('');
});

test('a folder, a store, a database or a nats-server that cannot be had is 78 and one line that names it', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  const own = join(root, 'own');
  await mkdir(own, { recursive: true });
  await writeFile(join(own, 'nats'), '');
  const long = 'x'.repeat(5_000);
  const cases: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
    [file, {}, /\/file is something else where a folder has to be: move it away, or name another$/],
    [join(root, long), {}, /x… is a longer name than the file system takes: name a shorter one$/],
    [own, {}, /the store of nats-server cannot be made: EEXIST: .*\/own\/nats'$/],
    [
      join(root, 'a'),
      { SIGNALBOX_NATS_SERVER: file },
      /\/file cannot be run as nats-server\. Install it: .*$/,
    ],
    [join(root, 'b'), { SIGNALBOX_DATABASE: join(root, long) }, /x… is a longer name than the file system/],
    [join(root, 'c'), { SIGNALBOX_API_DATABASE: `${file}/x` }, /\/file is something else where a folder has/],
  ];
  for (const [folder, settings, line] of cases) {
    const refused = startDev(folder, await freePort(), await freePort(), settings);
    expect({ code: await refused.code, errors: refused.errors() }).toEqual({
      code: 78,
      errors: expect.stringMatching(/^signalbox: [^\n]+\n$/),
    });
    expect(refused.errors().trimEnd()).toMatch(line);
  }
});

test('a nats-server that is killed is started again where it was, and runs go on', async () => {
  const name = (await readdir(join(dataDir, 'nats'))).find((each) => each.endsWith('.ports'));
  const pid = Number(/_(\d+)\.ports$/.exec(name ?? '')?.[1]);
  process.kill(pid, 'SIGKILL');
  await eventually(() => /nats-server ended \(SIGKILL\); starting it again/.test(dev.output()), {
    describe: 'dev says that it starts it again',
  });
  await eventually(
    async () => {
      const answer = await call('POST', '/api/v1/workflow-runs', {
        workflow: 'answered',
        input: { text: 'x' },
      });
      return answer.status === 201;
    },
    { timeoutMs: 60_000, describe: 'a run starts' },
  );
  await runUntil('answered', { text: 'y' }, 'COMPLETED');
}, 120_000);

/** What descends from a process, by number; what they run, as `ps` tells it. */
const descendantsOf = (ancestor: number): ReadonlyMap<number, string> => {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid=,args=']).toString().split('\n');
  const found = new Map<number, string>();
  // A child may have a smaller number than its parent.
  for (let size = -1; size < found.size; ) {
    size = found.size;
    for (const line of lines) {
      const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      if (Number(parent) === ancestor || found.has(Number(parent))) found.set(Number(pid), args);
    }
  }
  return found;
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('kill -9 of one that is only starting leaves none of its processes', async () => {
  const starting = startDev(join(root, 'killed'), await freePort(), await freePort());
  let processes: ReadonlyMap<number, string> = new Map();
  const services = () => [...processes.values()].filter((args) => args.includes('/dist/main.js'));
  await eventually(
    () => {
      processes = descendantsOf(starting.child.pid as number);
      return services().length === 5;
    },
    { timeoutMs: 60_000, intervalMs: 5, describe: 'five services are loading' },
  );
  starting.child.kill('SIGKILL');
  await starting.code;
  await eventually(() => [...processes.keys()].every((pid) => !isAlive(pid)), {
    timeoutMs: 60_000,
    describe: 'all that it had started has ended',
  });
});
