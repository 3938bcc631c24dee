import type { Json } from './json.js';
export interface Reason { kind: string; path: string; message: string }
export function undecided(message: string): Reason { return { kind: 'undecided', path: '', message }; }
export function explain(x: { counterexample: Json } & Record<string, unknown>): Reason[] { return x ? [] : []; }
