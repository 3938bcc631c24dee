/**
 * Prints how many small checks are answered in a second of processor time: `node scripts/bench.mjs`. Needs `dist`.
 */
import { checkSubset } from '../dist/index.js';

const incident = {
  type: 'object',
  properties: {
    service: { type: 'string' },
    severity: { enum: ['low', 'high'] },
    count: { type: 'integer', minimum: 0 },
  },
  required: ['service', 'severity', 'count'],
};
const reader = {
  type: 'object',
  properties: {
    service: { type: 'string' },
    severity: { enum: ['low', 'medium', 'high'] },
    count: { type: 'number' },
  },
  required: ['service', 'severity'],
};
const cases = [
  ['number within range', { type: 'integer', minimum: 1, maximum: 5 }, { type: 'number', minimum: 0 }],
  ['string is no integer', { type: 'string' }, { type: 'integer' }],
  ['string with length', { type: 'string', minLength: 2 }, { type: 'string', minLength: 1 }],
  [
    'array of strings',
    { type: 'array', items: { type: 'string' } },
    { type: 'array', items: { type: ['string', 'null'] } },
  ],
  ['enum', { enum: ['a', 'b'] }, { enum: ['a', 'b', 'c'] }],
  ['pattern', { type: 'string', pattern: '^[a-z]{3}$' }, { type: 'string', pattern: '^[a-z]+$' }],
  ['object of three, compatible', incident, reader],
  ['object of three, incompatible', reader, incident],
];
const DURATION_MS = 400;

function rateOf(work) {
  for (let i = 0; i < 200; i += 1) work();
  const before = process.cpuUsage();
  const usedMs = () => {
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1_000;
  };
  let count = 0;
  while (usedMs() < DURATION_MS) {
    for (let i = 0; i < 20; i += 1) work();
    count += 20;
  }
  return Math.round((1_000 * count) / usedMs());
}

for (const [name, a, b] of cases) {
  const rate = rateOf(() => checkSubset(a, b));
  process.stdout.write(
    `${name.padEnd(32)} ${String(rate).padStart(8)} checks/s  ${checkSubset(a, b).verdict}\n`,
  );
}
const mixed = rateOf(() => cases.map(([, a, b]) => checkSubset(a, b)));
process.stdout.write(
  `${'all of them in turn'.padEnd(32)} ${String(mixed * cases.length).padStart(8)} checks/s\n`,
);
