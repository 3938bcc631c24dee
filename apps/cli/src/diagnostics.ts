/** A diagnostic with the line of source it is about. */
import type { Issue } from './api-types.js';
import { onOneLine } from './terminal.js';

const longestShownLine = 160;

export const renderIssue = (issue: Issue, file: string, source: string): string => {
  const line = source.split('\n')[issue.line - 1] ?? '';
  const head = `${file}:${issue.line}:${issue.column}  ${issue.code}  ${onOneLine(issue.message)}`;
  const hint = issue.hint === undefined ? [] : [`    hint: ${onOneLine(issue.hint)}`];
  if (line.trim() === '') return [head, ...hint].join('\n');
  const start = Math.max(0, Math.min(issue.column - 1 - 60, line.length - longestShownLine));
  const shown = line.slice(start, start + longestShownLine);
  const gutter = `${issue.line} | `;
  const caret = `${' '.repeat(gutter.length + Math.max(0, issue.column - 1 - start))}^`;
  return [head, `  ${gutter}${shown}`, `  ${caret}`, ...hint].join('\n');
};
