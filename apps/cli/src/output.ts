/** What commands print: tables and lines for people, one JSON document for `--json`. */
import { onOneLine } from './terminal.js';

export interface Output {
  readonly isJson: boolean;
  /** One JSON document, or the text that `text` makes of it. */
  show<T>(value: T, text: (value: T) => string): void;
  /** A line of a sequence: compact JSON, or text. */
  line<T>(value: T, text: (value: T) => string): void;
  /** A piece of what is printed as it comes, without an end of line. */
  write(text: string): void;
  /** For people only; says nothing under `--json`. */
  note(text: string): void;
}

export const createOutput = (isJson: boolean, write: (text: string) => void): Output => ({
  isJson,
  show: (value, text) => write(isJson ? `${JSON.stringify(value, null, 2)}\n` : `${text(value)}\n`),
  line: (value, text) => write(isJson ? `${JSON.stringify(value)}\n` : `${text(value)}\n`),
  write,
  note: (text) => {
    if (!isJson) write(`${text}\n`);
  },
});

/** Columns as wide as their widest cell. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  whenEmpty: string,
): string => (rows.length === 0 ? whenEmpty : createTable(head)(rows));

/** A table that is printed piece by piece: the head comes with the first, and columns grow where a later one needs it. */
export const createTable = (head: readonly string[]) => {
  let widths = head.map((title) => title.length);
  let isBegun = false;
  return (rows: readonly (readonly string[])[]): string => {
    const pieces = (isBegun ? rows : [head, ...rows]).map((cells) => cells.map(onOneLine));
    isBegun = true;
    widths = pieces.reduce<number[]>(
      (known, cells) => known.map((width, column) => Math.max(width, cells[column]?.length ?? 0)),
      widths,
    );
    return pieces.map((cells) => render(cells, widths)).join('\n');
  };
};

const render = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();

export const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
};
