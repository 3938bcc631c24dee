/** Definitions are validated beside the api's own thread: nobody waits for somebody else's large one. */
import { CheckThreads } from '@signalbox/validation';
import { afterEach, expect, test } from 'vitest';
import { openWorld, type World } from './support/world.js';

let world: World;
let checks: CheckThreads | undefined;

const open = (options: ConstructorParameters<typeof CheckThreads>[0] = {}) => {
  checks = new CheckThreads(options);
  world = openWorld({ checks });
};
afterEach(async () => {
  world.close();
  await checks?.close();
});

const statesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const next = index === count - 1 ? 'end: true' : `next: s${index + 1}`;
    return `  - { name: s${index}, type: inject, data: { at: ${index} }, ${next} }\n`;
  }).join('');
const definition = (count: number) =>
  `id: w\nversion: "1.0"\nname: w\nstart: s0\nstates:\n${statesOf(count)}`;
const validate = (source: string) => world.call('POST', '/api/v1/workflows/validate', source);

test('readers are answered while a thousand states are validated', async () => {
  open();
  let isValidated = false;
  const validated = validate(definition(1_000)).then((answer) => {
    isValidated = true;
    return answer;
  });
  for (let index = 0; index < 20; index += 1) {
    expect((await world.call('GET', '/api/v1/workflows')).status).toBe(200);
  }
  expect(isValidated).toBe(false);
  expect((await validated).body).toMatchObject({ valid: true, errors: [] });
});

test('a small definition waits for the large one at work, and for none of those that wait as it does', async () => {
  open({ maxThreads: 1 });
  const ended: string[] = [];
  const large = Array.from({ length: 5 }, () => validate(definition(1_000)).then(() => ended.push('large')));
  const small = validate(definition(1)).then(() => ended.push('small'));
  await Promise.all([...large, small]);
  expect(ended.indexOf('small')).toBeLessThanOrEqual(1);
});

test('more definitions than may wait are answered with 503 and when to come again', async () => {
  open({ maxThreads: 1, maxWaiting: 2 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => validate(definition(3))));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(8);
  expect(refused[0]?.body).toMatchObject({ code: 'VALIDATION_BUSY' });
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
});

test('a definition has the processor for so long: that others have it meanwhile does not count, but for a bound', async () => {
  const openTime = () => ({ read: () => 0, close: () => undefined });
  open({ maxThreads: 1, maxDefinitionMs: 5, maxStretch: 100_000, openTime });
  expect((await validate(definition(300))).body).toMatchObject({ valid: true });
  world.close();
  await checks?.close();
  open({ maxThreads: 1, maxDefinitionMs: 5, maxStretch: 2, openTime });
  expect((await validate(definition(300))).body).toMatchObject({ code: 'VALIDATION_LIMIT' });
});

test('a definition that takes longer than the limit is refused with a code', async () => {
  open({ maxThreads: 1, maxDefinitionMs: 20 });
  const answer = await validate(definition(1_000));
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'VALIDATION_LIMIT', detail: expect.stringContaining('20 ms') });
});
