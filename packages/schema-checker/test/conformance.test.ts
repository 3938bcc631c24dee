import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkSubset, type Dialect, type Json } from '../src/index.js';
import { compileWithAjv } from './ajv-oracle.js';

interface Row {
  id: string;
  a: Json;
  b: Json;
  a_subset_of_b: boolean;
  dialect: Dialect;
}

const file = new URL('../../../../shared/conformance/json-schema-subset.jsonl', import.meta.url);
const isPresent = existsSync(file);
if (!isPresent) process.stdout.write('skipped: no shared/conformance beside the repository\n');

describe.skipIf(!isPresent)('shared conformance cases', () => {
  const lines = isPresent ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const answers = lines.map((line) => {
    const row = JSON.parse(line) as Row;
    return { row, result: checkSubset(row.a, row.b, { dialect: row.dialect }) };
  });
  const expected = answers.filter(({ row }) => row.a_subset_of_b);
  const refuted = answers.filter(({ row }) => !row.a_subset_of_b);

  test('no false row is called compatible', () => {
    expect(refuted.filter(({ result }) => result.verdict === 'compatible').map(({ row }) => row.id)).toEqual(
      [],
    );
  });

  test('every counterexample is valid under a and invalid under b for ajv', () => {
    for (const { row, result } of answers) {
      if (result.verdict !== 'incompatible') continue;
      expect(compileWithAjv(row.a, row.dialect)(result.counterexample), row.id).toBe(true);
      expect(compileWithAjv(row.b, row.dialect)(result.counterexample), row.id).toBe(false);
    }
  });

  test('at least 92 % of the true rows are compatible', () => {
    const proved = expected.filter(({ result }) => result.verdict === 'compatible');
    expect(proved.length / expected.length).toBeGreaterThanOrEqual(0.92);
  });

  test('true rows are called incompatible only for line ends, which `.` does not match', () => {
    const disputed = expected.filter(({ result }) => result.verdict === 'incompatible');
    for (const { result } of disputed)
      expect(result).toMatchObject({ counterexample: expect.stringMatching(/^[\n\r\u2028\u2029]+$/) });
  });

  test('at least 95 % of the false rows are incompatible with a counterexample', () => {
    const shown = refuted.filter(({ result }) => result.verdict === 'incompatible');
    expect(shown.length / refuted.length).toBeGreaterThanOrEqual(0.95);
  });
});
