/**
 * Collects the findings about one text.
 *
 * 1. A finding's severity is that of its code.
 * 2. At most `limits.maxIssues` of a severity are kept; the last one then says that there are more.
 */
import type { Json } from '@signalbox/engine';
import { type IssueCode, severityOf } from './codes.js';
import type { Issue } from './issue.js';
import { limits } from './limits.js';
import type { LineIndex } from './source/line-index.js';
import type { Place } from './source/source-node.js';

export interface IssueDetails {
  readonly hint?: string | undefined;
  readonly expected?: string;
  readonly actual?: string;
  readonly counterexample?: Json;
}

const byPlace = (a: Issue, b: Issue): number => a.line - b.line || a.column - b.column;

export class Diagnostics {
  readonly #lines: LineIndex;
  readonly #found = { error: [] as Issue[], warning: [] as Issue[] };
  #isFull = { error: false, warning: false };

  constructor(lines: LineIndex) {
    this.#lines = lines;
  }

  report(code: IssueCode, place: Place, message: string, details: IssueDetails = {}): void {
    const severity = severityOf(code);
    if (this.#isFull[severity]) return;
    const { hint, ...others } = details;
    const position = this.#lines.position(place.offset);
    this.#found[severity].push({
      code,
      severity,
      path: place.pointer,
      ...position,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...others,
    });
    if (this.#found[severity].length === limits.maxIssues) {
      this.#isFull = { ...this.#isFull, [severity]: true };
      if (severity === 'error') this.#found.error.push(this.#tooMany(place));
    }
  }

  #tooMany(place: Place): Issue {
    return {
      code: 'LIMIT_EXCEEDED',
      severity: 'error',
      path: place.pointer,
      ...this.#lines.position(place.offset),
      message: `there are more than ${limits.maxIssues} errors; the others are not listed`,
      hint: 'mend those that are listed and validate again',
    };
  }

  get hasErrors(): boolean {
    return this.#found.error.length > 0;
  }

  /** No further error is kept, so nothing is gained by looking for more. */
  get isFullOfErrors(): boolean {
    return this.#isFull.error;
  }

  /** In the order of the text. */
  get errors(): readonly Issue[] {
    return this.#found.error.toSorted(byPlace);
  }

  /** In the order of the text. */
  get warnings(): readonly Issue[] {
    return this.#found.warning.toSorted(byPlace);
  }
}
