/** `npm start`: set up, then keep the platform up until it is interrupted. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

setUp();
const platform = spawn(
  process.execPath,
  [join(root, 'apps', 'cli', 'bin', 'signalbox.js'), 'dev', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => platform.kill(signal));
platform.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));
