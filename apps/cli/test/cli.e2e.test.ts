// cspell:ignore shwo
/** The command line as its users meet it: real commands against a real platform, and what they print and exit with. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, startWorld, type World } from '@signalbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bin = join(root, 'apps/cli/bin/signalbox.js');
const environment = join(root, 'examples/environments/default');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const collect = (child: ReturnType<typeof spawn>): Promise<Ended> =>
  new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });

let world: World;
let folder: string;

const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      SIGNALBOX_API_PORT: new URL(world.apiUrl).port,
      SIGNALBOX_NATS_URL: world.natsUrl,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const signalbox = (...args: readonly string[]): Promise<Ended> => collect(start(args));

const json = async <T>(...args: readonly string[]): Promise<T> => {
  const { code, stdout, stderr } = await signalbox('--json', ...args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  world = await startWorld(['orchestrator', 'step-worker', 'agent', 'approval-service', 'api']);
  const { code, stderr } = await signalbox('--as', 'user:alice', 'sync', environment);
  expect(code, stderr).toBe(0);
});

afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('signalbox', () => {
  test('sync is repeatable, and lists what it put with its version', async () => {
    const synced = await json<{ kind: string; name: string; version: number | null }[]>(
      '--as',
      'user:alice',
      'sync',
      environment,
    );
    expect(synced).toContainEqual(
      expect.objectContaining({ kind: 'workflow', name: 'incident-triage', version: 1 }),
    );
    expect(synced).toContainEqual(expect.objectContaining({ kind: 'teams', name: 'teams' }));
  });

  test('workflow list and show print what is stored', async () => {
    expect((await signalbox('workflow', 'list')).stdout).toContain('incident-triage');
    const { stdout } = await signalbox('workflow', 'show', 'incident-triage');
    expect(stdout).toContain(
      await readFile(join(environment, 'workflows/incident-triage.workflow.yaml'), 'utf8'),
    );
    const first = await signalbox('workflow', 'show', 'incident-triage', '--version', '1');
    expect(first).toMatchObject({ code: 0, stdout });
    const later = await signalbox('workflow', 'show', 'incident-triage', '--version', '99');
    expect(later).toMatchObject({ code: 1, stderr: expect.stringContaining('WORKFLOW_NOT_FOUND') });
  });

  test('run --watch follows a run to its end, while another person approves', async () => {
    const watching = collect(
      start([
        '--as',
        'user:alice',
        'run',
        'incident-triage',
        '-i',
        'namespace=prod',
        '-i',
        'service=checkout',
        '--watch',
      ]),
    );
    const [pending] = await eventually(async () => {
      const found = await json<{ approvalId: string; runId: string }[]>('approvals', 'list');
      return found.length > 0 ? found : undefined;
    });
    const own = await signalbox('--as', 'user:alice', 'approvals', 'approve', pending?.approvalId ?? '');
    expect(own.code).toBe(1);
    expect(own.stderr).toContain('REQUESTER_NOT_ALLOWED');
    const other = await signalbox(
      '--as',
      'user:bob',
      'approvals',
      'approve',
      pending?.approvalId ?? '',
      '--comment',
      'go ahead',
    );
    expect(other.stdout).toContain('is approved');
    const { code, stdout } = await watching;
    expect(code).toBe(0);
    expect(stdout).toContain('approval.approved');
    expect(stdout).toMatch(/mitigate +agent\.run +1 +SUCCEEDED/);
    const again = await signalbox('--as', 'user:bob', 'approvals', 'reject', pending?.approvalId ?? '');
    expect(again.code).toBe(1);
  });

  test('runs list, show, pause, resume and cancel speak of the same run; a cancelled run makes watch exit with 1', async () => {
    const { runId } = await json<{ runId: string }>(
      '--as',
      'user:alice',
      'run',
      'incident-triage',
      '-i',
      'namespace=prod',
      '-i',
      'service=checkout',
    );
    await eventually(
      async () => (await json<{ status: string }>('runs', 'show', runId)).status === 'WAITING_APPROVAL',
    );
    expect((await json<{ status: string }>('--as', 'user:alice', 'runs', 'pause', runId)).status).toBe(
      'PAUSED',
    );
    const twice = await signalbox('--as', 'user:alice', 'runs', 'pause', runId);
    expect(twice.code).toBe(1);
    expect(twice.stderr).toContain('RUN_ALREADY_PAUSED');
    expect((await json<{ status: string }>('--as', 'user:alice', 'runs', 'resume', runId)).status).toBe(
      'WAITING_APPROVAL',
    );
    const watching = signalbox('runs', 'watch', runId);
    expect(
      (await json<{ status: string }>('--as', 'user:alice', 'runs', 'cancel', runId, '--reason', 'enough'))
        .status,
    ).toBe('CANCELLED');
    expect((await watching).code).toBe(1);
    expect((await signalbox('runs', 'list', '--status', 'CANCELLED')).stdout).toContain(runId);
  });

  test.each([
    ['the worker that has it', 'latencyMs: 3600000', / RUNNING +at step-worker-/],
    [
      'the time of its next attempt',
      'failTimes: 1',
      / PENDING +next attempt at [\d:]{8}\.\d{3}; PROVIDER_UNAVAILABLE: /,
    ],
  ])('runs show says what a step waits for: %s', async (_what, answer, line) => {
    const agent = `---\nmodel: scripted/test\nanswers:\n  - output: 1\n    ${answer}\n---\nRest.\n`;
    await world.call('PUT', '/api/v1/agents/resting', agent);
    const state = {
      name: 'rest',
      type: 'operation',
      action: 'agent.run',
      input: { agent: 'resting', task: 'rest' },
      retry: { maxAttempts: 2, backoffSeconds: 864_000 },
      end: true,
    };
    const definition = { id: 'resting', version: '1', name: 'resting', states: [state] };
    await world.call('PUT', '/api/v1/workflows/resting', definition);
    const { runId } = await json<{ runId: string }>('--as', 'user:alice', 'run', 'resting');
    await eventually(async () => line.test((await signalbox('runs', 'show', runId)).stdout), {
      timeoutMs: 60_000,
      describe: String(line),
    });
    expect((await signalbox('--as', 'user:alice', 'runs', 'cancel', runId)).code).toBe(0);
  });

  test('events tail prints what is published, straight from the stream', async () => {
    const tail = start(['events', 'tail']);
    let seen = '';
    tail.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const ended = collect(tail);
    const runIds: string[] = [];
    await eventually(
      async () => {
        const { runId } = await json<{ runId: string }>(
          '--as',
          'user:alice',
          'run',
          'hello-agent',
          '-i',
          'name=Ada',
        );
        runIds.push(runId);
        return runIds.some((each) => seen.includes(each));
      },
      { describe: 'the tail shows a run' },
    );
    tail.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  test('an input that does not fit is refused with exit code 65 and the field', async () => {
    const { code, stderr } = await signalbox('run', 'incident-triage', '-i', 'namespace=prod');
    expect(code).toBe(65);
    expect(stderr).toContain('service');
  });

  test('an unknown workflow or run is refused with exit code 1, a wrong command line with 64', async () => {
    expect((await signalbox('run', 'no-such-workflow')).code).toBe(1);
    expect((await signalbox('runs', 'show', 'no-such-run')).code).toBe(1);
    expect((await signalbox('runs', 'shwo', 'x')).code).toBe(64);
    expect((await signalbox('run', 'incident-triage', '-i', 'namespace')).code).toBe(64);
  });

  test('an api that is not there is exit code 75, a bad setting 78', async () => {
    expect((await signalbox('--api', 'http://127.0.0.1:1', 'runs', 'list')).code).toBe(75);
    const { code, stderr } = await collect(start(['runs', 'list'], { SIGNALBOX_API_PORT: 'many' }));
    expect(code).toBe(78);
    expect(stderr).toContain('SIGNALBOX_API_PORT');
  });

  test('validate shows the line with the mistake, as text, JSON and SARIF, and exits with 65', async () => {
    const source = await readFile(join(environment, 'workflows/incident-triage.workflow.yaml'), 'utf8');
    const file = join(folder, 'broken.workflow.yaml');
    await writeFile(file, source.replace('timeoutSeconds: 3600', 'timeout: 3600'));
    const text = await signalbox('validate', file);
    expect(text.code).toBe(65);
    expect(text.stdout).toContain('did you mean "timeoutSeconds"?');
    expect(text.stdout).toContain('|     timeout: 3600');
    const [report] = JSON.parse((await signalbox('validate', file, '--format', 'json')).stdout) as {
      errors: { code: string }[];
    }[];
    expect(report?.errors).toEqual([expect.objectContaining({ code: 'UNKNOWN_FIELD', line: 34, column: 5 })]);
    const sarif = JSON.parse((await signalbox('validate', file, '--format', 'sarif')).stdout) as {
      runs: {
        results: { ruleId: string; locations: { physicalLocation: { region: { startLine: number } } }[] }[];
      }[];
    };
    const found = sarif.runs[0]?.results.find((each) => each.ruleId === 'UNKNOWN_FIELD');
    expect(found?.locations[0]?.physicalLocation.region.startLine).toBe(34);
    expect((await signalbox('validate', environment)).code).toBe(0);
  });

  test('schema prints a JSON Schema of the language', async () => {
    const schema = JSON.parse((await signalbox('schema')).stdout) as {
      title: string;
      properties: Record<string, unknown>;
    };
    expect(schema.title).toBe('Signalbox workflow');
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['id', 'inputSchema', 'states']));
  });

  test('every route of the api is in docs/API.md, and no other', async () => {
    const { paths } = await world.call<{ paths: Record<string, Record<string, unknown>> }>(
      'GET',
      '/api/v1/openapi.json',
    );
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const page = await readFile(join(root, 'docs/API.md'), 'utf8');
    const documented = [...page.matchAll(/^\| `([A-Z]+ [^`]+)` \|/gm)].map((match) => match[1]);
    expect(documented.toSorted()).toEqual(served.toSorted());
  });
});
