/**
 * From a place within a scalar's value to a place in the text. YAML folds lines, drops indentation and knows escapes, so the two differ:
 * the value and the text are walked side by side, and where they can no longer be matched the scalar's beginning stands for all the rest.
 */
import type { ScalarNode } from './source-node.js';

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

/** Number of characters of the escape at `at` (which holds the backslash), and of those of the value it makes. */
const escapeLengths = (text: string, at: number): { written: number; made: number } => {
  const kind = text[at + 1];
  if (kind === 'x') return { written: 4, made: 1 };
  if (kind === 'u') return { written: 6, made: 1 };
  if (kind === 'U') {
    const code = Number.parseInt(text.slice(at + 2, at + 10), 16);
    return { written: 10, made: code > 0xffff ? 2 : 1 };
  }
  return { written: 2, made: 1 };
};

class Alignment {
  readonly offsets: number[] = [];
  at: number;

  constructor(
    readonly text: string,
    readonly node: ScalarNode,
    readonly value: string,
    readonly blockIndent: number,
    start: number,
  ) {
    this.at = start;
  }

  get isBlock(): boolean {
    return this.node.style === 'literal' || this.node.style === 'folded';
  }

  skipIndent(): void {
    const most = this.isBlock ? this.blockIndent : Number.POSITIVE_INFINITY;
    for (let skipped = 0; skipped < most && isBlank(this.text[this.at]); skipped++) this.at++;
  }

  /** Offset of the first character after blanks when that is a line's end, otherwise undefined. */
  lineEnd(): number | undefined {
    let at = this.at;
    if (!this.isBlock) while (isBlank(this.text[at])) at++;
    if (this.text[at] === '\r') at++;
    return this.text[at] === '\n' ? at : undefined;
  }

  /** One or more line ends in the text stand for a space or for one or more line ends in the value. */
  takeLineEnds(): boolean {
    const made = this.value[this.offsets.length];
    if (made !== ' ' && made !== '\n') return false;
    const first = this.lineEnd();
    let end = first;
    while (end !== undefined) {
      this.at = end + 1;
      this.skipIndent();
      end = this.node.style === 'literal' ? undefined : this.lineEnd();
    }
    this.offsets.push(first ?? this.at);
    while (this.node.style !== 'literal' && this.value[this.offsets.length] === '\n')
      this.offsets.push(first ?? this.at);
    return true;
  }

  takeEscape(): boolean {
    if (this.text[this.at + 1] === '\n' || this.text[this.at + 1] === '\r') {
      this.at = this.text.indexOf('\n', this.at) + 1;
      this.skipIndent();
      return true;
    }
    const { written, made } = escapeLengths(this.text, this.at);
    for (let i = 0; i < made; i++) this.offsets.push(this.at);
    this.at += written;
    return true;
  }

  step(): boolean {
    const character = this.text[this.at];
    if (this.lineEnd() !== undefined && this.takeLineEnds()) return true;
    if (this.node.style === 'double' && character === '\\') return this.takeEscape();
    if (character !== this.value[this.offsets.length]) return false;
    this.offsets.push(this.at);
    this.at += this.node.style === 'single' && character === "'" ? 2 : 1;
    return true;
  }

  run(until: number): number | undefined {
    while (this.offsets.length <= until && this.at < this.node.end) if (!this.step()) return undefined;
    return this.offsets[until];
  }
}

/** Where a block scalar's first line begins, and how far its lines are indented. */
const blockStart = (text: string, node: ScalarNode): { start: number; indent: number } => {
  const header = text.slice(node.start, text.indexOf('\n', node.start) + 1);
  const start = node.start + header.length;
  const lines = text.slice(start, node.end).split('\n');
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const indentOfFirst = first.length - first.trimStart().length;
  const explicit = /^[|>][-+]?([1-9])/.exec(header)?.[1];
  const valueFirst = (typeof node.value === 'string' ? node.value : '')
    .split('\n')
    .find((l) => l.trim() !== '');
  const kept = explicit === undefined ? 0 : (valueFirst ?? '').length - (valueFirst ?? '').trimStart().length;
  return { start, indent: indentOfFirst - kept };
};

/** Offset in the text of the character at `index` of the scalar's value; at worst the scalar's own beginning. */
export const textOffsetOf = (text: string, node: ScalarNode, index: number): number => {
  if (typeof node.value !== 'string') return node.start;
  if (node.style === 'raw') return node.start + index;
  // The end of the value is the place after its last character.
  if (index > 0 && index >= node.value.length) return textOffsetOf(text, node, node.value.length - 1) + 1;
  if (node.style === 'literal' || node.style === 'folded') {
    const { start, indent } = blockStart(text, node);
    const alignment = new Alignment(text, node, node.value, indent, start);
    alignment.skipIndent();
    return alignment.run(index) ?? node.start;
  }
  const isQuoted = node.style !== 'plain';
  const alignment = new Alignment(text, node, node.value, 0, node.start + (isQuoted ? 1 : 0));
  return alignment.run(index) ?? node.start;
};
