/**
 * Holds the tree against the tables of the language.
 *
 * 1. Every value is looked at once, whatever is wrong beside it, so that one pass finds every fault of form.
 * 2. Older spellings are put right in the tree, with a warning: what comes after knows only the language's own.
 * 3. What cannot be judged here (names, targets, expressions) is handed on as sites, each with the state or scope it stands in.
 */
import type { Diagnostics } from '../diagnostics.js';
import { actionInputs } from '../language/action-inputs.js';
import { refusedKeys } from '../language/path.js';
import { shapes } from '../language/shapes.js';
import { actionNames, isStateType, stateShapes, stateTypes, untypedState } from '../language/state-shapes.js';
import { scanTemplateText } from '../language/template.js';
import type { Field, Shape, ShapeName, ValueKind } from '../language/value-kind.js';
import { didYouMean, nearestName } from '../nearest.js';
import {
  childOf,
  describeNode,
  entryOf,
  type MapEntry,
  type MapNode,
  placeOf,
  placeOfKey,
  type SourceNode,
  textOf,
} from '../source/source-node.js';
import { type CheckSchema, checkSchemaShape } from './check-schema.js';
import { putOldNamesRight, takeActionFromTask } from './old-names.js';
import { checkScalar, isScalarKind } from './scalar-values.js';

/** A value that later checks look at. `owner` is the map of the state, or of the scope, whose names it may use. */
export interface Site {
  readonly kind: ValueKind;
  readonly node: SourceNode;
  readonly owner: MapNode;
}

/** Shapes that open a scope: what stands in them belongs to that scope and no longer to the state around it. */
const scopeShapes: ReadonlySet<ShapeName> = new Set(['workflow', 'branch', 'iterator']);

const isActionName = (action: string | undefined): action is (typeof actionNames)[number] =>
  (actionNames as readonly (string | undefined)[]).includes(action);

/** A text with a fault of its own counts: it is reported where its expressions are read. */
const isOneExpression = (node: SourceNode): boolean => {
  const text = textOf(node);
  const scanned = text === undefined ? undefined : scanTemplateText(text);
  return scanned !== undefined && (!scanned.ok || scanned.template.kind === 'expression');
};

export class StructureChecker {
  readonly sites: Site[] = [];
  readonly #diagnostics: Diagnostics;
  readonly #checkSchema: CheckSchema | undefined;

  constructor(diagnostics: Diagnostics, checkSchema: CheckSchema | undefined) {
    this.#diagnostics = diagnostics;
    this.#checkSchema = checkSchema;
  }

  check(root: SourceNode, shape: ShapeName): void {
    if (root.kind !== 'map') {
      const message = `${shapes[shape].title} must be an object, not ${describeNode(root)}`;
      this.#diagnostics.report('INVALID_VALUE', placeOf(root), message, { expected: 'an object' });
      return;
    }
    this.#checkFields(shapes[shape], root, root);
  }

  #checkFields(shape: Shape, map: MapNode, owner: MapNode): void {
    putOldNamesRight(shape, map, this.#diagnostics);
    for (const entry of map.entries) {
      const field = Object.hasOwn(shape.fields, entry.key) ? shape.fields[entry.key] : undefined;
      if (field !== undefined) {
        this.#checkField(entry.key, field, entry.value, owner);
        continue;
      }
      this.#reportUnknownField(shape, entry);
    }
    this.#checkRequired(shape, map);
    for (const rule of shape.exclusive ?? []) this.#checkExclusive(rule, shape, map);
  }

