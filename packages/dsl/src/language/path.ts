/** Paths into the context: `steps.check.items[0]`, `$.config`, `ctx["a b"]`. */
import type { Path } from '@signalbox/engine';

export type ParsedPath =
  | { readonly ok: true; readonly path: Path }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const maxLength = 1024;
const maxSegments = 64;

export const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const segmentPattern = /\.?([A-Za-z0-9_-]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*"|'[^'\\]*')\]/y;

const refuse = (message: string, hint?: string): ParsedPath => ({
  ok: false,
  message,
  ...(hint === undefined ? {} : { hint }),
});

const quotedKey = (quoted: string): string | undefined => {
  if (quoted.startsWith("'")) return quoted.slice(1, -1);
  try {
    const key: unknown = JSON.parse(quoted);
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
};

const segmentOf = (match: RegExpExecArray): string | number | undefined => {
  if (match[1] !== undefined) return match[1];
  if (match[2] !== undefined) return Number(match[2]);
  return quotedKey(match[3] ?? '');
};

/** Where the first segment begins, past a leading `ctx` or `$`; a dot is required between segments but not before the first. */
const bodyOf = (text: string): string => {
  const root = /^(ctx|\$)(?=$|[.[])/.exec(text)?.[0];
  return root === undefined ? text : text.slice(root.length);
};

/** `message` completes "the path …". */
export const parsePath = (text: string): ParsedPath => {
  if (text.length > maxLength) return refuse(`is longer than ${maxLength} characters`);
  if (text.includes('{{')) return refuse('must not hold a template', 'write the path without braces');
  const body = bodyOf(text);
  const isRooted = body.length < text.length;
  if (body === '') return isRooted ? { ok: true, path: [] } : refuse('is empty');
  if (!isRooted && body.startsWith('.')) return refuse('must not begin with a dot');
  const path: (string | number)[] = [];
  segmentPattern.lastIndex = 0;
  while (segmentPattern.lastIndex < body.length) {
    const at = segmentPattern.lastIndex;
    const match = segmentPattern.exec(body);
    const needsDot = at > 0 || isRooted;
    const lacksDot = match?.[1] !== undefined && needsDot && body[at] !== '.';
    const segment = match === null || lacksDot ? undefined : segmentOf(match);
    if (segment === undefined) {
      return refuse(
        `does not parse at ${JSON.stringify(body.slice(at, at + 20))}`,
        'write names with dots between, and indexes in brackets, such as steps.check.items[0]',
      );
    }
    if (typeof segment === 'string' && refusedKeys.has(segment))
      return refuse(`uses the refused key "${segment}"`);
    path.push(segment);
    if (path.length > maxSegments) return refuse(`has more than ${maxSegments} parts`);
  }
  return { ok: true, path };
};

const reservedRoots: ReadonlySet<string> = new Set(['input', 'run']);

/** A path that a state may write to: it has a key, no index, and is neither `input` nor `run`. */
export const parseWritePath = (text: string): ParsedPath => {
  const parsed = parsePath(text);
  if (!parsed.ok) return parsed;
  const [root] = parsed.path;
  if (root === undefined) return refuse('must name a key of the context', 'write for example steps.check');
  if (parsed.path.some((segment) => typeof segment === 'number')) {
    return refuse('must not hold an index, since a result is written into objects only');
  }
  if (reservedRoots.has(String(root))) return refuse(`must not write to "${root}", which is read only`);
  return parsed;
};

const plainSegment = /^[A-Za-z0-9_-]+$/;

/** The path as an author writes it. */
export const formatPath = (path: Path): string => {
  const text = path.reduce<string>((sum, segment) => {
    if (typeof segment === 'number') return `${sum}[${segment}]`;
    return plainSegment.test(segment) ? `${sum}.${segment}` : `${sum}[${JSON.stringify(segment)}]`;
  }, '');
  if (text === '') return 'ctx';
  return text.startsWith('.') ? text.slice(1) : `ctx${text}`;
};
