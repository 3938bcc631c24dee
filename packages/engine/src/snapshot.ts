/**
 * A run's state as JSON and back. A snapshot is a cache: the history alone is the truth, and a format that is not
 * understood is answered by folding the history again.
 *
 * A child scope's context is not written: it is its own writes over its parent's context, which cannot have changed
 * since the fork.
 */
import { ContextMap, type ContextNode, emptyContext, overlay } from './context.js';
import { InvariantViolation, required } from './invariant-violation.js';
import { isJsonObject, type Json } from './json.js';
import { PersistentMap } from './persistent-map.js';
import type { Approval, Join, Run, RunState, Scope, Signals, Step } from './run-state.js';
import { withoutUndefined } from './without-undefined.js';

const snapshotFormat = 3;

type EncodedNode =
  | readonly ['json', Json]
  | readonly ['map', boolean, readonly (readonly [string, EncodedNode])[]]
  /** The run's input, which `started` holds. */
  | readonly ['input'];

interface EncodedScope extends Omit<Scope, 'context' | 'writes' | 'visits' | 'idleVisits'> {
  readonly idleVisits: readonly (readonly [string, number])[];
  readonly visits: readonly (readonly [string, number])[];
  /** Of the root: the context. Of a child: its writes. */
  readonly content: EncodedNode;
}

interface EncodedJoin extends Omit<Join, 'live' | 'outcomes'> {
  readonly live: readonly string[];
  readonly outcomes: readonly (readonly [string, unknown])[];
}

interface EncodedRun
  extends Omit<
    Run,
    | 'kind'
    | 'scopes'
    | 'steps'
    | 'open'
    | 'joins'
    | 'ready'
    | 'forkable'
    | 'closing'
    | 'approvals'
    | 'signals'
  > {
  readonly scopes: readonly EncodedScope[];
  readonly steps: readonly Step[];
  readonly open: readonly string[];
  readonly joins: readonly EncodedJoin[];
  readonly ready: readonly string[];
  readonly forkable: readonly string[];
  readonly closing: readonly string[];
  readonly approvals: readonly Approval[];
  readonly signals: {
    readonly seen: readonly (readonly [string, string])[];
    readonly kept: readonly (readonly [string, readonly (readonly [string, { readonly payload: Json }])[]])[];
    readonly waiting: readonly (readonly [string, readonly string[]])[];
  };
}

/** Plain JSON; `restore` makes an equal state of it. */
export const snapshot = (state: RunState): Json => {
  const run: EncodedRun | null = state.kind === 'none' ? null : encodeRun(state);
  // Every part is a number, text, boolean, list or object of such: the types of the parts only do not say so.
  return { format: snapshotFormat, run: run as unknown as Json };
};

/** Throws InvariantViolation when the value is no snapshot of this format. */
export const restore = (value: Json): RunState => {
  if (!isJsonObject(value) || value.format !== snapshotFormat || value.run === undefined)
    throw new InvariantViolation('this is not a snapshot of a run in a known format');
  return value.run === null ? { kind: 'none', seq: 0 } : decodeRun(value.run as unknown as EncodedRun);
};

const encodeRun = (run: Run): EncodedRun => {
  const {
    kind: _kind,
    scopes,
    steps,
    open,
    joins,
    ready,
    forkable,
    closing,
    approvals,
    signals,
    ...rest
  } = run;
  return {
    ...withoutUndefined(rest),
    scopes: [...scopes.values()].map(encodeScope),
    steps: [...steps.values()].map(withoutUndefined),
    open: [...open.keys()],
    joins: [...joins.values()].map((join) => ({
      ...join,
      live: [...join.live.keys()],
      outcomes: [...join.outcomes.entries()],
    })),
    ready: [...ready.keys()],
    forkable: [...forkable.keys()],
    closing: [...closing.keys()],
    approvals: [...approvals.values()],
    signals: {
      seen: [...signals.seen.entries()],
      kept: [...signals.kept.entries()].map(([name, kept]) => [name, [...kept.entries()]] as const),
      waiting: [...signals.waiting.entries()].map(([name, ids]) => [name, [...ids.keys()]] as const),
    },
  };
};

