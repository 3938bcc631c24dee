/**
 * Reads of fields, held against the schemas of whatever wrote them.
 *
 * 1. An error only where on every way the schema says that there is no such field.
 * 2. Where a schema names its fields, allows others, and the one read is not among them: a warning. JSON Schema lets a sender add fields,
 *    but a field that is relied on and declared nowhere is a slip, or should be declared.
 */
import { isJsonObject, type Json, type Path } from '@signalbox/engine';
import type { Diagnostics } from '../diagnostics.js';
import type { Reference } from '../flow/references.js';
import { isState, readPathOf, type StateModel } from '../flow/scope-model.js';
import { formatPath } from '../language/path.js';
import { didYouMean } from '../nearest.js';
import { childOf, type Place } from '../source/source-node.js';
import type { Owner, ReachingValues } from './reaching-values.js';
import type { Alternative, Value } from './value.js';
import { nameOf, showWay } from './words.js';

type Lack = 'impossible' | 'undeclared';

const lackOf = ({ schema, isDeclared }: Alternative): Lack | undefined =>
  schema === false ? 'impossible' : isDeclared ? undefined : 'undeclared';

/** The fields that a schema names, as far as they stand at its top. */
const fieldsOf = (schema: Json): readonly string[] => {
  if (!isJsonObject(schema)) return [];
  const own = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const fixed = isJsonObject(schema.const) ? Object.keys(schema.const) : [];
  const others = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((parts) =>
    Array.isArray(parts) ? parts.flatMap(fieldsOf) : [],
  );
  return [...own, ...fixed, ...others];
};

const mostListed = 12;

export interface Name {
  readonly isKnown: boolean;
  /** Other names there are, for the hint. */
  readonly others: ReadonlySet<string>;
  /** False: the run's input may have it. */
  readonly isComplete: boolean;
}

export class DeclaredFields {
  readonly #values: ReachingValues;
  readonly #diagnostics: Diagnostics;

  constructor(values: ReachingValues, diagnostics: Diagnostics) {
    this.#values = values;
    this.#diagnostics = diagnostics;
  }

  checkPath(path: Path, owner: Owner, place: () => Place): void {
    const [root, ...keys] = path;
    if (root !== undefined) this.#check(String(root), keys, owner, place);
  }

  checkReference({ name, keys }: Reference, owner: Owner, place: () => Place): void {
    const dataPath = name === 'result' ? this.#dataPathOf(owner) : undefined;
    if (dataPath !== undefined) this.checkPath([...dataPath, ...keys], owner, place);
    else if (name === 'ctx') this.checkPath(keys, owner, place);
    else this.#check(name, keys, owner, place);
  }

  /**
   * A bare name in a condition with a `dataPath`: a field of the value there, else a name like others. True when it is, or may be, such
   * a field, or a finding says that it is nothing.
   */
  checkDataName({ name, keys }: Reference, owner: StateModel, known: Name, place: () => Place): boolean {
    const path = this.#dataPathOf(owner);
    if (path === undefined) return false;
    const value = this.#values.contextAt(owner, [...path, name]);
    const lacks = value.alternatives.map(lackOf);
    if (lacks.length === 0 || lacks.includes(undefined)) {
      this.checkPath([...path, name, ...keys], owner, place);
      return true;
    }
    if (known.isKnown) return false;
    const data = this.#values.contextAt(owner, path);
    const declared = data.alternatives.flatMap(({ schema }) => fieldsOf(schema));
    const near = didYouMean(name, [...declared, ...known.others]);
    if (!known.isComplete && near === undefined) return true;
    const isCertain = known.isComplete && lacks.every((lack) => lack === 'impossible');
    const message = `nothing is called "${name}" here, and ${formatPath(path)}, which ${this.#giver(data, owner)} gives, ${isCertain ? 'has' : 'declares'} no such field`;
    this.#diagnostics.report(isCertain ? 'UNDEFINED_NAME' : 'NAME_MAY_BE_ABSENT', place(), message, {
      hint: near ?? listing(declared),
    });
    return true;
  }

  #dataPathOf(owner: Owner): Path | undefined {
    const node = isState(owner) && owner.type === 'switch' ? childOf(owner.node, 'dataPath') : undefined;
    return node === undefined ? undefined : readPathOf(node);
  }

  #giver(value: Value, owner: Owner): string {
    const [first] = value.alternatives;
    return first === undefined || !isState(owner) ? 'a state' : nameOf(first.origin, owner);
  }

  #check(name: string, keys: Path, owner: Owner, place: () => Place): void {
    if (keys.length === 0) return;
    const value = this.#values.named(owner, name, keys);
    const lacks = value.alternatives.map(lackOf);
    const at = lacks.findIndex((lack) => lack !== undefined);
    const lacking = value.alternatives[at];
    if (lacking === undefined) return;
    // The first key that is not there, and what is there instead.
    const depth = keys.findIndex((_, index) => this.#lacks(owner, name, keys.slice(0, index + 1), at));
    if (depth < 0 || this.#isTold(name, depth)) return;
    const holder = this.#values.named(owner, name, keys.slice(0, depth));
    const fields = holder.alternatives[at] === undefined ? [] : fieldsOf(holder.alternatives[at].schema);
    if (lacks[at] === 'undeclared' && fields.length === 0) return;
    const isCertain = lacks.every((lack) => lack === 'impossible') && !value.mayBeUnwritten;
    const giver = nameOf(lacking.origin, isState(owner) ? owner : undefined);
    const shown = formatPath([name, ...keys.slice(0, depth)]);
    const verb = lacks[at] === 'impossible' ? 'has' : 'declares';
    const message = `${shown}, which ${giver} gives, ${verb} no field "${keys[depth]}"${showWay(lacking.way)}`;
    const hint = didYouMean(String(keys[depth]), fields) ?? listing(fields);
    this.#diagnostics.report(isCertain ? 'UNDEFINED_NAME' : 'NAME_MAY_BE_ABSENT', place(), message, { hint });
  }

  #lacks(owner: Owner, name: string, keys: Path, at: number): boolean {
    const one = this.#values.named(owner, name, keys).alternatives[at];
    return one !== undefined && lackOf(one) !== undefined;
  }

  /** The fields of `input` and `run` themselves are checked by name. */
  #isTold(name: string, depth: number): boolean {
    return depth === 0 && (name === 'input' || name === 'run');
  }
}

const listing = (fields: readonly string[]): string =>
  fields.length === 0
    ? 'read the value itself, or another field'
    : `its fields are ${[...new Set(fields)].slice(0, mostListed).join(', ')}${fields.length > mostListed ? ', …' : ''}`;
