/** What can be at a place of the context when a state is entered, and where it comes from. */
import type { Json } from '@signalbox/engine';
import type { StateModel } from '../flow/scope-model.js';
import { eitherOf, unknownBecause } from './make-schema.js';
import type { Seen } from './schema-view.js';

export type Origin =
  | { readonly kind: 'state'; readonly state: StateModel }
  /** The error that was caught at the state. */
  | { readonly kind: 'error'; readonly state: StateModel }
  | { readonly kind: 'input' }
  /** Written out in the template itself, or given by the language. */
  | { readonly kind: 'fixed' };

export interface Alternative extends Seen {
  readonly origin: Origin;
  /** States from the one that writes to the one that reads; from the scope's start where no state writes it. */
  readonly way: readonly StateModel[];
}

export interface Value {
  readonly alternatives: readonly Alternative[];
  /** There is a way on which nothing writes it. */
  readonly mayBeUnwritten: boolean;
}

export const fixedValue = (schema: Json): Value => ({
  alternatives: [{ schema, mayBeAbsent: false, isDeclared: true, origin: { kind: 'fixed' }, way: [] }],
  mayBeUnwritten: false,
});

export const unknownValue = (why: string): Value => fixedValue(unknownBecause(why));

export const schemaOf = ({ alternatives }: Value): Json =>
  alternatives.length === 0
    ? unknownBecause('nothing writes it')
    : eitherOf(alternatives.map(({ schema }) => schema));

/** The alternatives as they are seen further down the way. */
export const along = (value: Value, way: readonly StateModel[]): Value => ({
  ...value,
  alternatives: value.alternatives.map((one) => ({ ...one, way: joined(one.way, way) })),
});

const joined = (before: readonly StateModel[], after: readonly StateModel[]): readonly StateModel[] =>
  before.at(-1) === after[0] ? [...before, ...after.slice(1)] : [...before, ...after];
