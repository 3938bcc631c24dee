import type { Json } from '@signalbox/engine';
import type { IssueCode } from './codes.js';

/** One finding about a definition, an agent or a teams file. */
export interface Issue {
  readonly code: IssueCode;
  readonly severity: 'error' | 'warning';
  /** JSON pointer into the source as the author wrote it; '' is the whole document. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** A value that the sender may send and the receiver would refuse. */
  readonly counterexample?: Json;
}

export interface ValidationResult {
  readonly valid: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}
