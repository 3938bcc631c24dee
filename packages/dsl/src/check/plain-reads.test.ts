/** What is read without the compiler is what the compiler would have said. */
import { expect, test } from 'vitest';
import { definition, findings } from '../../test/agents.js';
import { compiler } from '../../test/starlark-compiler.js';
import { keywords } from '../language/keywords.js';

test.each([...keywords].filter((word) => !['true', 'false', 'null', 'True', 'False', 'None'].includes(word)))(
  '%s is no name and no field',
  (word) => {
    const inputSchema = { type: 'object', properties: { [word]: {}, input: {} } };
    for (const source of [word, `input.${word}`]) {
      const compiled = compiler.expression(source, new Set(['input', word]));
      const states = [{ name: 'a', type: 'inject', data: `{{ ${source} }}`, end: true }];
      const issues = findings(definition(states, { inputSchema }), { agents: {} });
      expect(issues.some(({ code }) => code === 'EXPRESSION_SYNTAX')).toBe(!compiled.ok);
    }
  },
);

test.each(['ctx.a', 'input.a.b', 'run.id', 'ctx', 'ctx.a.keys'])('%s is a name with fields', (source) => {
  const [name = ''] = source.split('.');
  expect(compiler.expression(source, new Set([name]))).toEqual({ ok: true, names: [name] });
});
