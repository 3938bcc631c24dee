/**
 * Ports on loopback for servers that are killed and come back. None is of those from which outgoing connections take
 * theirs: while a server is down its clients call it again and again, and one of them would be given that very port,
 * be connected with itself, and keep the server from coming back.
 */
import { createServer, type Server } from 'node:net';

const firstPort = 12_000;
/** Outgoing connections begin here on Linux (`net.ipv4.ip_local_port_range`), and further up elsewhere. */
const endOfPorts = 32_768;
const maxTries = 1_000;

const listenOn = (port: number): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

const randomPort = (): number => firstPort + Math.floor(Math.random() * (endOfPorts - firstPort));

/** `count` different ports that nobody listens on; held together, so that none is given twice. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const held = new Map<number, Server>();
  for (let tries = 0; held.size < count && tries < maxTries; tries += 1) {
    const port = randomPort();
    const server = held.has(port) ? undefined : await listenOn(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  if (held.size < count) throw new Error(`no ${count} ports are free below ${endOfPorts}`);
  return [...held.keys()];
};

export const freePort = async (): Promise<number> => {
  const [port = 0] = await freePorts(1);
  return port;
};
