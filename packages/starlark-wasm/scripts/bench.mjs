/** Prints what the first use and a compiled expression cost, and how much fuel a millisecond is worth. Usage: node scripts/bench.mjs */
import { createStarlark } from '../dist/index.js';

const scope = {
  ctx: { namespace: 'prod', service: 'checkout', config: { thresholds: { errorRate: 0.05 } } },
  error_rate: 0.07,
  steps: {
    items: Array.from({ length: 100 }, (_, index) => ({ name: `pod-${index}`, restarts: index % 5 })),
  },
};

const expressions = {
  simple: 'error_rate > 0.05',
  'two fields of ctx': 'error_rate > ctx.config.thresholds.errorRate and ctx.namespace == "prod"',
  'list of 100': '[p.name for p in steps.items if p.restarts > 3]',
};

function run(starlark, expression) {
  const compiled = starlark.compile(expression, undefined);
  if (!compiled.ok) throw new Error(`does not compile: ${expression}`);
  const result = starlark.evaluate(compiled.program, scope);
  if (!result.ok) throw new Error(result.message);
}

function print(what, value, unit) {
  process.stdout.write(`${what.padEnd(40)} ${value.toFixed(1).padStart(8)} ${unit}\n`);
}

const startedAt = performance.now();
const starlark = createStarlark();
run(starlark, expressions.simple);
print('first use (load, compile, evaluate)', performance.now() - startedAt, 'ms');
for (const [name, expression] of Object.entries(expressions)) {
  const count = 5_000;
  for (let i = 0; i < count; i++) run(starlark, expression);
  const from = performance.now();
  for (let i = 0; i < count; i++) run(starlark, expression);
  print(`evaluate: ${name}`, ((performance.now() - from) / count) * 1_000, 'µs');
}
const from = performance.now();
for (let i = 0; i < 500; i++) run(starlark, `error_rate > 0.${i}`);
print('compile and evaluate a new expression', ((performance.now() - from) / 500) * 1_000, 'µs');

const work = {
  'plain loops': 'sum(range(20000))',
  comprehension: '[n for n in range(5000) if n % 3 == 0]',
  'very large numbers':
    'str(7 * 10000000000000000000000000000000000000000000000 * 10000000000000000000000) * 200',
  'a long text': '"b" in "a" * 200000',
};
const boundless = 2_000_000_000;
for (const [name, expression] of Object.entries(work)) {
  const once = () => {
    const measured = starlark.evaluateWithin('expression', expression, () => undefined, boundless);
    if (measured.isOver || !measured.result.ok) throw new Error(`cannot be measured: ${expression}`);
    return measured.fuel;
  };
  once();
  // Of processor time: a machine that is busy with something else gives the same.
  const begun = process.cpuUsage();
  let fuel = 0;
  for (let i = 0; i < 200; i++) fuel += once();
  const { user, system } = process.cpuUsage(begun);
  print(`fuel of a millisecond: ${name}`, fuel / (user + system), 'thousand');
}
