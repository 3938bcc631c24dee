/** `teams.yaml`: which users a team of approvers is. */

import { sizeProblem } from '@signalbox/engine';
import { checkScalar } from './check/scalar-values.js';
import type { Issue } from './issue.js';
import { textForms } from './language/value-kind.js';
import { limits } from './limits.js';
import { readSource } from './source/read-source.js';
import { describeNode, itemsOf, placeOf, placeOfKey, textOf } from './source/source-node.js';

export type ParsedTeams =
  | { readonly ok: true; readonly teams: ReadonlyMap<string, readonly string[]> }
  | { readonly ok: false; readonly errors: readonly Issue[] };

/** `sre: [user:alice, user:bob]`; an empty text has no teams. */
export const parseTeams = (text: string | Uint8Array): ParsedTeams => {
  const { diagnostics, root } = readSource(text, 'the teams file', limits.maxAgentBytes);
  const teams = new Map<string, readonly string[]>();
  if (root === undefined) {
    const errors = diagnostics.errors.filter(({ code }) => code !== 'EMPTY_DEFINITION');
    return errors.length === 0 ? { ok: true, teams } : { ok: false, errors };
  }
  if (root.kind !== 'map') {
    diagnostics.report('INVALID_VALUE', placeOf(root), `teams must be an object, not ${describeNode(root)}`);
    return { ok: false, errors: diagnostics.errors };
  }
  for (const entry of root.entries) {
    if (!textForms.team.pattern.test(entry.key)) {
      diagnostics.report(
        'INVALID_VALUE',
        placeOfKey(entry),
        `the name of a team must be ${textForms.team.rule}`,
      );
    }
    if (entry.value.kind !== 'list') {
      diagnostics.report(
        'INVALID_VALUE',
        placeOf(entry.value),
        `"${entry.key}" must be a list, not ${describeNode(entry.value)}`,
      );
    }
    const kind = { is: 'text', form: 'member' } as const;
    const members = itemsOf(entry.value).filter((item) => checkScalar(entry.key, kind, item, diagnostics));
    teams.set(entry.key, [...new Set(members.map((member) => textOf(member) ?? ''))]);
  }
  const problem = sizeProblem(Object.fromEntries(teams), limits.maxWrittenOutBytes);
  if (problem !== undefined)
    diagnostics.report('LIMIT_EXCEEDED', placeOf(root), `the teams, written out, ${problem}`);
  return diagnostics.hasErrors ? { ok: false, errors: diagnostics.errors } : { ok: true, teams };
};
