import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts } from './free-ports.js';

test('free ports differ, can be listened on, and are none of those that outgoing connections are given', async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
  expect(ports.every((port) => port >= 1_024 && port < 32_768)).toBe(true);
  const servers = await Promise.all(
    ports.map(
      (port) =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(port, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});
