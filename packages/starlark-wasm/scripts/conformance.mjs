/**
 * Prints how many of the Starlark conformance cases the built package answers as expected.
 * Usage: node scripts/conformance.mjs [file]; the default file is `shared/conformance/…` beside the repository.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { createStarlark } from '../dist/index.js';

const defaultFile = fileURLToPath(
  new URL('../../../../shared/conformance/starlark-expressions.jsonl', import.meta.url),
);

/** Returns `{ total, passed, failed: [{ id, expr, expected, actual }] }`, or undefined where there is no file. */
export function scoreStarlark(file = defaultFile) {
  if (!existsSync(file)) return undefined;
  const starlark = createStarlark();
  const cases = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const failed = [];
  for (const { id, expr, expect, fails } of cases) {
    const actual = answer(starlark, expr);
    const isRight = fails === true ? !actual.ok : actual.ok && isDeepStrictEqual(actual.value, expect);
    if (!isRight) failed.push({ id, expr, expected: fails === true ? 'an error' : expect, actual });
  }
  return { total: cases.length, passed: cases.length - failed.length, failed };
}

function answer(starlark, expression) {
  const compiled = starlark.compile(expression, new Set());
  return compiled.ok ? starlark.evaluate(compiled.program, {}) : compiled;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const score = scoreStarlark(process.argv[2]);
  if (score === undefined) {
    process.stdout.write('starlark: no conformance cases beside this repository, nothing scored\n');
  } else {
    process.stdout.write(
      `starlark: ${score.passed} of ${score.total} cases pass (${((100 * score.passed) / score.total).toFixed(1)} %, bar 99 %)\n`,
    );
    for (const { id, expr, expected, actual } of score.failed) {
      process.stdout.write(
        `  ${id} ${expr}\n    expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}\n`,
      );
    }
  }
}
