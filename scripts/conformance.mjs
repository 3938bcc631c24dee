/** `pnpm conformance`: how our pieces score on the cases that others wrote, against the bars they must reach. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './setup.mjs';

const packages = ['starlark-wasm', 'schema-checker'];
for (const name of packages) {
  const script = join(root, 'packages', name, 'scripts', 'conformance.mjs');
  if (!existsSync(join(root, 'packages', name, 'dist', 'index.js'))) {
    process.stderr.write(`packages/${name} is not built: run npm test or pnpm build first\n`);
    process.exit(1);
  }
  run(process.execPath, [script]);
}
