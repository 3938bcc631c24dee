/**
 * The listening socket. What never becomes a request (a head that is too large, a method that HTTP does not know, a
 * wrong `Host`) is answered with a problem like everything else.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { CannotRun } from '@signalbox/service';
import { Admission } from './admission.js';
import { maxWaitingRequests, Pipeline } from './pipeline.js';
import { type Problem, problem, problemMediaType, problemResponse, problemText } from './problem.js';

export interface HttpServer {
  /** With the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Takes no new connection and waits for the requests under way. */
  close(): Promise<void>;
}

type Fetch = (request: Request, env: HttpBindings) => Response | Promise<Response>;

/** Resolves when it listens; rejects when the address cannot be had. */
export const listen = (fetch: Fetch, hostname: string, port: number): Promise<HttpServer> =>
  new Promise((resolve, reject) => {
    const server = createHttpServer(fetch);
    server.once('error', (error) => reject(cannotListen(error, hostname, port)));
    server.listen(port, hostname, () => {
      server.removeAllListeners('error');
      const { port: taken } = server.address() as AddressInfo;
      const host = hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname;
      resolve({ url: `http://${host}:${taken}`, port: taken, close: () => closeServer(server) });
    });
  });

const cannotListen = (error: NodeJS.ErrnoException, hostname: string, port: number): Error => {
  if (error.code === 'EADDRINUSE')
    return new CannotRun(
      75,
      `port ${port} of ${hostname} is taken: end who has it, or name another in SIGNALBOX_API_PORT`,
    );
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL')
    return new CannotRun(78, `port ${port} of ${hostname} cannot be listened on (${error.code})`);
  return error;
};

const createHttpServer = (fetch: Fetch): Server => {
  const answer = getRequestListener((request, env) => fetch(request, env as HttpBindings), {
    // Of HTTP/1.0, which has no `Host`: nothing but this socket can be meant.
    hostname: 'localhost',
    errorHandler: () =>
      problemResponse(problem('MALFORMED_REQUEST', 'The target or the Host cannot be read'), '/'),
  });
  const admission = new Admission();
  const pipeline = new Pipeline();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.host === undefined && request.httpVersion !== '1.0') {
      refuse(response, problem('MALFORMED_REQUEST', 'A request of HTTP/1.1 needs exactly one Host header'));
      return;
    }
    // The names of hosts have no case.
    if (request.headers.host !== undefined) request.headers.host = request.headers.host.toLowerCase();
    const [path = ''] = (request.url ?? '').split('?', 1);
    const isEntered = pipeline.enter(request, response, () =>
      admission.admit(`${request.method} ${path}`, () => {
        // Who is gone before their turn asks for nothing any more.
        if (!response.destroyed) void answer(request, response);
      }),
    );
    if (!isEntered) refuse(response, tooMany);
  };
  return createServer({ requireHostHeader: false }, listener)
    .on('clientError', (error, socket) => refuseSocket(socket, clientProblem(error)))
    .on('connect', (_request, socket) =>
      refuseSocket(socket, problem('METHOD_NOT_ALLOWED', 'This is no proxy: there is no CONNECT')),
    )
    .on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
      refuse(response, problem('EXPECTATION_FAILED', 'The only expectation that is met is 100-continue')),
    );
};

const tooMany = problem(
  'TOO_MANY_REQUESTS',
  `More than ${maxWaitingRequests} requests wait on this connection: read the answers, or use another one`,
);

const clientProblem = (error: Error): Problem => {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return problem('HEADERS_TOO_LARGE', 'The address and the headers may have at most 16 KiB together');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problem('REQUEST_TIMEOUT', 'The request did not arrive in time');
  if (code === 'HPE_INVALID_METHOD') return problem('MALFORMED_REQUEST', 'The method is none of HTTP');
  return problem('MALFORMED_REQUEST', 'The request cannot be read as HTTP');
};

const refuse = (response: ServerResponse, refusal: Problem): void => {
  const body = problemText(refusal, '/');
  const length = Buffer.byteLength(body);
  response.writeHead(refusal.status, {
    'content-type': problemMediaType,
    'content-length': length,
    connection: 'close',
  });
  response.end(body);
};

/** The same where there is no response to write to yet. */
const refuseSocket = (socket: Duplex, refusal: Problem): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemText(refusal, '/');
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    `content-type: ${problemMediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};

/** Connections that are kept alive after their last request would hold the close up for seconds. */
const idleCheckMs = 50;

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    const closingIdle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
    server.close((error) => {
      clearInterval(closingIdle);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
