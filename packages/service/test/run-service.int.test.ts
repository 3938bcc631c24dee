import { join } from 'node:path';
import { eventually, spawnProcess } from '@signalbox/testing';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, 'service.mjs');
const start = (mode: string, env: Record<string, string> = {}) =>
  spawnProcess({ script, env: { TEST_MODE: mode, ...env } });

const messages = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { msg: string }).msg);

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s closes everything in reverse order and ends with 0',
  async (signal) => {
    const service = start('plain');
    expect(await service.ready).toEqual({ type: 'ready', service: 'sample', pid: service.pid, port: 7 });
    service.kill(signal);
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(messages(service.lines)).toEqual([
      'ready',
      'shutting down',
      'second closed',
      'first closed',
      'stopped',
    ]);
  },
);

test('the death of the parent ends the service in order', async () => {
  const service = start('plain');
  await service.ready;
  service.disconnect();
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(messages(service.lines)).toContain('first closed');
});

test('the death of the parent ends a service that was still loading', async () => {
  const service = start('plain');
  service.disconnect();
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(messages(service.lines)).not.toContain('ready');
});

test('a service that still waits for something ends in order, too', async () => {
  const service = start('waiting');
  await eventually(() => messages(service.lines).includes('waiting'));
  service.kill();
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(messages(service.lines)).toEqual([
    'waiting',
    'shutting down',
    'second closed',
    'first closed',
    'stopped',
  ]);
});

test('a bad setting ends the process with 78 and its name', async () => {
  const service = start('plain', { SIGNALBOX_API_PORT: 'x' });
  await expect(service.ready).rejects.toThrow('SIGNALBOX_API_PORT');
  expect(await service.exited).toEqual({ code: 78, signal: null });
});

test.each(['throwing', 'failing', 'broken'])(
  'an unknown error (%s) is logged and ends the process with 70',
  async (mode) => {
    const service = start(mode);
    expect(await service.exited).toEqual({ code: 70, signal: null });
    expect(service.lines.join('\n')).toContain('"name":"TypeError"');
  },
);

test('a shutdown that exceeds its grace time ends with 75', async () => {
  const service = start('stuck');
  await service.ready;
  service.kill();
  expect(await service.exited).toEqual({ code: 75, signal: null });
});

test('a second signal ends the process at once', async () => {
  const service = start('slow');
  await service.ready;
  service.kill();
  await eventually(() => messages(service.lines).includes('shutting down'));
  service.kill();
  expect(await service.exited).toEqual({ code: 143, signal: null });
});
