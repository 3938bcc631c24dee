/** The command line without a platform: what it does with files, pipes and addresses that are not what they should be. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { limits } from '@signalbox/dsl';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../bin/signalbox.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ended = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });

/** Nothing listens there, so whoever asks the platform before the folder is checked says so. */
let nowhere: string;
let root: string;
let folder: string;

const signalbox = (...args: readonly string[]): Promise<Ended> =>
  ended(process.execPath, [bin, '--api', `http://${nowhere}`, ...args], {
    SIGNALBOX_NATS_URL: `nats://${nowhere}`,
  });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-files-'));
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  nowhere = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await new Promise((resolve) => server.close(resolve));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const agent = '---\nmodel: scripted/test\nanswers:\n  - output: hello\n---\nhi\n';
const workflow = (id: string): string =>
  `id: ${id}\nversion: "1"\nname: ${id}\nstart: greet\nstates:\n  - name: greet\n    type: operation\n    action: agent.run\n    input: { agent: hello, task: x }\n    end: true\n`;

beforeEach(async () => {
  folder = await mkdtemp(join(root, 'environment-'));
  await mkdir(join(folder, 'agents'));
  await mkdir(join(folder, 'workflows'));
  await writeFile(join(folder, 'agents/hello.prompt'), agent);
  await writeFile(join(folder, 'workflows/good.workflow.yaml'), workflow('good'));
});

describe('sync applies nothing unless the whole folder can be read and is valid', () => {
  const bad = (): string => join(folder, 'workflows/bad.workflow.yaml');
  const pipe = (path: string) => promisify(execFile)('mkfifo', [path]);

  test.each([
    ['a link to itself', () => symlink('bad.workflow.yaml', bad()), 'a link that leads back to itself'],
    ['a pipe', () => pipe(bad()), 'a pipe, socket or device'],
    ['a device without an end', () => symlink('/dev/zero', bad()), 'a pipe, socket or device'],
    ['a folder', () => mkdir(bad()), 'a folder'],
    ['a link to nothing', () => symlink('nowhere', bad()), 'no such file'],
    [
      'a huge file',
      () => writeFile(bad(), 'x'.repeat(limits.maxTextBytes + 1)),
      `larger than the limit of ${limits.maxTextBytes} bytes`,
    ],
    [
      'bytes that are not UTF-8',
      () => writeFile(bad(), Buffer.from([0x69, 0x0a, 0xff])),
      ':2:1  byte 2 is not UTF-8',
    ],
    [
      'a definition with a fault',
      () => writeFile(bad(), 'id: bad\nstart: nowhere\nstates: []\n'),
      'nothing was applied',
    ],
  ])('%s', async (_, make, message) => {
    await make();
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toContain('bad.workflow.yaml');
    expect(stderr).toContain(message);
    expect(code).toBe(65);
  });

  test('a folder of workflows that leads back to itself is no hang', async () => {
    await rm(join(folder, 'workflows'), { recursive: true });
    await symlink('workflows', join(folder, 'workflows'));
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toContain('a link that leads back to itself');
    expect(code).toBe(65);
  });

  test('two files with one id are an error that names both', async () => {
    await writeFile(join(folder, 'workflows/other.workflow.yml'), workflow('good'));
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toMatch(
      /good\.workflow\.yaml and .*other\.workflow\.yml both declare the workflow "good"/,
    );
    expect(code).toBe(65);
  });

  test('two declarations of the teams are an error that names both', async () => {
    for (const name of ['teams.yaml', 'teams.yml'])
      await writeFile(join(folder, name), 'sre: [user:alice]\n');
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toMatch(/teams\.yaml and .*teams\.yml/);
    expect(code).toBe(65);
  });

  test('what looks like a workflow but is not named so is said', async () => {
    await rm(join(folder, 'agents'), { recursive: true });
    await rm(join(folder, 'workflows/good.workflow.yaml'));
    await writeFile(join(folder, 'workflows/forgotten.yaml'), workflow('forgotten'));
    await writeFile(join(folder, 'workflows/LOUD.WORKFLOW.YAML'), workflow('loud'));
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toMatch(/forgotten\.yaml is left alone: .*\.workflow\.yaml/);
    expect(stderr).toMatch(/LOUD\.WORKFLOW\.YAML is left alone: .*\.workflow\.yaml/);
    expect(code).toBe(65);
  });

  test('a folder that is valid reaches for the platform, and only then', async () => {
    const { code, stderr } = await signalbox('sync', folder);
    expect(stderr).toContain('does not answer');
    expect(code).toBe(75);
  });
});

