/** Rules between fields that the tables of the language do not express. */
import { parseInstant } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import type { StateModel, WorkflowModel } from '../flow/scope-model.js';
import { keywords } from '../language/keywords.js';
import { refusedKeys } from '../language/path.js';
import { childOf, entryOf, itemsOf, placeOf, placeOfKey, textOf } from '../source/source-node.js';

/** Names that an item cannot have: the language's own, and Starlark's keywords. */
const reservedNames: ReadonlySet<string> = new Set(['ctx', 'input', 'run', 'result', 'index', ...keywords]);

const checkItemName = (state: StateModel, diagnostics: Diagnostics): void => {
  const node = childOf(state.node, 'itemName');
  const name = textOf(node);
  if (node === undefined || name === undefined || !reservedNames.has(name)) return;
  const message = `"itemName" cannot be "${name}", which has a meaning of its own`;
  diagnostics.report('INVALID_VALUE', placeOf(node), message, { hint: 'choose another name' });
};

const checkBranchNames = (state: StateModel, diagnostics: Diagnostics): void => {
  const seen = new Set<string>();
  for (const branch of itemsOf(childOf(state.node, 'branches'))) {
    const node = childOf(branch, 'name');
    const name = textOf(node);
    if (node === undefined || name === undefined) continue;
    if (seen.has(name)) {
      const message = `two branches of "${state.name}" are called "${name}"`;
      diagnostics.report('DUPLICATE_STATE', placeOf(node), message, { hint: 'rename one of them' });
    }
    seen.add(name);
    checkKey(name, node, diagnostics);
  }
};

/** Names of states and branches become keys of the context. */
const checkKey = (name: string, node: Parameters<typeof placeOf>[0], diagnostics: Diagnostics): void => {
  if (!refusedKeys.has(name)) return;
  diagnostics.report('INVALID_VALUE', placeOf(node), `the name "${name}" is refused`, {
    hint: 'choose another name',
  });
};

const checkQuorum = (state: StateModel, diagnostics: Diagnostics): void => {
  const input = childOf(state.node, 'input');
  const quorum = childOf(input, 'quorum');
  const approvers = itemsOf(childOf(input, 'approvers')).map(textOf);
  if (quorum?.kind !== 'scalar' || typeof quorum.value !== 'number' || approvers.length === 0) return;
  const areAllUsers = approvers.every((approver) => approver?.startsWith('team:') === false);
  const count = new Set(approvers).size;
  if (!areAllUsers || quorum.value <= count) return;
  const message = `a quorum of ${quorum.value} cannot be reached by ${count} approver${count === 1 ? '' : 's'}`;
  diagnostics.report('INVALID_VALUE', placeOf(quorum), message, {
    hint: `lower it to ${count}, or add approvers`,
  });
};

const checkTimeout = (state: StateModel, diagnostics: Diagnostics): void => {
  const waits = textOf(childOf(state.node, 'action')) === 'human.approval' || state.type === 'signal';
  if (!waits || childOf(state.node, 'timeoutSeconds') !== undefined) return;
  const what = state.type === 'signal' ? 'signal' : 'approval';
  const message = `"${state.name}" may wait for ever: the ${what} has no timeout`;
  diagnostics.report('NO_TIMEOUT', placeOf(state.node), message, { hint: 'add timeoutSeconds' });
};

const checkUntil = (state: StateModel, diagnostics: Diagnostics): void => {
  const node = childOf(state.node, 'until');
  const text = textOf(node);
  if (node === undefined || text === undefined || text.includes('{{') || parseInstant(text) !== undefined)
    return;
  diagnostics.report('INVALID_VALUE', placeOf(node), `"until" is no time: "${text}"`, {
    hint: 'write an RFC 3339 time such as 2030-01-31T12:00:00Z, or a template that gives one',
  });
};

/** An approval is asked for once and is executed nowhere else. */
const approvalHasNo = ['retry', 'target', 'outputValidation', 'compensate'] as const;

const checkApproval = (state: StateModel, diagnostics: Diagnostics): void => {
  if (textOf(childOf(state.node, 'action')) !== 'human.approval') return;
  checkQuorum(state, diagnostics);
  for (const field of approvalHasNo) {
    const entry = entryOf(state.node, field);
    if (entry === undefined) continue;
    const message = `"${field}" has no meaning for human.approval`;
    diagnostics.report('INVALID_VALUE', placeOfKey(entry), message, { hint: 'remove it' });
  }
};

export const checkRules = (model: WorkflowModel, diagnostics: Diagnostics): void => {
  for (const scope of model.scopes) {
    for (const state of scope.states) {
      const name = childOf(state.node, 'name');
      if (name !== undefined) checkKey(state.name, name, diagnostics);
      checkTimeout(state, diagnostics);
      if (state.type === 'wait') checkUntil(state, diagnostics);
      if (state.type === 'foreach') checkItemName(state, diagnostics);
      if (state.type === 'parallel') checkBranchNames(state, diagnostics);
      if (state.type === 'operation') checkApproval(state, diagnostics);
    }
  }
};
