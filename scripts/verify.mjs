/** `pnpm verify`: everything that must hold before a change lands. */
import { pnpm, root, run, setUp } from './setup.mjs';

setUp();
const bin = (name) => `${root}/node_modules/.bin/${name}`;
const steps = [
  [
    'types of the tests',
    'npx',
    ['-y', pnpm, 'exec', 'turbo', 'run', 'typecheck', '--output-logs=errors-only'],
  ],
  ['lint and format', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['layers', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'apps', 'packages', 'bench', 'chaos']],
  ['unused code and dependencies', bin('knip'), ['--no-config-hints']],
  ['spelling', bin('cspell'), ['lint', '--no-progress', '--quiet', '.']],
  ['tests', process.execPath, [`${root}/node_modules/vitest/vitest.mjs`, 'run']],
];
for (const [what, command, args] of steps) {
  process.stderr.write(`[verify] ${what}\n`);
  run(command, args);
}
process.stderr.write('[verify] all green\n');
