/** A nats-server that is started again on its port when it dies, so that everybody finds it where it was. */
import type { EmbeddedNats } from '@signalbox/embedded-nats';
import { noQuickEnds } from './quick-ends.js';

export interface SupervisedNats {
  readonly url: string;
  /** Resolves with the reason when it cannot be kept up. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

type Start = (port: number | undefined) => Promise<EmbeddedNats>;
type OnLine = (source: 'dev', line: string) => void;

/** Rejects where it does not come up the first time. */
export const superviseNats = async (start: Start, onLine: OnLine): Promise<SupervisedNats> => {
  const ends = noQuickEnds();
  let server = await start(undefined);
  const { url, port } = server;
  let isStopping = false;
  let restarting: Promise<void> = Promise.resolve();
  let reportFailure: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    reportFailure = resolve;
  });

  const watch = (): void => {
    ends.begin();
    void server.exited.then(({ isExpected, code, signal }) => {
      if (isExpected || isStopping) return;
      onLine('dev', `nats-server ended (${signal ?? `exit code ${code}`}); starting it again`);
      restarting = restart();
    });
  };

  const restart = async (): Promise<void> => {
    for (;;) {
      const delayMs = ends.count();
      if (delayMs === undefined) return reportFailure('nats-server ended again and again');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (isStopping) return;
      try {
        ends.begin();
        server = await start(port);
        return watch();
      } catch (error) {
        onLine('dev', `nats-server did not come up: ${(error as Error).message}`);
      }
    }
  };

  watch();
  return {
    url,
    failed,
    stop: async () => {
      isStopping = true;
      await restarting;
      await server.stop();
    },
  };
};
