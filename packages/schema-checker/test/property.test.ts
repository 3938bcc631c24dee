import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSubset, type Dialect, isValid, type Json } from '../src/index.js';
import { compileWithAjv } from './ajv-oracle.js';
import { anyValue, schemaIn, withDefinitions } from './generated-schemas.js';

const INSTANCES = 1_000;
const PAIRS = 600;
const SEED = 20_240_229;
const values = fc.sample(anyValue, { numRuns: INSTANCES, seed: SEED });

/** The second schema is often a slight change of the first: unrelated schemas are rarely contained in each other. */
function pairIn(dialect: Dialect): fc.Arbitrary<[Json, Json]> {
  const schema = schemaIn(dialect);
  const pair = fc.oneof(
    fc.tuple(schema, schema),
    fc.tuple(schema, schema).map(([a, b]): [Json, Json] => [{ allOf: [a, b] }, a]),
    fc.tuple(schema, schema).map(([a, b]): [Json, Json] => [a, { anyOf: [b, a] }]),
    fc
      .tuple(schema, schema)
      .map(([a, b]): [Json, Json] => [{ allOf: [a, { not: b }] }, { not: { allOf: [b, a] } }]),
  );
  const plain = schema.filter((part) => !JSON.stringify(part).includes('$ref'));
  return fc
    .tuple(pair, plain, plain)
    .map(([[a, b], x, y]): [Json, Json] => [withDefinitions(a, x, y), withDefinitions(b, x, y)]);
}

describe.each<Dialect>(['draft-07', '2020-12'])('generated pairs in %s', (dialect) => {
  test('a proof survives a thousand instances, and ajv confirms every counterexample', {
    timeout: 120_000,
  }, () => {
    const counts = { compatible: 0, incompatible: 0, unknown: 0 };
    const check = ([a, b]: [Json, Json]) => {
      const result = checkSubset(a, b, { dialect });
      counts[result.verdict] += 1;
      const [inA, inB] = [compileWithAjv(a, dialect), compileWithAjv(b, dialect)];
      if (result.verdict === 'incompatible') {
        expect(inA(result.counterexample), 'the counterexample is valid under a').toBe(true);
        expect(inB(result.counterexample), 'the counterexample is invalid under b').toBe(false);
        expect(result.reasons.length).toBeGreaterThan(0);
      }
      if (result.verdict === 'compatible') {
        expect(values.filter((value) => inA(value) && !inB(value))).toEqual([]);
      }
    };
    fc.assert(fc.property(pairIn(dialect), check), { numRuns: PAIRS, seed: SEED });
    expect(counts.compatible).toBeGreaterThan(PAIRS / 4);
    expect(counts.incompatible).toBeGreaterThan(PAIRS / 8);
    expect(counts.unknown).toBeLessThan(PAIRS / 10);
  });

  test('what the own validator decides, ajv decides alike', { timeout: 120_000 }, () => {
    const agree = ([schema]: [Json, Json]) => {
      const inAjv = compileWithAjv(schema, dialect);
      for (const value of values.slice(0, 200)) {
        const validity = isValid(schema, value, { dialect });
        if (validity !== 'unknown')
          expect([validity, value]).toEqual([inAjv(value) ? 'valid' : 'invalid', value]);
      }
    };
    fc.assert(fc.property(pairIn(dialect), agree), { numRuns: 100, seed: SEED });
  });
});