describe('the input of a run', () => {
  test.each([
    ['a number that loses digits', ['--input', 'n:=12345678901234567890123'], 'would lose digits', 64],
    ['a key twice', ['--input', 'n:={"a":1,"a":2}'], 'stands twice', 64],
    ['1e400', ['--input', 'n:=1e400'], 'larger than any number', 64],
    ['a pipe', ['--input-file', '/dev/zero'], 'a pipe, socket or device', 65],
  ])('%s is refused before anything is asked', async (_, args, message, exitCode) => {
    const { code, stderr } = await signalbox('run', 'w', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(exitCode);
  });

  test.each([
    ['input.json', '{"n": 1,\n "n": 2}', 'input.json:2:2'],
    ['input.yaml', 'n: 1\nm: 12345678901234567890123\n', 'input.yaml:2:4'],
  ])('in %s a fault is named with its line', async (name, text, place) => {
    await writeFile(join(folder, name), text);
    const { code, stderr } = await signalbox('run', 'w', '--input-file', join(folder, name));
    expect(stderr).toContain(place);
    expect(code).toBe(65);
  });
});

test.each(['日本', 'two\nlines'])(
  'an idempotency key that no header can hold is an error of usage: %j',
  async (key) => {
    const { code, stderr } = await ended(process.execPath, [bin, 'run', 'any', '--idempotency-key', key]);
    expect(stderr).toContain('idempotency-key');
    expect(code).toBe(64);
  },
);

test('a password in --api is an error of usage, and is not printed', async () => {
  const { code, stderr } = await ended(process.execPath, [
    bin,
    '--api',
    'http://me:secret@127.0.0.1:1',
    'runs',
    'list',
  ]);
  expect(stderr).not.toContain('secret');
  expect(code).toBe(64);
});

test.each(['nonsense', 'ftp://127.0.0.1', ''])('--api %s is an error of usage', async (url) => {
  const { code, stderr } = await ended(process.execPath, [bin, '--api', url, 'runs', 'list']);
  expect(stderr).toContain('--api');
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(64);
});

test.each([
  [['run', 'w', '--workflow-version', 'x'], '--workflow-version'],
  [['run', 'w', '--workflow-version', '0'], '--workflow-version'],
  [['run', 'w', '-i', 'a=1', '--input', 'a:=2'], '--input a is given twice'],
  [['runs', 'show', ''], '<run>'],
  [['--as', 'bogus', 'runs', 'list'], '--as'],
  [['--as', 'system:x', 'run', 'w'], '--as'],
])('%j is an error of usage', async (args, about) => {
  const { code, stderr } = await signalbox(...args);
  expect(stderr).toContain(about);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(code).toBe(64);
});

test.skipIf(process.platform !== 'linux')('output that cannot be written is one line', async () => {
  const { code, stderr } = await ended('sh', ['-c', `"${process.execPath}" "${bin}" schema > /dev/full`]);
  expect(stderr).toBe('signalbox: the output cannot be written (ENOSPC)\n');
  expect(code).toBe(75);
});

test('events tail says that nothing answers, and ends', async () => {
  const { code, stderr } = await signalbox('events', 'tail');
  expect(stderr).toContain(`nats://${nowhere} does not answer`);
  expect(code).toBe(75);
});

test('a reader that goes away ends the process without a word', async () => {
  const script = `"${process.execPath}" "${bin}" schema | head -c 1 >/dev/null; echo "code \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await ended('bash', ['-c', script]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^code (0|141)\n$/);
});
