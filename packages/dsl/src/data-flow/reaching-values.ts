/**
 * What can be at a path of the context when a state is entered: found by walking back, along every way, to whatever wrote the path last.
 *
 * 1. What is told of a value holds for every value that can be there, as far as agents keep their output schemas; else it is unknown.
 * 2. Nothing is evaluated, and the work is bounded: past the bounds everything is unknown.
 */
import type { Json, Path } from '@signalbox/engine';
import type { StepBudget } from '@signalbox/schema-checker';
import { type Environment, type WorkflowSchemas, workflowSchemasOf } from '../environment.js';
import { pathsMeet } from '../flow/flow-graph.js';
import {
  isState,
  readPathOf,
  type ScopeModel,
  type StateModel,
  scopesAround,
  type WorkflowModel,
} from '../flow/scope-model.js';
import { childOf, jsonOf, type MapNode, type SourceNode, textOf } from '../source/source-node.js';
import { errorSchema, indexSchema, runSchema } from './fixed-schemas.js';
import { objectSchema, saysNothing, unknownBecause, withPath } from './make-schema.js';
import { ResultValues } from './result-values.js';
import { SchemaView } from './schema-view.js';
import {
  type Alternative,
  along,
  fixedValue,
  type Origin,
  schemaOf,
  unknownValue,
  type Value,
} from './value.js';
import { type Arrival, type WalkBudget, WayBack } from './way-back.js';

export type Owner = StateModel | ScopeModel;

const maxArrivalsWalked = 2_000_000;
const maxDepth = 60;
const maxAlternatives = 32;
/** Of all checks of one definition together: about a second. */
const maxCheckerSteps = 5_000_000;

const circular = unknownValue('it is made of itself, in a circle of states');
const tooDeep = unknownValue('it is handed on through too many states to be followed');

const schemaIn = (root: MapNode, key: string): Json | undefined => {
  const node = childOf(root, key);
  return node === undefined ? undefined : jsonOf(node);
};

export class ReachingValues {
  readonly view: SchemaView;
  readonly budget: StepBudget = { stepsLeft: maxCheckerSteps };
  readonly environment: Environment;
  readonly inputSchema: Json | undefined;
  readonly #root: MapNode;
  readonly #results: ResultValues;
  readonly #walkBudget: WalkBudget = { arrivalsLeft: maxArrivalsWalked };
  readonly #ways = new Map<ScopeModel, WayBack>();
  readonly #known = new Map<Owner, Map<string, Value>>();
  #depth = 0;

