/** Owns a real nats-server for one test file, with a connection and a publisher, that can be killed and come back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedNats, startEmbeddedNats } from '@signalbox/embedded-nats';
import {
  type Connection,
  createPublisher,
  openConnection,
  type Publisher,
  provision,
  type Topology,
} from '@signalbox/messaging';
import { createLogger } from '@signalbox/telemetry';
import { freePort } from './free-ports.js';

export interface TestBus {
  readonly url: string;
  readonly port: number;
  /** Of nats-server, as it runs now. */
  readonly pid: number;
  readonly connection: Connection;
  readonly publisher: Publisher;
  /** A further connection, closed by `stop()`. */
  connect(name: string): Promise<Connection>;
  /** kill -9 of nats-server; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts nats-server again on the same store and port; resolves when it answers. */
  restart(): Promise<void>;
  /** Ends everything and removes the store. */
  stop(): Promise<void>;
}

export async function startTestBus(
  options: { topology?: Topology; maxPayload?: number } = {},
): Promise<TestBus> {
  const storeDir = await mkdtemp(join(tmpdir(), 'signalbox-bus-'));
  const limits = options.maxPayload === undefined ? {} : { maxPayload: options.maxPayload };
  const port = await freePort();
  let server: EmbeddedNats = await startEmbeddedNats({ storeDir, port, ...limits });
  const { url } = server;
  const connections: Connection[] = [];
  const connect = async (name: string) => {
    const logger = createLogger({ service: name, level: 'silent' });
    const connection = await openConnection({ url, name, logger });
    connections.push(connection);
    return connection;
  };
  const connection = await connect('test');
  const publisher = createPublisher(connection);
  if (options.topology !== undefined) await provision(connection, options.topology);
  return {
    url,
    port,
    get pid() {
      return server.pid;
    },
    connection,
    publisher,
    connect,
    kill: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    restart: async () => {
      server = await startEmbeddedNats({ storeDir, port, ...limits });
    },
    stop: async () => {
      publisher.close();
      for (const opened of connections) await opened.close();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}
