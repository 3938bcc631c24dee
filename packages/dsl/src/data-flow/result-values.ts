/** What states hand over, and what templates give. */
import type { Json, Path } from '@signalbox/engine';
import type { ScopeModel, StateModel } from '../flow/scope-model.js';
import { scanTemplateText } from '../language/template.js';
import { childOf, jsonOf, type SourceNode, textOf } from '../source/source-node.js';
import { approvalSchema, errorSchema, startedRunSchema } from './fixed-schemas.js';
import {
  computed,
  eitherOf,
  listOf,
  objectSchema,
  someText,
  tupleSchema,
  unknownBecause,
} from './make-schema.js';
import type { Owner, ReachingValues } from './reaching-values.js';
import { simpleExpressionOf } from './simple-expression.js';
import { fixedValue, type Origin, schemaOf, unknownValue, type Value } from './value.js';

const holdsTemplate = (node: SourceNode): boolean => {
  if (node.kind === 'scalar') return textOf(node)?.includes('{{') ?? false;
  if (node.kind === 'list') return node.items.some(holdsTemplate);
  return node.entries.some(({ value }) => holdsTemplate(value));
};

const isNumberAbove0 = (node: SourceNode | undefined): boolean =>
  node?.kind === 'scalar' && typeof node.value === 'number' && node.value > 0;

/** `false`: no such field. */
const nothing: Value = fixedValue(false);

export class ResultValues {
  readonly #values: ReachingValues;

  constructor(values: ReachingValues) {
    this.#values = values;
  }

  /** What the state's result has at the path. */
  at(state: StateModel, path: Path): Value {
    switch (state.type) {
      case 'inject': {
        const data = childOf(state.node, 'data');
        return data === undefined
          ? unknownValue('it has no data')
          : this.#of(state, this.template(data, state, path));
      }
      case 'parallel':
        return this.#parallel(state, path);
      case 'foreach':
        return this.#foreach(state, path);
      default: {
        const value = fixedValue(this.#declared(state));
        return this.#values.seen(this.#of(state, value), path);
      }
    }
  }

  /** What the template itself made is the state's. */
  #of(state: StateModel, value: Value): Value {
    const origin: Origin = { kind: 'state', state };
    return {
      ...value,
      alternatives: value.alternatives.map((one) => {
        if (one.origin.kind === 'fixed') return { ...one, origin };
        return one;
      }),
    };
  }

