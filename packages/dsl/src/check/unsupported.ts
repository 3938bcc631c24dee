/**
 * What the language has and this version cannot execute. It is refused: ignoring it would change what a run does.
 * To support something, execute it and delete its row.
 */
import type { Diagnostics } from '../diagnostics.js';
import type { StateModel, WorkflowModel } from '../flow/scope-model.js';
import { childOf, entryOf, type MapNode, placeOfKey, textOf } from '../source/source-node.js';

const workflowFields: readonly string[] = ['triggers', 'pins', 'maxConcurrentRuns'];
const stateFields: readonly string[] = ['checkpoint', 'compensate'];
const actions: readonly string[] = ['tool.call', 'llm.chat', 'document.render'];

const refuse = (map: MapNode, field: string, what: string, diagnostics: Diagnostics): void => {
  const entry = entryOf(map, field);
  if (entry === undefined) return;
  diagnostics.report('NOT_SUPPORTED_YET', placeOfKey(entry), `${what} is not supported yet`, {
    hint: 'leave it out',
  });
};

const refuseInState = (state: StateModel, diagnostics: Diagnostics): void => {
  for (const field of stateFields) refuse(state.node, field, `"${field}"`, diagnostics);
  const action = textOf(childOf(state.node, 'action'));
  if (state.type === 'operation' && action !== undefined && actions.includes(action)) {
    refuse(state.node, 'action', `the action ${action}`, diagnostics);
  }
};

export const refuseUnsupported = (model: WorkflowModel, diagnostics: Diagnostics): void => {
  const root = model.root.node;
  for (const field of workflowFields) refuse(root, field, `"${field}"`, diagnostics);
  if (textOf(childOf(root, 'onFailure')) === 'rollback') {
    refuse(root, 'onFailure', '"onFailure: rollback"', diagnostics);
  }
  for (const scope of model.scopes) for (const state of scope.states) refuseInState(state, diagnostics);
};
