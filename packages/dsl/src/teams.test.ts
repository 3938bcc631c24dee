import { expect, test } from 'vitest';
import { parseTeams } from './index.js';

test('teams are lists of members, each once', () => {
  const parsed = parseTeams('sre: [user:alice, user:bob, user:alice]\nops: []\n');
  expect(parsed.ok && [...parsed.teams]).toEqual([
    ['sre', ['user:alice', 'user:bob']],
    ['ops', []],
  ]);
});

test('an empty file has no teams', () => {
  expect(parseTeams('# none yet\n')).toEqual({ ok: true, teams: new Map() });
});

test.each(['sre: user:alice', 'sre: [alice]', '- sre', '"a b": [user:x]', 'sre: [user:a', 'sre: [1]'])(
  '%s is an error',
  (text) => {
    expect(parseTeams(text)).toMatchObject({ ok: false, errors: [{ line: 1 }] });
  },
);
