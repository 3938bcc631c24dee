/** The port that clients try by default, where nobody else has it. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The port of the address if it can be listened on now; undefined when it is taken. */
export const preferredPort = async (natsUrl: string): Promise<number | undefined> => {
  const port = Number(new URL(natsUrl).port || '4222');
  return (await canListen(port, '127.0.0.1')) ? port : undefined;
};

/** Whether nobody has the port now. */
export const canListen = async (port: number, host: string): Promise<boolean> => {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
};
