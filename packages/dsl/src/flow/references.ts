// cspell:ignore bhasattr
/**
 * What an expression reads, as far as its text shows: `ctx.steps.check.items[0]` is the name `ctx` with the keys that follow.
 * Names are told by the compiler; this only follows the keys after each of them, in a single pass over the text.
 */
export interface Reference {
  readonly name: string;
  readonly keys: readonly (string | number)[];
  /** Index in the expression of the name. */
  readonly index: number;
}

const token =
  /(?<string>[rb]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'))|(?<comment>#[^\n]*)|(?<number>\d[\w.]*)|(?<word>[A-Za-z_]\w*)|(?<other>\S)/gy;
const key =
  /\s*(?:\.\s*(?<field>[A-Za-z_]\w*)|\[\s*(?:"(?<double>[^"\\\n]*)"|'(?<single>[^'\\\n]*)'|(?<index>\d{1,9}))\s*\])/y;
const call = /\s*\(/y;

const keysAfter = (text: string, from: number): { keys: (string | number)[]; end: number } => {
  const keys: (string | number)[] = [];
  let end = from;
  for (;;) {
    key.lastIndex = end;
    const groups = key.exec(text)?.groups;
    if (groups === undefined) return { keys, end };
    const after = key.lastIndex;
    call.lastIndex = after;
    // A method is asked of the value before it; it is not one of its keys.
    if (groups.field !== undefined && call.test(text)) return { keys, end };
    keys.push(
      groups.index === undefined
        ? (groups.field ?? groups.double ?? groups.single ?? '')
        : Number(groups.index),
    );
    end = after;
  }
};

const skipBlank = /\s*/y;

export const referencesOf = (expression: string, names: ReadonlySet<string>): readonly Reference[] => {
  const found: Reference[] = [];
  let at = 0;
  let before = '';
  while (at < expression.length) {
    skipBlank.lastIndex = at;
    skipBlank.test(expression);
    token.lastIndex = skipBlank.lastIndex;
    const start = token.lastIndex;
    const groups = token.exec(expression)?.groups;
    if (groups === undefined) break;
    at = token.lastIndex;
    const word = groups.word;
    if (word !== undefined && before !== '.' && names.has(word)) {
      const { keys, end } = keysAfter(expression, at);
      found.push({ name: word, keys, index: start });
      at = end;
    }
    before = groups.other ?? '';
  }
  return found;
};

/** The expression asks whether something is there, so what it then reads may be absent. */
export const asksForPresence = (expression: string): boolean =>
  /\bhasattr\s*\(|\.\s*get\s*\(|\bin\b/.test(expression.replaceAll(/\bfor\b[^\n]*?\bin\b/g, ''));
