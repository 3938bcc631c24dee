import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../src/eventually.js';
import { type NatsServers, natsLabel, startNatsServers } from '../src/nats-servers.js';

let folder: string;
let servers: NatsServers;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nats-servers-'));
  servers = await startNatsServers(folder, 1, {});
});
afterEach(async () => {
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a nats-server that ends by itself is told with what it said last; one that was killed is not', async () => {
  await servers.kill(natsLabel);
  await servers.restart(natsLabel);
  expect(servers.endedByThemselves).toEqual([]);
  servers.signal(natsLabel, 'SIGABRT');
  await eventually(() => servers.endedByThemselves.length > 0, { describe: 'its end is told' });
  const [told] = servers.endedByThemselves;
  expect(told).toContain(`${natsLabel} ended with 2:\nSIGABRT: abort`);
  expect(servers.linesOf(natsLabel).join('\n')).toContain('Server is ready');
});

test('a signal reaches nobody once the server has ended', async () => {
  await servers.kill(natsLabel);
  servers.signal(natsLabel, 'SIGSTOP');
  await servers.kill(natsLabel);
});