  constructor(model: WorkflowModel, environment: Environment) {
    this.environment = environment;
    this.view = new SchemaView(this.budget);
    this.#root = model.root.node;
    this.inputSchema = schemaIn(this.#root, 'inputSchema');
    this.#results = new ResultValues(this);
  }

  /** Of a workflow that may be run as a child; this one included, as it is being defined. */
  workflowSchemas(id: string): WorkflowSchemas | undefined {
    if (id !== textOf(childOf(this.#root, 'id'))) return workflowSchemasOf(this.environment, id);
    return { inputSchema: this.inputSchema, outputSchema: schemaIn(this.#root, 'outputSchema') };
  }

  /** What the template gives when it is filled at `owner`. */
  template(node: SourceNode, owner: Owner): Value {
    return this.#results.template(node, owner, []);
  }

  /** At a path when the state is entered, or at the end of the scope. */
  contextAt(owner: Owner, path: Path): Value {
    return this.#kept(owner, `context ${JSON.stringify(path)}`, () => this.#contextAt(owner, path, false));
  }

  /** The same, of what the states of the scope itself have written. */
  ownWritesAt(scope: ScopeModel, path: Path): Value {
    return this.#ownWritesBefore(scope, path);
  }

  #ownWritesBefore(owner: Owner, path: Path): Value {
    return this.#kept(owner, `writes ${JSON.stringify(path)}`, () => this.#contextAt(owner, path, true));
  }

  /** A value that the state's result has at the path. */
  resultAt(state: StateModel, path: Path): Value {
    return this.#kept(state, `result ${JSON.stringify(path)}`, () => this.#results.at(state, path));
  }

  /** What an `agent.run` without task and variables is given. */
  previousOutput(owner: Owner): Value {
    return this.#kept(owner, 'previous', () => this.#previousOutput(owner));
  }

  /** What the name stands for in an expression of the state, with the keys after it. */
  named(owner: Owner, name: string, keys: Path): Value {
    if (name === 'ctx') return this.contextAt(owner, keys);
    if (name !== 'input' && name !== 'run') {
      for (const scope of scopesAround(isState(owner) ? owner.scope : owner)) {
        if (scope.itemName === undefined || scope.parent === undefined) continue;
        if (name === scope.itemName)
          return along(this.#itemOf(scope.parent, keys), this.#wayWithin(scope, owner));
        if (name === 'index') return this.seen(fixedValue(indexSchema), keys);
      }
    }
    return this.contextAt(owner, [name, ...keys]);
  }

  /** The value's part at a path. */
  seen(value: Value, path: Path): Value {
    if (path.length === 0) return value;
    return {
      ...value,
      alternatives: value.alternatives.map((one) => {
        const seen = this.view.at(one.schema, path);
        return { ...one, ...seen, mayBeAbsent: one.mayBeAbsent || seen.mayBeAbsent };
      }),
    };
  }

  #kept(owner: Owner, key: string, find: () => Value): Value {
    const known = this.#known.get(owner) ?? new Map<string, Value>();
    this.#known.set(owner, known);
    const value = known.get(key);
    if (value !== undefined) return value;
    if (this.#depth >= maxDepth) return tooDeep;
    // Whoever asks while it is being found comes from within it.
    known.set(key, circular);
    this.#depth++;
    const found = find();
    this.#depth--;
    known.set(key, found);
    return found;
  }

  /** A shortest way from the scope's start, through the scopes within, to the owner. */
  #wayWithin(scope: ScopeModel, owner: Owner): readonly StateModel[] {
    const own = isState(owner) ? owner.scope : owner;
    const found: StateModel[] = [];
    this.#wayBack(own).walk(isState(owner) ? owner : null, {
      arrival: () => true,
      entry: (way) => {
        found.push(...way());
      },
    });
    const outer = own === scope || own.parent === undefined ? [] : this.#wayWithin(scope, own.parent);
    return [...outer, ...found];
  }

  #itemOf(foreach: StateModel, keys: Path): Value {
    const path = readPathOf(childOf(foreach.node, 'itemsPath'));
    if (path === undefined) return unknownValue('its list is not known');
    const list = this.contextAt(foreach, path);
    const items: Value = {
      alternatives: list.alternatives.map((one) => ({
        ...one,
        schema: this.view.itemOf(one.schema),
        mayBeAbsent: false,
      })),
      mayBeUnwritten: false,
    };
    return this.seen(items, keys);
  }

  #wayBack(scope: ScopeModel): WayBack {
    const way = this.#ways.get(scope) ?? new WayBack(scope, this.#walkBudget);
    this.#ways.set(scope, way);
    return way;
  }

  #contextAt(owner: Owner, path: Path, isOwnOnly: boolean): Value {
    if (path[0] === 'input') return this.#inputAt(path.slice(1));
    if (path[0] === 'run') return this.seen(fixedValue(runSchema), path.slice(1));
    const scope = isState(owner) ? owner.scope : owner;
    const found: Alternative[] = [];
    let mayBeUnwritten = false;
    let isAtStart = false;
    const isWhole = this.#wayBack(scope).walk(isState(owner) ? owner : null, {
      arrival: (arrival, way) => {
        const { writes } = arrival;
        if (writes === undefined || !pathsMeet(writes, path)) return true;
        const isAbove = writes.length <= path.length;
        const value = isAbove
          ? this.#written(arrival, path.slice(writes.length))
          : this.#writtenInto(arrival, path, writes.slice(path.length), isOwnOnly);
        found.push(...along(value, way()).alternatives);
        mayBeUnwritten ||= value.mayBeUnwritten;
        return !arrival.isCertain;
      },
      entry: (way) => {
        isAtStart = true;
        if (isOwnOnly || scope.parent === undefined) return;
        const outer = along(this.contextAt(scope.parent, path), way());
        found.push(...outer.alternatives);
        mayBeUnwritten ||= outer.mayBeUnwritten;
      },
    });
    if (!isWhole || found.length > maxAlternatives) return unknownValue('too many ways lead there');
    if (isAtStart && isOwnOnly) mayBeUnwritten = true;
    if (!isAtStart || isOwnOnly || scope.parent !== undefined) return { alternatives: found, mayBeUnwritten };
    return this.#withInput({ alternatives: found, mayBeUnwritten }, path);
  }

  /** The context begins as the run's input. A key that its schema does not declare is taken to be there only if nothing else writes it. */
  #withInput(value: Value, path: Path): Value {
    if (path.length === 0) return unknownValue('it is the whole context');
    const given = this.#inputAt(path);
    const isDeclared = this.inputSchema !== undefined && given.alternatives.every((one) => one.isDeclared);
    if (isDeclared || value.alternatives.length === 0)
      return {
        alternatives: [...value.alternatives, ...given.alternatives],
        mayBeUnwritten: value.mayBeUnwritten,
      };
    return { ...value, mayBeUnwritten: true };
  }

  #inputAt(path: Path): Value {
    const origin: Origin = { kind: 'input' };
    const schema = this.inputSchema ?? unknownBecause('the workflow has no inputSchema');
    return { alternatives: [{ ...this.view.at(schema, path), origin, way: [] }], mayBeUnwritten: false };
  }

  #written({ from, kind }: Arrival, path: Path): Value {
    if (kind === 'result') return this.resultAt(from, path);
    const value = this.seen(fixedValue(errorSchema), path);
    const origin: Origin = { kind: 'error', state: from };
    return { ...value, alternatives: value.alternatives.map((one) => ({ ...one, origin })) };
  }

  /** The state writes into what is at the path: that, with the one field anew. */
  #writtenInto(arrival: Arrival, path: Path, within: Path, isOwnOnly: boolean): Value {
    const { from } = arrival;
    const before = isOwnOnly ? this.#ownWritesBefore(from, path) : this.contextAt(from, path);
    const written = schemaOf(this.#written(arrival, []));
    // What only an input that is not described could hold is taken not to be there.
    const bases = before.alternatives
      .filter(({ origin, schema }) => origin.kind !== 'input' || (schema !== false && !saysNothing(schema)))
      .map(({ schema }) => schema);
    if (before.mayBeUnwritten || bases.length === 0) bases.push(objectSchema([]));
    const origin: Origin = { kind: 'state', state: from };
    const made = bases.map((base): Alternative => {
      const schema = withPath(base, within, written) ?? unknownBecause('several states write into it');
      return { schema, mayBeAbsent: false, isDeclared: true, origin, way: [] };
    });
    const kept = arrival.isCertain ? [] : before.alternatives;
    return { alternatives: [...made, ...kept], mayBeUnwritten: !arrival.isCertain && before.mayBeUnwritten };
  }

  /** Results of earlier states of the scope, then of what is around it, at last the run's input. */
  #previousOutput(owner: Owner): Value {
    const scope = isState(owner) ? owner.scope : owner;
    const found: Alternative[] = [];
    const isWhole = this.#wayBack(scope).walk(isState(owner) ? owner : null, {
      arrival: (arrival, way) => {
        if (arrival.kind !== 'result') return true;
        found.push(...along(this.resultAt(arrival.from, []), way()).alternatives);
        return !arrival.isCertain;
      },
      entry: (way) => {
        const outer = scope.parent === undefined ? this.#inputAt([]) : this.previousOutput(scope.parent);
        found.push(...along(outer, way()).alternatives);
      },
    });
    return isWhole && found.length <= maxAlternatives
      ? { alternatives: found, mayBeUnwritten: false }
      : unknownValue('too many ways lead there');
  }
}
