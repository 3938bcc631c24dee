import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { callApi } from './api-call.js';

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

const listening = (onRequest: (socket: Socket) => void): Promise<string> =>
  new Promise((resolve) => {
    server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.once('data', () => onRequest(socket));
    }).listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    });
  });

test('an api that takes a request and says nothing is given up, and a command may have been done', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let hear = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const url = await listening(() => hear());
  const failing = expect(callApi(url, '/', { method: 'POST' })).rejects.toMatchObject({
    message: `the api at ${url} does not answer within 60 s; what was asked may have been done all the same: look before you ask again`,
    exitCode: 75,
  });
  await asked;
  await vi.advanceTimersByTimeAsync(60_000);
  await failing;
});

test('an answer that breaks off is one line that says so', async () => {
  const url = await listening((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"items"', () => socket.destroy()),
  );
  const { text } = await callApi(url, '/', { method: 'GET' });
  await expect(text()).rejects.toMatchObject({
    message: expect.stringMatching(/^the api at \S+ does not answer in full: .*; is the platform up/),
    exitCode: 75,
  });
});

test('a command whose connection breaks may have been done; one that reached nobody was not', async () => {
  const url = await listening((socket) => socket.resetAndDestroy());
  const maybeDone = /ECONNRESET; what was asked may have been done all the same/;
  await expect(callApi(url, '/', { method: 'DELETE' })).rejects.toThrow(maybeDone);
  await new Promise((resolve) => server?.close(resolve));
  const isUp = /ECONNREFUSED.*; is the platform up/;
  await expect(callApi(url, '/', { method: 'DELETE' })).rejects.toThrow(isUp);
});
