/** What commands print: tables and lines for people, one JSON document for `--json`. */
export interface Output {
  readonly isJson: boolean;
  /** One JSON document, or the text that `text` makes of it. */
  show<T>(value: T, text: (value: T) => string): void;
  /** A line of a sequence: compact JSON, or text. */
  line<T>(value: T, text: (value: T) => string): void;
  /** For people only; says nothing under `--json`. */
  note(text: string): void;
}

export const createOutput = (isJson: boolean, write: (text: string) => void): Output => ({
  isJson,
  show: (value, text) => write(isJson ? `${JSON.stringify(value, null, 2)}\n` : `${text(value)}\n`),
  line: (value, text) => write(isJson ? `${JSON.stringify(value)}\n` : `${text(value)}\n`),
  note: (text) => {
    if (!isJson) write(`${text}\n`);
  },
});

/** Columns as wide as their widest cell. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  whenEmpty: string,
): string => {
  if (rows.length === 0) return whenEmpty;
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const render = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [render(head), ...rows.map(render)].join('\n');
};

export const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
};
