/** Paths into the context: their text form, and the keys that none may hold. */
import type { Path } from './plan.js';

/** Keys through which a JavaScript object's own machinery could be reached. */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** `steps.check.items[0]`; `ctx` for the empty path. */
export const formatPath = (path: Path): string => {
  if (path.length === 0) return 'ctx';
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
};

const partPattern = /([^.[\]]+)|\[(\d+)\]/y;

/**
 * Reads the dotted form, with a leading `ctx.` or `$.` left out; undefined when the text is no path. The one
 * path that reaches the engine as text is `summaryPath`, because it stands inside a rendered input.
 */
export const parsePath = (text: string): Path | undefined => {
  const parts: (string | number)[] = [];
  let rest = text.trim();
  if (rest === 'ctx' || rest === '$') return [];
  rest = rest.replace(/^(?:ctx|\$)\./, '');
  let at = 0;
  while (at < rest.length) {
    if (rest[at] === '.' && at > 0) at += 1;
    partPattern.lastIndex = at;
    const match = partPattern.exec(rest);
    if (match === null) return undefined;
    parts.push(match[2] === undefined ? match[0] : Number(match[2]));
    at += match[0].length;
    if (at < rest.length && rest[at] !== '.' && rest[at] !== '[') return undefined;
  }
  return parts.length === 0 || rest.endsWith('.') ? undefined : parts;
};