  #declared(state: StateModel): Json {
    switch (state.type) {
      case 'operation':
        return this.#operation(state);
      case 'signal': {
        const schema = childOf(state.node, 'schema');
        return schema === undefined ? unknownBecause('the signal has no schema') : jsonOf(schema);
      }
      case 'workflow': {
        const wait = childOf(state.node, 'wait');
        if (wait?.kind === 'scalar' && wait.value === false) return startedRunSchema;
        const id = textOf(childOf(state.node, 'workflow')) ?? '';
        const schema = this.#values.workflowSchemas(id)?.outputSchema;
        return schema ?? unknownBecause(`the workflow "${id}" has no outputSchema`);
      }
      case 'transform':
        return unknownBecause('it is made by a transform');
      default:
        return unknownBecause('it has no schema');
    }
  }

  #operation(state: StateModel): Json {
    const action = textOf(childOf(state.node, 'action'));
    if (action === 'human.approval') return approvalSchema;
    if (action !== 'agent.run') return unknownBecause(`${action ?? 'the action'} has no schema`);
    const name = textOf(childOf(childOf(state.node, 'input'), 'agent'))?.trim() ?? '';
    const agent = this.#values.environment.agents?.get(name);
    return agent?.outputSchema ?? unknownBecause(`the agent "${name}" has no output schema`);
  }

  #parallel(state: StateModel, path: Path): Value {
    const mode = textOf(childOf(childOf(state.node, 'join'), 'mode')) ?? 'all';
    const branches = state.children.map((scope) => ({
      scope,
      key: textOf(childOf(scope.node, 'name')) ?? '',
    }));
    const [first, ...rest] = path;
    if (mode === 'all' && first !== undefined) {
      const branch = branches.find(({ key }) => key === String(first));
      return branch === undefined
        ? this.#of(state, nothing)
        : this.#of(state, this.#output(branch.scope, rest));
    }
    const fields = branches.map(({ scope, key }) => {
      const output = schemaOf(this.#output(scope, []));
      return { key, schema: mode === 'settled' ? settled(output) : output, isRequired: true };
    });
    const schema =
      mode === 'any' ? eitherOf(fields.map((field) => objectSchema([field]))) : objectSchema(fields);
    return this.#values.seen(this.#of(state, fixedValue(schema)), path);
  }

  #foreach(state: StateModel, path: Path): Value {
    const [iterator] = state.children;
    if (iterator === undefined) return unknownValue('it has no iterator');
    const isUneven = isNumberAbove0(childOf(state.node, 'toleratedFailures'));
    const [first, ...rest] = path;
    if (typeof first === 'number' && !isUneven) return this.#of(state, this.#output(iterator, rest));
    const output = schemaOf(this.#output(iterator, []));
    const list = listOf(isUneven ? eitherOf([output, { type: 'null' }]) : output);
    return this.#values.seen(this.#of(state, fixedValue(list)), path);
  }

  /** What a scope hands over: its `output`, else what its states have written. */
  #output(scope: ScopeModel, path: Path): Value {
    const output = childOf(scope.node, 'output');
    if (output !== undefined) return this.template(output, scope, path);
    if (path.length === 0) return fixedValue(this.#writesOf(scope));
    const value = this.#values.ownWritesAt(scope, path);
    return value.alternatives.length === 0 ? nothing : value;
  }

  #writesOf(scope: ScopeModel): Json {
    const paths = new Map<string, Path>();
    for (const state of scope.states)
      for (const path of state.mayWrite) paths.set(JSON.stringify(path), path);
    return this.#objectOf(scope, [...paths.values()], []).schema;
  }

  /** The object at `prefix` of all that is written there. */
  #objectOf(scope: ScopeModel, paths: readonly Path[], prefix: Path): { schema: Json; isCertain: boolean } {
    const groups = new Map<string, Path[]>();
    for (const path of paths) {
      const key = String(path[prefix.length]);
      groups.set(key, [...(groups.get(key) ?? []), path]);
    }
    const fields = [...groups].map(([key, within]) => {
      const at = [...prefix, key];
      if (!within.some((path) => path.length === at.length))
        return { key, ...this.#objectOf(scope, within, at) };
      const value = this.#values.ownWritesAt(scope, at);
      return { key, schema: schemaOf(value), isCertain: !value.mayBeUnwritten };
    });
    const schema = objectSchema(
      fields.map(({ key, schema: inner, isCertain }) => ({ key, schema: inner, isRequired: isCertain })),
    );
    return { schema, isCertain: fields.some(({ isCertain }) => isCertain) };
  }

  /** What the template gives, at a path within, when it is filled at `owner`. */
  template(node: SourceNode, owner: Owner, path: Path): Value {
    if (!holdsTemplate(node)) return this.#values.seen(fixedValue({ const: jsonOf(node) }), path);
    if (node.kind === 'scalar') return this.#text(textOf(node) ?? '', owner, path);
    const [first, ...rest] = path;
    if (first !== undefined) {
      const inner = node.kind === 'map' ? childOf(node, String(first)) : node.items[Number(first)];
      return inner === undefined ? nothing : this.template(inner, owner, rest);
    }
    if (node.kind === 'list')
      return fixedValue(tupleSchema(node.items.map((item) => schemaOf(this.template(item, owner, [])))));
    const fields = node.entries.map(({ key, value }) => ({
      key,
      schema: schemaOf(this.template(value, owner, [])),
      isRequired: true,
    }));
    return fixedValue(objectSchema(fields));
  }

  #text(text: string, owner: Owner, path: Path): Value {
    const scanned = scanTemplateText(text);
    if (!scanned.ok) return unknownValue('its template does not parse');
    const { template } = scanned;
    if (template.kind !== 'expression') return this.#values.seen(fixedValue(someText), path);
    return this.expression(template.expression, owner, path);
  }

  expression(source: string, owner: Owner, path: Path): Value {
    const expression = simpleExpressionOf(source);
    switch (expression.kind) {
      case 'path':
        return this.#values.named(owner, expression.name, [...expression.keys, ...path]);
      case 'literal':
        return this.#values.seen(fixedValue({ const: expression.value }), path);
      case 'comparison':
        return this.#values.seen(fixedValue({ type: 'boolean' }), path);
      case 'other':
        return fixedValue(computed);
    }
  }
}

const settled = (output: Json): Json =>
  eitherOf([
    objectSchema([
      { key: 'status', schema: { const: 'succeeded' }, isRequired: true },
      { key: 'output', schema: output, isRequired: true },
    ]),
    objectSchema([
      { key: 'status', schema: { const: 'failed' }, isRequired: true },
      { key: 'error', schema: errorSchema, isRequired: true },
    ]),
  ]);
