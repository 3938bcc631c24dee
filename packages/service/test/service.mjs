// A service whose behaviour the test chooses through the environment.
import { parseSettings, runService, settings } from '../dist/index.js';

const mode = process.env.TEST_MODE;

await runService({
  name: 'sample',
  parseConfig: (env) => parseSettings({ logLevel: settings.logLevel, apiPort: settings.apiPort }, env),
  graceMs: mode === 'stuck' ? 100 : 10_000,
  start: async ({ logger, scope, signal, fail }) => {
    scope.use({ close: () => logger.info('first closed') });
    scope.use({ close: () => logger.info('second closed') });
    const alive = setInterval(() => undefined, 60_000);
    scope.use(alive, clearInterval);
    if (mode === 'stuck' || mode === 'slow') scope.use({ close: () => new Promise(() => undefined) });
    if (mode === 'waiting') {
      logger.info('waiting');
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    if (mode === 'throwing') setImmediate(() => Promise.reject(new TypeError('unknown')));
    if (mode === 'failing') setImmediate(() => fail(new TypeError('unknown')));
    if (mode === 'broken') throw new TypeError('unknown');
    return { port: 7 };
  },
});
