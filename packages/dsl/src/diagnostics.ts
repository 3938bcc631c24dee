/**
 * Collects the findings about one text.
 *
 * 1. A finding's severity is that of its code.
 * 2. At most `limits.maxIssues` of a severity are kept, and `limits.maxIssuesLength` of them in all; the last error
 *    then says that there are more.
 * 3. What they quote of a text or a schema is cut.
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

const cut = (text: string): string =>
  text.length <= limits.maxIssueTextLength ? text : `${text.slice(0, limits.maxIssueTextLength)}…`;

/** A counterexample is whole or not there: half of one shows nothing. */
const bounded = ({ hint, expected, actual, counterexample }: IssueDetails): Partial<Issue> => ({
  ...(hint === undefined ? {} : { hint: cut(hint) }),
  ...(expected === undefined ? {} : { expected: cut(expected) }),
  ...(actual === undefined ? {} : { actual: cut(actual) }),
  ...(counterexample === undefined || JSON.stringify(counterexample).length > maxCounterexampleLength
    ? {}
    : { counterexample }),
});

const maxCounterexampleLength = 2 * limits.maxIssueTextLength;

const byPlace = (a: Issue, b: Issue): number => a.line - b.line || a.column - b.column;

export class Diagnostics {
  readonly #lines: LineIndex;
  readonly #found = { error: [] as Issue[], warning: [] as Issue[] };
  readonly #lengths = { error: 0, warning: 0 };
  #isFull = { error: false, warning: false };

  constructor(lines: LineIndex) {
    this.#lines = lines;
  }

  report(code: IssueCode, place: Place, message: string, details: IssueDetails = {}): void {
    const severity = severityOf(code);
    if (this.#isFull[severity]) return;
    const issue: Issue = {
      code,
      severity,
      path: cut(place.pointer),
      ...this.#lines.position(place.offset),
      message: cut(message),
      ...bounded(details),
    };
    const found = this.#found[severity];
    this.#lengths[severity] += JSON.stringify(issue).length;
    const hasRoom = this.#lengths[severity] <= limits.maxIssuesLength;
    if (hasRoom) found.push(issue);
    if (hasRoom && found.length < limits.maxIssues) return;
    this.#isFull = { ...this.#isFull, [severity]: true };
    if (severity === 'error') this.#found.error.push(this.#tooMany(place));
  }

  #tooMany(place: Place): Issue {
    return {
      code: 'LIMIT_EXCEEDED',
      severity: 'error',
      path: cut(place.pointer),
      ...this.#lines.position(place.offset),
      message: `there are more than ${this.#found.error.length} errors; the others are not listed`,
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
