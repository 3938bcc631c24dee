import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const runScript = (name: string, ...parts: readonly string[]) => {
  const script = fileURLToPath(new URL(`../../../scripts/${name}.mjs`, import.meta.url));
  return spawnSync(process.execPath, [script, ...parts], { encoding: 'utf8' });
};

test('the generated pages of docs/ say what the code says', () => {
  const { status, stderr } = runScript('generate-docs', '--check');
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('no two users of nats-server are given the variable of one password', () => {
  expect(runScript('nats-users', 'a-b', 'a_c').status).toBe(0);
  const { status, stdout, stderr } = runScript('nats-users', 'a-b', 'a_b');
  expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
  expect(stderr).toContain('would share the password SIGNALBOX_NATS_PASSWORD_AGENT_A_B');
});
