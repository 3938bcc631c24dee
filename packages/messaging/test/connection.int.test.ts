import { createLogger } from '@signalbox/telemetry';
import { expect, test } from 'vitest';
import { attempt, linkOf } from '../src/connection.js';
import { onReconnect, openConnection, publishLive, TransientError } from '../src/index.js';
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

test('what is said while a connection closes is lost without an error, and whoever asks is told that it is down', async () => {
  const bus = await startBus();
  const connection = await openConnection({ url: bus.url, name: 'closing', logger });
  const closing = connection.close();
  publishLive(connection, 'somewhere', 'too late');
  expect(connection.status).toBe('closed');
  await expect(attempt(connection, 'asking', async () => undefined)).rejects.toThrow(TransientError);
  await Promise.all([closing, connection.close()]);
  await bus.stop();
});

test('a password that is changed while a process runs is the reason that is said, and the loss is one, however often it is refused', async () => {
  const bus = await startBus();
  const restartWith = async (password: string) => {
    await bus.kill();
    await bus.restart([`authorization { user: "api", password: "${password}" }`]);
  };
  await restartWith('old');
  const said: string[] = [];
  const connection = await openConnection({
    url: bus.url,
    login: { user: 'api', password: 'old' },
    name: 'test',
    logger: createLogger({
      service: 'test',
      level: 'info',
      write: (line) => {
        const { msg, error } = JSON.parse(line) as { msg: string; error?: { name: string } };
        said.push(error === undefined ? msg : `${msg}: ${error.name}`);
      },
    }),
  });
  let tries = 0;
  void (async () => {
    for await (const { type } of linkOf(connection).nats.status()) if (type === 'disconnect') tries += 1;
  })();
  let returns = 0;
  onReconnect(connection, () => {
    returns += 1;
  });
  await restartWith('new');
  await until(() => expect(tries).toBeGreaterThan(3));
  expect(connection.lossReason).toBe('AuthorizationError');
  await restartWith('old');
  await until(() => expect(connection.status).toBe('connected'));
  await connection.flush();
  expect(connection.lossReason).toBeUndefined();
  expect(returns).toBe(1);
  expect(said).toContain('the bus reported an error: AuthorizationError');
  // Which is said again after half a minute.
  expect(said.filter((line) => !line.startsWith('the bus reported'))).toEqual([
    'connection to the bus lost',
    'connected to the bus again',
  ]);
  await connection.close();
  await bus.stop();
});
