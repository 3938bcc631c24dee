/** Older spellings of fields: put right in the tree, each with a warning. */
import type { Diagnostics } from '../diagnostics.js';
import type { Shape } from '../language/value-kind.js';
import { childOf, entryOf, type MapEntry, type MapNode, placeOfKey, textOf } from '../source/source-node.js';

const rename = (entry: MapEntry, name: string, map: MapNode, diagnostics: Diagnostics): void => {
  const place = placeOfKey(entry);
  if (entryOf(map, name) !== undefined) {
    const message = `"${entry.sourceKey}" is an older spelling of "${name}", which is given too`;
    diagnostics.report('INVALID_VALUE', place, message, { hint: `remove "${entry.sourceKey}"` });
    map.entries = map.entries.filter((other) => other !== entry);
    return;
  }
  const message = `"${entry.sourceKey}" is an older spelling of "${name}"`;
  diagnostics.report('DEPRECATED_FIELD', place, message, { hint: `write "${name}"` });
  entry.key = name;
};

export const putOldNamesRight = (shape: Shape, map: MapNode, diagnostics: Diagnostics): void => {
  for (const [name, field] of Object.entries(shape.fields)) {
    for (const oldName of field.oldNames ?? []) {
      const entry = entryOf(map, oldName);
      if (entry !== undefined && !Object.hasOwn(shape.fields, oldName)) rename(entry, name, map, diagnostics);
    }
  }
};

const actionsInTask: ReadonlySet<string> = new Set(['agent.run', 'human.approval']);

/** `input: { task: agent.run }` without an `action`: the task is the action. */
export const takeActionFromTask = (holder: MapNode, diagnostics: Diagnostics): void => {
  const input = childOf(holder, 'input');
  const task = entryOf(input, 'task');
  const action = textOf(task?.value);
  if (input?.kind !== 'map' || task === undefined || action === undefined) return;
  if (entryOf(holder, 'action') !== undefined || !actionsInTask.has(action)) return;
  diagnostics.report(
    'DEPRECATED_FIELD',
    placeOfKey(task),
    `"input.task: ${action}" is an older spelling of "action"`,
    {
      hint: `write action: ${action} beside input`,
    },
  );
  input.entries = input.entries.filter((entry) => entry !== task);
  holder.entries = [...holder.entries, { ...task, key: 'action' }];
};
