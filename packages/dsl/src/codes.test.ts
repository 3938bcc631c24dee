import { describe, expect, test } from 'vitest';
import { compiler } from '../test/starlark-compiler.js';
import { codeExamples, exampleEnvironment } from './code-examples.js';
import type { AgentDefinition } from './index.js';
import { issueCodes, parseWorkflow } from './index.js';

const environment = {
  agents: new Map(
    Object.entries(exampleEnvironment.agents).map(([name, schemas]): [string, AgentDefinition] => [
      name,
      {
        name,
        model: { provider: 'scripted', name: 'demo' },
        config: {},
        prompt: { kind: 'literal', value: '' },
        ...schemas,
      },
    ]),
  ),
  tools: new Set<string>(exampleEnvironment.tools),
  workflows: new Set<string>(exampleEnvironment.workflows),
};

describe('the example of each code has that code and no other', () => {
  test.each(Object.entries(codeExamples))('%s', (code, text) => {
    const parsed = parseWorkflow(text, { compiler, environment });
    const found = [...(parsed.ok ? [] : parsed.errors), ...parsed.warnings].map((issue) => issue.code);
    // Nothing executes tools yet, so whatever names one is refused for that as well.
    const expected = code === 'TOOL_NOT_FOUND' ? ['NOT_SUPPORTED_YET', code] : [code];
    expect(found.toSorted()).toEqual(expected);
  });
});

test('every code has an example', () => {
  expect(issueCodes.filter((code) => !Object.hasOwn(codeExamples, code))).toEqual([]);
});
