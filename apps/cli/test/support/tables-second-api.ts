/** A further api process, of another workspace on the same platform: with a read model and a port of its own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { World } from '@signalbox/testing';
import { eventually, spawnProcess } from '@signalbox/testing';

export interface SecondApi {
  readonly url: string;
  stop(): Promise<void>;
}

/** Not `World.start`, which makes an api that it starts the one that the world's calls go to. */
export const startSecondApi = async (world: World, workspace: string): Promise<SecondApi> => {
  const process = spawnProcess({
    script: fileURLToPath(new URL('../../../api/dist/main.js', import.meta.url)),
    env: {
      SIGNALBOX_NATS_URL: world.natsUrl,
      SIGNALBOX_DATA_DIR: world.dataDir,
      SIGNALBOX_API_DATABASE: join(world.dataDir, `api-${workspace}.sqlite`),
      SIGNALBOX_API_PORT: '0',
      SIGNALBOX_WORKSPACE: workspace,
    },
  });
  const { url } = await process.ready;
  await eventually(async () => (await fetch(`${url}/readyz`)).ok, { describe: `the api of ${workspace}` });
  return {
    url: String(url),
    stop: async () => {
      process.kill('SIGTERM');
      await process.exited;
    },
  };
};
