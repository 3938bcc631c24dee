import { expect, test } from 'vitest';
import { createLogger, type LogLevel, quotesNobody } from './index.js';

function capture(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const logger = createLogger({ service: 'api', level, write: (line) => lines.push(line) });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line is one JSON object with time, level, service and message first', () => {
  const { logger, lines } = capture();
  logger.info('started', { run_id: 'r1' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^\{"time":"[^"]+Z","level":"info","service":"api","msg":"started","run_id":"r1"\}\n$/,
  );
});

test('a child adds its fields to every line, the nearest wins, and none hides the head of the line', () => {
  const { logger, parsed } = capture();
  const child = logger.child({ run_id: 'r1', attempt: 1 }).child({ step_id: 's1' });
  child.warn('retried', { attempt: 2, msg: 'fake', level: 'fake' });
  expect(parsed()[0]).toMatchObject({
    level: 'warn',
    msg: 'retried',
    run_id: 'r1',
    step_id: 's1',
    attempt: 2,
  });
});

test.each([
  ['debug', 4],
  ['info', 3],
  ['warn', 2],
  ['error', 1],
  ['silent', 0],
] as const)('level %s writes %i of the four kinds of line', (level, count) => {
  const { logger, lines } = capture(level);
  for (const write of [logger.debug, logger.info, logger.warn, logger.error]) write('x');
  expect(lines).toHaveLength(count);
});

test('an error is written with its name, code, stack and the chain of its causes', () => {
  const { logger, parsed } = capture('debug');
  const cause = Object.assign(new TypeError('inner'), { code: 'E_INNER' });
  logger.error('failed', { error: new Error('outer', { cause }) });
  expect(parsed()[0]?.error).toMatchObject({
    name: 'Error',
    message: 'outer',
    stack: expect.stringContaining('logger.test'),
    cause: { name: 'TypeError', message: 'inner', code: 'E_INNER' },
  });
});

test('what JSON cannot hold does not keep a line from being written', () => {
  const { logger, parsed } = capture('debug');
  const circular: Record<string, unknown> = { count: 1n };
  circular.self = circular;
  const shared = { a: 1 };
  const error = new Error('own cause');
  error.cause = error;
  logger.info('odd', { circular, first: shared, second: shared, error });
  expect(parsed()[0]).toMatchObject({
    circular: { count: '1', self: '[circular]' },
    first: { a: 1 },
    second: { a: 1 },
    error: { message: 'own cause' },
  });
});

test('no message of an error that may quote a user is written, at any level but debug', () => {
  const { logger, lines, parsed } = capture('info');
  const secret = 'MARKER\n    at secret (MARKER:1:1)';
  const parse = (): unknown => {
    try {
      return JSON.parse('{MARKER');
    } catch (error) {
      return error;
    }
  };
  logger.info('one', { error: new Error(secret, { cause: new TypeError(secret, { cause: secret }) }) });
  logger.warn('two', { error: parse() });
  logger.error('three', { error: Object.assign(new Error(secret), { code: 'E_SOME' }) });
  expect(lines.join('')).not.toContain('MARKER');
  expect(parsed()[0]).toMatchObject({
    error: { name: 'Error', stack: expect.stringContaining('logger.test'), cause: { name: 'TypeError' } },
  });
  expect(parsed()[2]).toMatchObject({ error: { code: 'E_SOME' } });
});

test('an error of the system, and one whose class quotes nobody, keeps its message', () => {
  const { logger, parsed } = capture('info');
  const refused = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    errno: -111,
    syscall: 'connect',
  });
  class Known extends Error {
    readonly [quotesNobody] = true;
  }
  logger.warn('one', { error: new Known('the connection is down', { cause: refused }) });
  expect(parsed()[0]).toMatchObject({
    error: { message: 'the connection is down', cause: { message: 'connect ECONNREFUSED' } },
  });
});
