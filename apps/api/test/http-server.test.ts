// cspell:ignore FROBNICATE PROPFIND
/** Requests as bytes on a socket: whatever they are, the answer is HTTP with a problem in it. */
import { connect, type Socket } from 'node:net';
import { eventually } from '@signalbox/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpServer, listen } from '../src/http/server.js';
import { openWorld, type World } from './support/world.js';

let world: World;
let server: HttpServer;
beforeAll(async () => {
  world = openWorld();
  server = await listen(world.fetch, '127.0.0.1', 0);
});
afterAll(async () => {
  await server.close();
  world.close();
});

const send = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      // Those that keep the connection say how long they are.
      const length = /content-length: (\d+)/i.exec(answer)?.[1];
      const body = answer.split('\r\n\r\n')[1];
      if (length !== undefined && body !== undefined && Buffer.byteLength(body) >= Number(length))
        socket.end();
    });
    socket.on('end', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test.each(['LOCALHOST', 'LocalHost', '127.0.0.1'])(
  'the host %s is this machine, whatever its case',
  async (host) => {
    const answer = await send(`GET /healthz HTTP/1.1\r\nHost: ${host}:${server.port}\r\n\r\n`);
    expect(statusOf(answer)).toBe(200);
  },
);

test('HTTP/1.0 is answered, with and without a Host', async () => {
  expect(statusOf(await send('GET /healthz HTTP/1.0\r\n\r\n'))).toBe(200);
  expect(statusOf(await send('GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n'))).toBe(200);
});

test.each([
  ['a foreign Host', 'GET /healthz HTTP/1.1\r\nHost: EVIL.example\r\n\r\n', 403],
  ['a Host that is none', 'GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['an unknown method', 'FROBNICATE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a method that is not for this', 'PROPFIND /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['TRACE', 'TRACE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['an expectation', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n', 417],
  [
    'a head of 20,000 bytes',
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
  ],
  ['an address of 20,000 bytes', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ['an address that is none', 'GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['something else', 'hello\r\n\r\n', 400],
])('%s is a problem', async (_, text, status) => {
  const answer = await send(text);
  expect(statusOf(answer)).toBe(status);
  expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { status: number; code: string };
  expect(body.status).toBe(status);
  expect(body.code).toMatch(/^[A-Z_]+$/);
});

const begun = 'Content-Length: 1000\r\n\r\n{"workflow":';
test.each([
  ['breaks off', 'of a known length', begun, (socket: Socket) => socket.resetAndDestroy()],
  [
    'breaks off',
    'in chunks',
    'Transfer-Encoding: chunked\r\n\r\nb\r\n{"workflow"\r\n',
    (socket: Socket) => socket.resetAndDestroy(),
  ],
  ['ends', 'of a known length', begun, (socket: Socket) => socket.end()],
])('a client that %s in the middle of a body %s is no defect of the api', async (_, _body, rest, leave) => {
  const answered: number[] = [];
  const watched = await listen(
    async (request, env) => {
      const response = await world.fetch(request, env);
      answered.push(response.status);
      return response;
    },
    '127.0.0.1',
    0,
  );
  const socket = connect(watched.port, '127.0.0.1', () => {
    socket.write(
      `POST /api/v1/workflow-runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${rest}`,
      () => leave(socket),
    );
  });
  await eventually(() => answered.length > 0, { describe: 'the request has ended' });
  await watched.close();
  expect(world.internalErrors).toEqual([]);
  expect(answered).toEqual([400]);
});

/** What a server answers to this text on one connection until that is closed, or until `isEnough`. */
const answersOf = (port: number, text: string, isEnough: (answers: string) => boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answers = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answers += chunk;
      if (isEnough(answers)) socket.end();
    });
    socket.on('close', () => resolve(answers));
    socket.on('error', reject);
  });

const pipelined = (paths: readonly string[]): string =>
  paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('');

test('what one connection asks at once is answered one after the other, in its order', async () => {
  let underWay = 0;
  let mostUnderWay = 0;
  const watched = await listen(
    async (request) => {
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return new Response(`${new URL(request.url).pathname};`);
    },
    '127.0.0.1',
    0,
  );
  const paths = Array.from({ length: 30 }, (_, index) => `/${index}`);
  const answers = await answersOf(watched.port, pipelined(paths), (text) => text.includes('/29;'));
  await watched.close();
  expect(answers.match(/\/\d+;/g)).toEqual(paths.map((path) => `${path};`));
  expect(mostUnderWay).toBe(1);
});

test('a connection on which too many requests wait is answered what came first, told so, and closed; nothing behind is done', async () => {
  const done: string[] = [];
  const watched = await listen(
    async (request) => {
      done.push(new URL(request.url).pathname);
      await new Promise((resolve) => setImmediate(resolve));
      return new Response('');
    },
    '127.0.0.1',
    0,
  );
  const paths = Array.from({ length: 2_000 }, (_, index) => `/${index}`);
  const answers = await answersOf(watched.port, pipelined(paths), () => false);
  await watched.close();
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([
    ...Array.from({ length: 33 }, () => 'HTTP/1.1 200'),
    'HTTP/1.1 429',
  ]);
  expect(answers).toContain('TOO_MANY_REQUESTS');
  expect(done).toEqual(paths.slice(0, 33));
});

test('who writes does not stand behind all who read the same path', async () => {
  const order: string[] = [];
  const watched = await listen(
    (request) => {
      order.push(request.method);
      const until = performance.now() + 2;
      while (performance.now() < until);
      return new Response('');
    },
    '127.0.0.1',
    0,
  );
  const head = (method: string) => `${method} /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`;
  /** Answered once, it has been accepted. */
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(watched.port, '127.0.0.1', () => socket.write(head('HEAD')));
      socket.on('data', () => resolve(socket)).on('error', reject);
    });
  const sockets = await Promise.all(Array.from({ length: 101 }, open));
  for (const [index, socket] of sockets.entries()) socket.write(head(index < 100 ? 'GET' : 'POST'));
  await eventually(() => order.length === 202, { describe: 'all are answered' });
  for (const socket of sockets) socket.destroy();
  await watched.close();
  expect(order.slice(101).indexOf('POST')).toBeLessThan(50);
});
