import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compiler } from '../../test/starlark-compiler.js';
import { codeExamples } from '../code-examples.js';
import { languageJsonSchema, parseWorkflow } from '../index.js';
import { actionInputs } from './action-inputs.js';
import { stateShapes } from './state-shapes.js';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/${name}.workflow.yaml`, import.meta.url), 'utf8');
const whole = fixture('whole-language');

const ajv = new Ajv({ strict: false, allErrors: true });
const validate = ajv.compile(languageJsonSchema());
const isAccepted = (text: string): boolean => validate(parse(text)) === true;

describe('the schema for editors', () => {
  test.each(['incident-triage', 'whole-language'])('accepts %s', (name) => {
    validate(parse(fixture(name)));
    expect(validate.errors ?? []).toEqual([]);
  });

  test.each(Object.entries(codeExamples).filter(([, text]) => parseWorkflow(text, { compiler }).ok))(
    'accepts the example of the warning %s',
    (_, text) => {
      expect(isAccepted(text)).toBe(true);
    },
  );

  test.each([
    'UNKNOWN_FIELD',
    'UNKNOWN_TYPE',
    'UNKNOWN_ACTION',
    'MISSING_FIELD',
    'INVALID_VALUE',
    'MISSING_WORKFLOW_ID',
    'NO_STATES',
    'MISSING_TRANSITION',
    'AGENT_NAME_REQUIRED',
  ] as const)('refuses the example of %s', (code) => {
    expect(isAccepted(codeExamples[code])).toBe(false);
  });

  test('accepts the older spellings', () => {
    const text =
      'id: old\nstates:\n  - { id: a, type: operation, input: { task: agent.run, agent_id: x }, transition: a }\n';
    expect(isAccepted(text)).toBe(true);
    expect(parseWorkflow(text, { compiler }).ok).toBe(true);
  });
});

describe('the example of the whole language', () => {
  test('has neither errors nor warnings', () => {
    const parsed = parseWorkflow(whole, { compiler });
    expect([...(parsed.ok ? [] : parsed.errors), ...parsed.warnings]).toEqual([]);
  });

  test('has every field of every state type that is supported', () => {
    const unsupported = ['checkpoint', 'compensate'];
    const used = new Map<string, Set<string>>();
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('type' in value && typeof value.type === 'string' && 'name' in value) {
        const fields = used.get(value.type) ?? new Set();
        used.set(value.type, new Set([...fields, ...Object.keys(value)]));
      }
      for (const inner of Object.values(value)) collect(inner);
    };
    collect(parse(whole).states);
    for (const [type, shape] of Object.entries(stateShapes)) {
      const common = ['end', 'next', 'description', ...unsupported];
      const expected = Object.keys(shape.fields).filter((field) => !common.includes(field));
      expect([type, expected.filter((field) => !used.get(type)?.has(field))]).toEqual([
        type,
        // A result is written where the default says in one of them; the fields that are absent here are none.
        type === 'transform' || type === 'foreach' || type === 'workflow' ? ['resultPath'] : [],
      ]);
    }
  });

  test('has every input field of the actions that are supported', () => {
    for (const action of ['agent.run', 'human.approval'] as const) {
      for (const field of Object.keys(actionInputs[action].fields)) expect(whole).toContain(`${field}:`);
    }
  });

  test('becomes the plan that each field asks for', () => {
    const parsed = parseWorkflow(whole, { compiler });
    expect(parsed.ok && parsed.plan).toMatchSnapshot();
  });
});
