/**
 * Prints how the checker answers the shared conformance cases: `node scripts/conformance.mjs [--verbose]`.
 * Needs `dist` and the folder `shared/conformance` beside the repository.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { checkSubset } from '../dist/index.js';

const file = new URL('../../../../shared/conformance/json-schema-subset.jsonl', import.meta.url);
if (!existsSync(file)) {
  process.stdout.write('json-schema-subset: no conformance cases beside the repository\n');
  process.exit(0);
}
const require = createRequire(import.meta.url);
const ajvByDialect = { 'draft-07': require('ajv').Ajv, '2020-12': require('ajv/dist/2020.js').Ajv2020 };
const addFormats = require('ajv-formats');

/** Whether ajv agrees that the value is valid under `a` and invalid under `b`. */
function isConfirmed(row, value) {
  const accepts = (schema) => {
    const Ajv = ajvByDialect[row.dialect];
    return addFormats(
      new Ajv({ strict: false, validateSchema: false, allErrors: true, logger: false }),
    ).compile(schema)(value);
  };
  return accepts(row.a) && !accepts(row.b);
}

const isVerbose = process.argv.includes('--verbose');
const rows = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const counts = {
  true: { compatible: 0, unknown: 0, incompatible: 0 },
  false: { compatible: 0, unknown: 0, incompatible: 0 },
};
let unsound = 0;
for (const row of rows) {
  const result = checkSubset(row.a, row.b, { dialect: row.dialect });
  counts[row.a_subset_of_b][result.verdict] += 1;
  if (result.verdict === 'compatible' && !row.a_subset_of_b) unsound += 1;
  if (result.verdict === 'incompatible' && !isConfirmed(row, result.counterexample)) unsound += 1;
  const expected = row.a_subset_of_b ? 'compatible' : 'incompatible';
  if (isVerbose && result.verdict !== expected) {
    process.stdout.write(
      `${row.id} expected ${expected}, got ${result.verdict}: ${JSON.stringify(result)}\n`,
    );
    process.stdout.write(`  a ${JSON.stringify(row.a)}\n  b ${JSON.stringify(row.b)}\n`);
  }
}
const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
const [proved, refuted] = [counts.true, counts.false];
const total = (count) => count.compatible + count.unknown + count.incompatible;
process.stdout.write(
  [
    `json-schema-subset: ${rows.length} cases`,
    `  true rows   ${total(proved)}: ${proved.compatible} compatible (${share(proved.compatible, total(proved))}, bar 92 %), ${proved.unknown} unknown, ${proved.incompatible} incompatible with a counterexample that ajv confirms`,
    `  false rows  ${total(refuted)}: ${refuted.incompatible} incompatible (${share(refuted.incompatible, total(refuted))}, bar 95 %), ${refuted.unknown} unknown`,
    `  unsound     ${unsound} (compatible though it is not, or a counterexample that ajv refuses; bar 0)`,
    '',
  ].join('\n'),
);
process.exit(unsound === 0 ? 0 : 1);
