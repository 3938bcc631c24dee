/** The listening socket. */

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';

export interface HttpServer {
  /** With the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Takes no new connection and waits for the requests under way. */
  close(): Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** Resolves when it listens; rejects when the address cannot be had. */
export const listen = (fetch: Fetch, hostname: string, port: number): Promise<HttpServer> =>
  new Promise((resolve, reject) => {
    const server = createAdaptorServer({ fetch }) as Server;
    server.once('error', reject);
    server.listen(port, hostname, () => {
      server.removeListener('error', reject);
      const { port: taken } = server.address() as AddressInfo;
      const host = hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname;
      resolve({ url: `http://${host}:${taken}`, port: taken, close: () => closeServer(server) });
    });
  });

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
