/** `npm run demo`: set up, then the main job on a platform of its own that goes away afterwards. */
import { join } from 'node:path';
import { root, run, setUp } from './setup.mjs';

setUp();
run(process.execPath, [join(root, 'apps', 'cli', 'bin', 'signalbox.js'), 'demo', ...process.argv.slice(2)]);