  #reportUnknownField(shape: Shape, entry: MapEntry): void {
    const names = Object.keys(shape.fields);
    const nearest = nearestName(entry.sourceKey, names);
    const fault = `"${entry.sourceKey}" is not a field of ${shape.title}`;
    const message = nearest === undefined ? fault : `${fault}; did you mean "${nearest}"?`;
    const hint = nearest === undefined ? `its fields are ${names.join(', ')}` : `write "${nearest}"`;
    this.#diagnostics.report('UNKNOWN_FIELD', placeOfKey(entry), message, { hint });
  }

  #checkRequired(shape: Shape, map: MapNode): void {
    for (const [name, field] of Object.entries(shape.fields)) {
      if (field.isRequired !== true || entryOf(map, name) !== undefined) continue;
      const code = field.missing ?? 'MISSING_FIELD';
      const message =
        code === 'NO_STATES'
          ? `${shape.title} has no states`.replace(/^an? /, '')
          : code === 'AGENT_NAME_REQUIRED'
            ? 'agent name is required'
            : `${shape.title} needs the field "${name}"`;
      this.#diagnostics.report(code, placeOf(map), message, { hint: `add ${name}: ${field.description}` });
    }
  }

  #checkExclusive(rule: NonNullable<Shape['exclusive']>[number], shape: Shape, map: MapNode): void {
    const [first, second] = rule.fields;
    const given = rule.fields.filter((name) => entryOf(map, name) !== undefined);
    if (given.length === 0) {
      const hint = rule.missing === 'MISSING_TRANSITION' ? 'add next: <state>, or end: true' : undefined;
      this.#diagnostics.report(rule.missing, placeOf(map), `${shape.title} needs "${first}" or "${second}"`, {
        hint,
      });
    }
    const both = given.length === 2 ? entryOf(map, second) : undefined;
    if (both === undefined) return;
    const message = `${shape.title} has "${first}" or "${second}", not both`;
    this.#diagnostics.report('INVALID_VALUE', placeOfKey(both), message, { hint: 'keep one of them' });
  }

  #checkField(name: string, field: Field, node: SourceNode, owner: MapNode): void {
    const isNull = node.kind === 'scalar' && node.value === null;
    if (field.missing === 'AGENT_NAME_REQUIRED' && (isNull || textOf(node)?.trim() === '')) {
      const hint = `give "${name}" the name of an agent`;
      this.#diagnostics.report('AGENT_NAME_REQUIRED', placeOf(node), 'agent name is required', { hint });
      return;
    }
    if (isNull && !(field.kind.is === 'template' && field.kind.of === 'any')) {
      if (field.kind.is === 'states') {
        this.#reportNoStates(node);
        return;
      }
      const message = `"${name}" is empty`;
      this.#diagnostics.report('INVALID_VALUE', placeOf(node), message, {
        hint: 'give it a value, or leave the field out',
      });
      return;
    }
    this.#checkValue(name, field.kind, node, owner);
  }

  #checkValue(name: string, kind: ValueKind, node: SourceNode, owner: MapNode): void {
    if (isScalarKind(kind)) {
      if (checkScalar(name, kind, node, this.#diagnostics)) this.sites.push({ kind, node, owner });
      return;
    }
    switch (kind.is) {
      case 'template':
        this.#checkTemplate(name, kind, node, owner);
        return;
      case 'schema':
        checkSchemaShape(node, this.#diagnostics, this.#checkSchema);
        return;
      case 'shape':
        this.#checkShape(name, kind.shape, node, owner);
        return;
      case 'actionInput':
        this.#checkActionInput(name, node, owner);
        return;
      case 'states':
        this.#checkStates(name, node);
        return;
      case 'list':
        this.#checkList(name, kind, node, owner);
        return;
      case 'map':
        if (!this.#isMap(name, node)) return;
        for (const entry of node.entries) this.#checkValue(entry.key, kind.of, entry.value, owner);
        return;
      case 'either':
        this.#checkEither(name, kind, node, owner);
        return;
    }
  }

  #isMap(name: string, node: SourceNode): node is MapNode {
    if (node.kind === 'map') return true;
    this.#reportValue(name, 'an object', node);
    return false;
  }

  #reportValue(name: string, expected: string, node: SourceNode, hint?: string): void {
    const actual = describeNode(node);
    const message = `"${name}" must be ${expected}, not ${actual}`;
    this.#diagnostics.report('INVALID_VALUE', placeOf(node), message, { expected, actual, hint });
  }

  #checkShape(name: string, shape: ShapeName, node: SourceNode, owner: MapNode): void {
    if (!this.#isMap(name, node)) return;
    if (shape === 'compensation') takeActionFromTask(node, this.#diagnostics);
    this.#checkFields(shapes[shape], node, scopeShapes.has(shape) ? node : owner);
  }

  #checkList(name: string, kind: ValueKind & { is: 'list' }, node: SourceNode, owner: MapNode): void {
    if (node.kind !== 'list') {
      this.#reportValue(name, 'a list', node, 'write it in brackets, or with "- "');
      return;
    }
    const least = kind.minCount ?? 0;
    if (node.items.length < least) this.#reportValue(name, `a list of at least ${least}`, node);
    for (const item of node.items) this.#checkValue(name, kind.of, item, owner);
  }

  #checkEither(name: string, kind: ValueKind & { is: 'either' }, node: SourceNode, owner: MapNode): void {
    const isText = textOf(node) !== undefined;
    const fitting = kind.kinds.find((one) => (one.is === 'text') === isText);
    if (fitting === undefined || node.kind !== 'scalar') {
      this.#reportValue(name, kind.rule, node);
      return;
    }
    this.#checkValue(name, fitting, node, owner);
  }

  #checkTemplate(name: string, kind: ValueKind & { is: 'template' }, node: SourceNode, owner: MapNode): void {
    if (kind.of === 'text' && textOf(node) === undefined) {
      this.#reportValue(name, 'a text', node, 'put it in quotes');
      return;
    }
    if (kind.of === 'object' && node.kind !== 'map' && !isOneExpression(node)) {
      this.#reportValue(name, 'an object, or one {{ expression }} that gives an object', node);
      return;
    }
    this.#refuseKeys(node);
    this.sites.push({ kind, node, owner });
  }

  #refuseKeys(node: SourceNode): void {
    if (node.kind === 'list') for (const item of node.items) this.#refuseKeys(item);
    if (node.kind !== 'map') return;
    for (const entry of node.entries) {
      if (refusedKeys.has(entry.key)) {
        this.#diagnostics.report('INVALID_VALUE', placeOfKey(entry), `the key "${entry.key}" is refused`);
      }
      this.#refuseKeys(entry.value);
    }
  }

  #checkActionInput(name: string, node: SourceNode, owner: MapNode): void {
    if (!this.#isMap(name, node)) return;
    const action = textOf(childOf(node.parent?.node, 'action'));
    // An unknown or missing action is reported at its own place; its input cannot be judged.
    if (isActionName(action)) this.#checkFields(actionInputs[action], node, owner);
  }

  #reportNoStates(node: SourceNode): void {
    const where = node.parent?.node.parent === undefined ? 'workflow' : 'scope';
    this.#diagnostics.report('NO_STATES', placeOf(node), `${where} has no states`, {
      hint: 'add at least one state',
    });
  }

  #checkStates(name: string, node: SourceNode): void {
    if (node.kind !== 'list') {
      this.#reportValue(name, 'a list of states', node, 'begin each state with "- name: …"');
      return;
    }
    if (node.items.length === 0) {
      this.#reportNoStates(node);
      return;
    }
    for (const item of node.items) {
      if (item.kind === 'map') this.#checkState(item);
      else this.#reportValue(name, 'a list of objects', item);
    }
  }

  #checkState(state: MapNode): void {
    const typeNode = childOf(state, 'type');
    const type = textOf(typeNode);
    if (isStateType(type)) {
      if (type === 'operation') takeActionFromTask(state, this.#diagnostics);
      this.#checkFields(stateShapes[type], state, state);
      return;
    }
    if (typeNode !== undefined && type !== undefined && type !== '') {
      const hint = didYouMean(type, stateTypes) ?? `the types are ${stateTypes.join(', ')}`;
      this.#diagnostics.report('UNKNOWN_TYPE', placeOf(typeNode), `"${type}" is not a type of state`, {
        hint,
      });
    }
    this.#checkUntyped(state);
  }

  /** Without a type only the fields that every state has can be judged: the others are left alone. */
  #checkUntyped(state: MapNode): void {
    putOldNamesRight(untypedState, state, this.#diagnostics);
    for (const [name, field] of Object.entries(untypedState.fields)) {
      const entry = entryOf(state, name);
      if (entry !== undefined) this.#checkField(name, field, entry.value, state);
    }
    this.#checkRequired(untypedState, state);
  }
}
