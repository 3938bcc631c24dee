/** `signalbox demo` is the first thing that a new user runs. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

interface Run {
  readonly workflow: { readonly id: string };
  readonly status: string;
  readonly steps: readonly {
    readonly state: string;
    readonly stepId: string;
    readonly attempt: number | null;
    readonly target: string | null;
  }[];
}

test('the demo runs triage by both ways of the switch and a step on the agent, and exits with 0', {
  timeout: 120_000,
}, () => {
  const bin = fileURLToPath(new URL('../bin/signalbox.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--json', 'demo'], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const runs = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Run);
  const statesOf = (run: Run | undefined): string[] => run?.steps.map((step) => step.state) ?? [];
  expect(runs.map((run) => run.status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  expect(statesOf(runs[0])).toEqual(expect.arrayContaining(['request_approval', 'mitigate', 'notify']));
  expect(statesOf(runs[1])).toContain('report_ok');
  expect(statesOf(runs[1])).not.toContain('mitigate');
  expect(runs[2]?.steps.find((step) => step.state === 'look_up')?.attempt).toBe(2);
  expect(runs[2]?.steps.find((step) => step.state === 'say_hello')?.target).toBe('agent');
  expect(runs.flatMap((run) => run.steps).every((step) => /^[0-9a-f]{16}$/.test(step.stepId))).toBe(true);
});
