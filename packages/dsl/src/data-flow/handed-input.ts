/**
 * What a receiver is really given, piece by piece. For `agent.run` as the executor makes it: the variables as an object (`{ value }`
 * around what is none, nothing for null), and the task where the input schema names it.
 */
import { isJsonObject, type Json, type Path } from '@signalbox/engine';
import type { AgentDefinition } from '../agent/agent-definition.js';
import type { StateModel } from '../flow/scope-model.js';
import { childOf, entryOf, type MapNode, type SourceNode, textOf } from '../source/source-node.js';
import {
  bothOf,
  eitherOf,
  isComputed,
  objectSchema,
  saysNothing,
  someText,
  unknownBecause,
  withField,
} from './make-schema.js';
import type { ReachingValues } from './reaching-values.js';
import type { SchemaView } from './schema-view.js';
import { fixedValue, schemaOf, type Value } from './value.js';

/** A part of the input that comes from one place. */
export interface Piece {
  /** Where it stands in the input. */
  readonly path: Path;
  /** The text of the author; the state's input where nothing is written. */
  readonly node: SourceNode;
  readonly value: Value;
}

export interface HandedInput {
  readonly schema: Json;
  readonly pieces: readonly Piece[];
  /** Where a field that is not given at all would have to be written. */
  readonly node: SourceNode;
}

const anObject: Json = { type: 'object' };
const aNull: Json = { type: 'null' };
const neither: Json = { type: ['string', 'number', 'boolean', 'array'] };

const wrapped = (schema: Json): Json => objectSchema([{ key: 'value', schema, isRequired: true }]);

/** What the executor makes of a value that is given as variables. */
const asVariables = (schema: Json, view: SchemaView): Json => {
  if (saysNothing(schema) || schema === false || view.isWithin(schema, anObject)) return schema;
  if (view.isWithin(schema, aNull)) return objectSchema([]);
  if (view.isWithin(schema, neither)) return wrapped(schema);
  const parts = [bothOf(schema, anObject), wrapped(bothOf(schema, neither))];
  return eitherOf(
    view.isWithin(schema, { type: ['object', 'string', 'number', 'boolean', 'array'] })
      ? parts
      : [...parts, objectSchema([])],
  );
};

/** The parts of a template, each with what it gives; objects and lists are gone into. */
const piecesOf = (node: SourceNode, state: StateModel, values: ReachingValues, path: Path): Piece[] => {
  if (node.kind === 'map' && (node.entries.length > 0 || path.length === 0))
    return node.entries.flatMap(({ key, value }) => piecesOf(value, state, values, [...path, key]));
  if (node.kind === 'list' && node.items.length > 0)
    return node.items.flatMap((item, index) => piecesOf(item, state, values, [...path, index]));
  return [{ path, node, value: values.template(node, state) }];
};

const withoutForm = (node: SourceNode, value: Value, view: SchemaView): HandedInput => {
  const alternatives = value.alternatives.map((one) => ({ ...one, schema: asVariables(one.schema, view) }));
  const given = { ...value, alternatives };
  return { schema: schemaOf(given), pieces: [{ path: [], node, value: given }], node };
};

/** A template that gives an object, or a single expression that does. */
export const handedTemplate = (node: SourceNode, state: StateModel, values: ReachingValues): HandedInput => {
  const value = values.template(node, state);
  if (node.kind === 'map')
    return { schema: schemaOf(value), pieces: piecesOf(node, state, values, []), node };
  return { schema: schemaOf(value), pieces: [{ path: [], node, value }], node };
};

const variablesOf = (input: MapNode, state: StateModel, values: ReachingValues): HandedInput => {
  const variables = childOf(input, 'variables');
  if (variables?.kind === 'map') return handedTemplate(variables, state, values);
  if (variables !== undefined) return withoutForm(variables, values.template(variables, state), values.view);
  if (entryOf(input, 'task') === undefined)
    return withoutForm(input, values.previousOutput(state), values.view);
  return { schema: objectSchema([]), pieces: [], node: input };
};

const namesTask = (schema: Json): boolean =>
  isJsonObject(schema) && isJsonObject(schema.properties) && Object.hasOwn(schema.properties, 'task');

/** A task that is no text is written as text. */
const taskPiece = (node: SourceNode, state: StateModel, values: ReachingValues): Piece => {
  const value = values.template(node, state);
  const isText = values.view.isWithin(schemaOf(value), { type: 'string' });
  return { path: ['task'], node, value: isText ? value : fixedValue(someText) };
};

export const agentInputOf = (
  state: StateModel,
  input: MapNode,
  agent: AgentDefinition,
  values: ReachingValues,
): HandedInput => {
  const given = variablesOf(input, state, values);
  const task = childOf(input, 'task');
  if (textOf(task) === undefined || task === undefined || !namesTask(agent.inputSchema ?? true)) return given;
  const piece = taskPiece(task, state, values);
  const schema =
    withField(given.schema, 'task', schemaOf(piece.value)) ??
    (isComputed(given.schema)
      ? given.schema
      : unknownBecause('the task is added to what the expression gives'));
  return {
    schema,
    pieces: [...given.pieces.filter(({ path }) => path[0] !== 'task'), piece],
    node: given.node,
  };
};
