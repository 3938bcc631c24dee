/** What is quoted of a user's text, value or schema in a message: enough to find it, never all that there is. */
import type { Json } from './json.js';
import { sizeProblem } from './json-size.js';

/** Characters of a whole message. */
export const maxMessageLength = 4_096;
const maxQuotedLength = 200;
const maxFindings = 10;
const maxFindingLength = 500;
const maxCodeLength = 100;

/** A character that takes two places is not cut in half. */
export const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')}…`;

interface Warning {
  readonly code: string;
  readonly message: string;
}

/** The first warnings; a last one says that there were more. */
export const boundedWarnings = (warnings: readonly Warning[]): readonly Warning[] => {
  if (warnings.length <= maxFindings && !warnings.some(isLong)) return warnings;
  const more = warnings.length - maxFindings;
  const shown = warnings.slice(0, maxFindings).map(({ code, message }) => ({
    code: cut(code, maxCodeLength),
    message: cut(message, maxFindingLength),
  }));
  const code = shown.at(-1)?.code ?? '';
  return more > 0 ? [...shown, { code, message: `and ${more} more` }] : shown;
};

const isLong = ({ code, message }: Warning): boolean =>
  code.length > maxCodeLength || message.length > maxFindingLength;

const maxEncodedBytes = 64 * 1024;

/** The value as JSON, of a small one: what is large is not even encoded for it. */
export const quoted = (value: Json): string => {
  const problem = sizeProblem(value, maxEncodedBytes);
  return problem === undefined ? cut(JSON.stringify(value), maxQuotedLength) : `a value that ${problem}`;
};

/** The first findings; the others are counted. */
export const listed = (findings: readonly string[]): string => {
  const shown = findings.slice(0, maxFindings).map((finding) => cut(finding, maxFindingLength));
  const more = findings.length - shown.length;
  return [...shown, ...(more === 0 ? [] : [`and ${more} more`])].join('; ');
};
