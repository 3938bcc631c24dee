/**
 * The language as a JSON Schema (draft-07) for editors, made from the same tables that the checker reads.
 * It accepts every definition that the checker accepts; what it cannot say (targets, names, expressions) the checker says.
 */
import type { Json, JsonObject } from '@signalbox/engine';
import { actionInputs } from './action-inputs.js';
import { shapes } from './shapes.js';
import { actionNames, stateShapes, stateTypes } from './state-shapes.js';
import {
  type Field,
  maxNameLength,
  maxProseLength,
  type Shape,
  type ShapeName,
  textForms,
  type ValueKind,
} from './value-kind.js';

const anyTemplate: JsonObject = { type: 'string', pattern: '\\{\\{' };

const numberSchema = (kind: ValueKind & { is: 'number' }): JsonObject => ({
  type: kind.isWhole === true ? 'integer' : 'number',
  ...(kind.min === undefined ? {} : { minimum: kind.min }),
  ...(kind.above === undefined ? {} : { exclusiveMinimum: kind.above }),
  ...(kind.max === undefined ? {} : { maximum: kind.max }),
});

const textSchema = (kind: ValueKind & { is: 'text' }): JsonObject =>
  kind.form === 'any'
    ? { type: 'string', minLength: 1, maxLength: maxProseLength }
    : { type: 'string', pattern: textForms[kind.form].pattern.source, maxLength: maxNameLength };

const templateSchema = (kind: ValueKind & { is: 'template' }): JsonObject => {
  if (kind.of === 'text') return { type: 'string' };
  return kind.of === 'object' ? { anyOf: [{ type: 'object' }, anyTemplate] } : {};
};

const definition = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });

const kindSchema = (kind: ValueKind): JsonObject => {
  switch (kind.is) {
    case 'text':
      return textSchema(kind);
    case 'label':
      return { type: ['string', 'number'] };
    case 'flag':
      return { type: 'boolean' };
    case 'true':
      return { const: true };
    case 'number':
      return numberSchema(kind);
    case 'choice':
      return { enum: kind.of };
    case 'path':
    case 'expression':
    case 'script':
    case 'target':
    case 'reference':
      return { type: 'string', minLength: 1 };
    case 'template':
      return templateSchema(kind);
    case 'schema':
      return { type: ['object', 'boolean'] };
    case 'shape':
      return definition(kind.shape);
    case 'actionInput':
      return { type: 'object' };
    case 'states':
      return { type: 'array', minItems: 1, items: definition('state') };
    case 'list':
      return { type: 'array', minItems: kind.minCount ?? 0, items: kindSchema(kind.of) };
    case 'map':
      return { type: 'object', additionalProperties: kindSchema(kind.of) };
    case 'either':
      return { anyOf: kind.kinds.map(kindSchema) };
  }
};

const describe = (field: Field): string =>
  field.standsFor === undefined ? field.description : `${field.description} Default: ${field.standsFor}.`;

const propertiesOf = (fields: Shape['fields']): JsonObject =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const schema = { description: describe(field), ...kindSchema(field.kind) };
      const old = (field.oldNames ?? []).filter((oldName) => !Object.hasOwn(fields, oldName));
      const deprecated = { ...schema, deprecated: true, description: `Older spelling of "${name}".` };
      return [[name, schema] as const, ...old.map((oldName) => [oldName, deprecated] as const)];
    }),
  );

const given = (names: readonly string[]): JsonObject => {
  const each = names.map((name) => ({ required: [name] }));
  return each.length === 1 ? (each[0] ?? {}) : { anyOf: each };
};

const spellings = (fields: Shape['fields'], name: string): readonly string[] => [
  name,
  ...(fields[name]?.oldNames ?? []),
];

/** `input.task: agent.run` stands for the action. */
const actionInTask: JsonObject = {
  properties: {
    input: { required: ['task'], properties: { task: { enum: ['agent.run', 'human.approval'] } } },
  },
  required: ['input'],
};

const requirements = ({ fields, exclusive }: Shape): readonly JsonObject[] => [
  ...Object.entries(fields)
    .filter(([, field]) => field.isRequired === true)
    .map(([name]) =>
      name === 'action' ? { anyOf: [given([name]), actionInTask] } : given(spellings(fields, name)),
    ),
  ...(exclusive ?? []).map((rule) => ({
    oneOf: rule.fields.map((name) => given(spellings(fields, name))),
  })),
];

const inputOfAction = (action: (typeof actionNames)[number]): JsonObject => ({
  if: { properties: { action: { const: action } }, required: ['action'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { properties: { input: shapeSchema(actionInputs[action]) } },
});

const shapeSchema = (shape: Shape): JsonObject => {
  const hasAction = Object.hasOwn(shape.fields, 'action');
  const rules = [...requirements(shape), ...(hasAction ? actionNames.map(inputOfAction) : [])];
  return {
    type: 'object',
    properties: propertiesOf(shape.fields),
    additionalProperties: false,
    ...(rules.length === 0 ? {} : { allOf: rules }),
  };
};

const stateSchema: JsonObject = {
  type: 'object',
  required: ['type'],
  properties: { type: { enum: stateTypes } },
  allOf: stateTypes.map((type) => ({
    if: { properties: { type: { const: type } }, required: ['type'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: definition(`state-${type}`),
  })),
};

const definitionsFrom = (names: readonly ShapeName[]): readonly (readonly [string, Json])[] =>
  names.map((name) => [name, shapeSchema(shapes[name])] as const);

const workflowShapes: readonly ShapeName[] = [
  'triggers',
  'webhookTrigger',
  'scheduleTrigger',
  'pins',
  'condition',
  'branch',
  'iterator',
  'join',
  'retry',
  'catch',
  'compensation',
];

/** A new object at each call. */
export const languageJsonSchema = (): JsonObject => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Signalbox workflow',
  ...shapeSchema(shapes.workflow),
  definitions: Object.fromEntries([
    ['state', stateSchema] as const,
    ...stateTypes.map((type) => [`state-${type}`, shapeSchema(stateShapes[type])] as const),
    ...definitionsFrom(workflowShapes),
  ]),
});
