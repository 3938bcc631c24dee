/** What a request's body may be: read strictly, and refused with its place. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { triage } from './support/workflows.js';
import { type Answer, openWorld, type World } from './support/world.js';

const runs = '/api/v1/workflow-runs';

let world: World;
beforeEach(async () => {
  world = openWorld();
  await world.call('PUT', '/api/v1/workflows/triage', triage);
});
afterEach(() => world.close());

const send = async (
  path: string,
  body: string | Uint8Array,
  contentType: string | null = 'application/json',
  method = 'POST',
): Promise<Answer> => {
  const headers: Record<string, string> = contentType === null ? {} : { 'content-type': contentType };
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const response = await world.request(path, { method, headers, body: bytes as Uint8Array<ArrayBuffer> });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

const start = (input: string): string => `{"workflow": "triage",\n "input": ${input}}`;

describe('JSON that would not mean what it says is 400 with its place', () => {
  test.each([
    ['23 digits', '{"service": "web", "n": 12345678901234567890123}', '/input/n', 'would lose digits'],
    ['1e400', '{"n": 1e400}', '/input/n', 'larger than any number'],
    ['a key that stands twice', '{"service": "a", "service": "b"}', '/input/service', 'stands twice'],
    ['half a surrogate pair', '{"service": "\\ud83d"}', '/input/service', 'half of a surrogate pair'],
  ])('%s', async (_, input, path, message) => {
    const answer = await send(runs, start(input));
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      code: 'MALFORMED_BODY',
      errors: [{ path, line: 2, column: expect.any(Number), message: expect.stringContaining(message) }],
    });
  });

  test('nesting of 4,500 levels names the limit, and nothing unexpected goes wrong', async () => {
    const deep = `${'{"a":'.repeat(4_500)}1${'}'.repeat(4_500)}`;
    for (const [path, body] of [
      [runs, start(deep)],
      [`${runs}/r1/signals/go`, `{"payload": ${deep}}`],
      [`${runs}/r1/approvals/a1/approve`, `{"data": ${deep}}`],
    ] as const) {
      const answer = await send(path, body);
      expect(answer.status).toBe(400);
      expect(answer.body.detail).toContain('deeper than the limit of 64 levels');
    }
    expect(world.internalErrors).toEqual([]);
  });

  test('a definition nested as deeply is 400 as well', async () => {
    const deep = `${'['.repeat(4_500)}${']'.repeat(4_500)}`;
    for (const body of [`{"id": ${deep}}`, JSON.stringify({ source: `id: ${deep}` })]) {
      const answer = await send('/api/v1/workflows', body);
      expect(answer.status).toBe(400);
    }
    expect(world.internalErrors).toEqual([]);
  });

  test.each([
    ['bad UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'byte 2 is not UTF-8'],
    ['a byte order mark', '\uFEFF{"workflow": "triage"}', 'byte order mark'],
    ['no JSON', '{"workflow": triage}', 'a value was expected'],
  ])('%s', async (_, body, message) => {
    const answer = await send(runs, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'MALFORMED_BODY', detail: expect.stringContaining(message) });
  });
});

test('a key __proto__ of an input is data like any other: kept, and part of what one idempotency key means', async () => {
  const input = '{"service":"web","__proto__":{"x":1},"constructor":2,"prototype":3}';
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k1' };
  const post = (body: string) => world.request(runs, { method: 'POST', headers, body });
  const first = await post(start(input));
  expect(first.status).toBe(201);
  const { runId } = (await first.json()) as { runId: string };
  expect(await (await world.request(`${runs}/${runId}`)).text()).toContain(`"input":${input}`);
  expect((await post(start(input))).status).toBe(200);
  expect((await post(start(input.replace('{"x":1}', '{"x":2}')))).status).toBe(409);
});

test('a definition that is not UTF-8 is 400 with the byte', async () => {
  const body = Uint8Array.from([0x69, 0x64, 0x3a, 0x20, 0xe9]);
  const answer = await send('/api/v1/workflows/triage', body, 'application/yaml', 'PUT');
  expect(answer.status).toBe(400);
  expect(answer.body.detail).toContain('byte 4 is not UTF-8');
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', null])(
  'a body with the content type %s is not taken for JSON, nor for an empty one',
  async (contentType) => {
    const answer = await send(`${runs}/r1/cancel`, '{"reason": "no"}', contentType);
    expect(answer.status).toBe(415);
    expect(answer.body.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  },
);

test.each([
  ['content-encoding', 'gzip'],
  ['content-type', 'application/json; charset=latin1'],
])('a body whose %s is %s is not read as something else', async (name, value) => {
  const answer = await world.call('POST', `${runs}/r1/cancel`, '{}', { [name]: value });
  expect(answer.status).toBe(415);
  expect(answer.body.code).toBe('UNSUPPORTED_MEDIA_TYPE');
});

test.each([[[1]], ['x'], [5], [null]])('the input %j of a run is 400: it is one object', async (input) => {
  const answer = await world.call('POST', runs, { workflow: 'a', input });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toEqual([{ path: '/input', message: 'must be an object' }]);
});

test('a query that is not valid names the valid values', async () => {
  const answer = await world.call('GET', `${runs}?status=WRONG`);
  expect(answer.status).toBe(400);
  expect(answer.body.errors[0].path).toBe('/status');
  expect(answer.body.errors[0].message).toContain('COMPLETED');
});