const encodeScope = (scope: Scope): EncodedScope => {
  const { context, writes, visits, idleVisits, ...rest } = scope;
  return {
    ...withoutUndefined(rest),
    visits: [...visits.entries()],
    idleVisits: [...idleVisits.entries()],
    content: scope.parent === undefined ? encodeRoot(context) : encodeNode(writes),
  };
};

const encodeRoot = (context: ContextMap): EncodedNode => [
  'map',
  context.replacesAll,
  [...context.fields.entries()].map(
    ([key, node]) => [key, key === 'input' ? (['input'] as const) : encodeNode(node)] as const,
  ),
];

const encodeNode = (node: ContextNode): EncodedNode =>
  node instanceof ContextMap
    ? [
        'map',
        node.replacesAll,
        [...node.fields.entries()].map(([key, field]) => [key, encodeNode(field)] as const),
      ]
    : ['json', node];

const keySet = (keys: readonly string[]): PersistentMap<true> =>
  PersistentMap.from(keys.map((key) => [key, true] as const));

const byId = <V>(values: readonly V[], idOf: (value: V) => string): PersistentMap<V> =>
  PersistentMap.from(values.map((value) => [idOf(value), value] as const));

const decodeRun = (encoded: EncodedRun): Run => {
  const { scopes, steps, open, joins, ready, forkable, closing, approvals, signals, ...rest } = encoded;
  const decodedJoins = byId(joins.map(decodeJoin), (join) => join.stepId);
  return {
    ...rest,
    kind: 'run',
    scopes: decodeScopes(scopes, decodedJoins, encoded.started.input),
    steps: byId(steps, (step) => step.stepId),
    open: keySet(open),
    joins: decodedJoins,
    ready: keySet(ready),
    forkable: keySet(forkable),
    closing: keySet(closing),
    approvals: byId(approvals, (approval) => approval.request.approvalId),
    signals: decodeSignals(signals),
  };
};

const decodeJoin = (join: EncodedJoin): Join => ({
  ...join,
  live: keySet(join.live),
  outcomes: PersistentMap.from(join.outcomes as Iterable<readonly [string, never]>),
});

const decodeSignals = ({ seen, kept, waiting }: EncodedRun['signals']): Signals => ({
  seen: PersistentMap.from(seen),
  kept: PersistentMap.from(kept.map(([name, ofName]) => [name, PersistentMap.from(ofName)] as const)),
  waiting: PersistentMap.from(waiting.map(([name, ids]) => [name, keySet(ids)] as const)),
});

/** Parents stand before their children, so a parent's context is there when a child needs it. */
const decodeScopes = (
  encoded: readonly EncodedScope[],
  joins: PersistentMap<Join>,
  input: Json,
): PersistentMap<Scope> => {
  let scopes = PersistentMap.empty<Scope>();
  for (const { visits, idleVisits, content, ...rest } of encoded) {
    const own = asMap(decodeNode(content, input));
    const { parent, path } = rest;
    let context = own;
    if (parent !== undefined) {
      const join = required(joins.get(parent.stepId), `join ${parent.stepId}`);
      context = overlay(required(scopes.get(join.scope), `scope "${join.scope}"`).context, own);
    }
    const writes = parent === undefined ? emptyContext : own;
    scopes = scopes.set(path, {
      ...rest,
      visits: PersistentMap.from(visits),
      idleVisits: PersistentMap.from(idleVisits),
      context,
      writes,
    });
  }
  return scopes;
};

const decodeNode = (node: EncodedNode, input: Json): ContextNode => {
  if (node[0] === 'json') return node[1];
  if (node[0] === 'input') return input;
  const fields = node[2].map(([key, field]) => [key, decodeNode(field, input)] as const);
  return new ContextMap(PersistentMap.from(fields), node[1]);
};

const asMap = (node: ContextNode): ContextMap => {
  if (node instanceof ContextMap) return node;
  throw new InvariantViolation('the content of a scope is an object');
};
