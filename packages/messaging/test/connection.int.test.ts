import { expect, test } from 'vitest';
import { attempt } from '../src/connection.js';
import { openConnection, TransientError } from '../src/index.js';
import { logger, startBus, until } from './bus.js';

test('opening waits for a server that is not there yet, and gives up when told to', async () => {
  const bus = await startBus();
  await bus.connection.close();
  await bus.kill();
  const abort = new AbortController();
  const abandoned = openConnection({ url: bus.url, name: 'late', logger, signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(abandoned).rejects.toThrow('enough');
  const waiting = openConnection({ url: bus.url, name: 'late', logger });
  await bus.restart();
  const connection = await waiting;
  expect(connection.status).toBe('connected');
  expect(connection.maxPayloadBytes).toBe(1_048_576);
  await connection.close();
  await connection.closed;
  expect(connection.status).toBe('closed');
  await bus.stop();
});

test('a connection outlives a killed server, and a flush meanwhile is a transient error', async () => {
  const bus = await startBus();
  await bus.kill();
  await expect(bus.connection.flush()).rejects.toThrow(TransientError);
  await until(() => expect(bus.connection.status).toBe('reconnecting'));
  await bus.restart();
  await until(() => expect(bus.connection.status).toBe('connected'));
  await bus.connection.flush();
  await bus.stop();
});

test('a request that nobody answers is a transient error after its time, though the connection stands', async () => {
  const bus = await startBus();
  const unanswered = attempt(bus.connection, 'asking', () => new Promise(() => undefined), 50);
  await expect(unanswered).rejects.toThrow(TransientError);
  expect(bus.connection.status).toBe('connected');
  await bus.stop();
});

test('closing while the server is away ends at once', async () => {
  const bus = await startBus();
  await bus.kill();
  await until(() => expect(bus.connection.status).toBe('reconnecting'));
  await bus.connection.close();
  expect(bus.connection.status).toBe('closed');
  await bus.stop();
});
